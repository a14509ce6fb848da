from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.errors import InputError
from perdure.gallery.ledger import fold
from perdure.gallery.topology import SiteMap, Topology
from perdure.types import Constrained, Enrolled, Matched, Merged, Moved, Split
from tests.gallery.people import faces, gallery, tracklet

A, B, C = faces(3)


def partition(of):
    """The partition as a set of sets of tracklets."""
    return {frozenset(members) for members in of.partition.members.values()}


def test_one_identity_per_person_over_cameras_and_returns():
    people = gallery()
    for id, look, start in [("x/1", A, 0), ("x/2", B, 10), ("y/1", A, 20), ("y/2", B, 30), ("x/3", A, 40)]:
        people.observe([tracklet(id, look, start, start + 2)])
    assert partition(people) == {frozenset({"x/1", "y/1", "x/3"}), frozenset({"x/2", "y/2"})}
    first, second = people.identities()
    assert (first.id, first.cameras, first.first_seen, first.last_seen) == ("P1", ("x", "y"), 0.0, 42.0)
    assert (second.id, second.cameras) == ("P2", ("x", "y"))
    assert first.confidence > 0.9
    assert first.evidence == pytest.approx(9 * 0.8)


def test_evidence_names_the_runner_up_and_its_terms():
    people = gallery()
    people.observe([tracklet("x/1", A), tracklet("x/2", B, 5, 6), tracklet("x/3", A, 10, 11)])
    decision = people.log[-1]
    assert isinstance(decision, Matched)
    assert (decision.evidence.best, decision.evidence.second) == ("P1", "P2")
    assert decision.evidence.best_score > 0.7 > decision.evidence.second_score
    terms = {term.name: term.value for term in decision.evidence.terms}
    assert decision.evidence.probability == pytest.approx(1 / (1 + np.exp(-sum(terms.values()))))


def test_two_seen_beside_each_other_are_never_one_however_alike():
    people = gallery()
    people.observe([tracklet("x/1", A, box=(0, 0, 10, 20)), tracklet("x/2", A, box=(50, 0, 60, 20))])
    assert len(people.partition.members) == 2
    assert "seen beside x/1" in people.log[-1].evidence.vetoes[0]
    people.consolidate(9.0)
    assert len(people.partition.members) == 2


def test_one_person_found_twice_at_the_same_place_is_no_proof_of_two():
    people = gallery()
    people.observe([tracklet("x/1", A, box=(0, 0, 10, 20)), tracklet("x/2", A, box=(1, 1, 10, 20))])
    assert len(people.partition.members) == 1


@pytest.mark.parametrize(("overlap", "identities"), [(True, 1), (False, 2)])
def test_cameras_that_cannot_overlap_separate_people_at_one_time(overlap, identities):
    people = gallery(topology=Topology(SiteMap(others_overlap=overlap)))
    people.observe([tracklet("x/1", A, 0, 5), tracklet("y/1", A, 1, 6)])
    assert len(people.partition.members) == identities


def test_a_match_is_taken_back_when_both_are_seen_beside_each_other_later():
    people = gallery()
    people.observe([tracklet("x/1", A, 0, 1, ended="open"), tracklet("x/2", A, 1.5, 2, (50, 0, 60, 20), ended="open")])
    assert len(people.partition.members) == 1
    people.observe([tracklet("x/1", A, 0, 3, revision=1), tracklet("x/2", A, 1.5, 3, (50, 0, 60, 20), revision=1)])
    assert len(people.partition.members) == 2
    assert any(isinstance(change, Split) for change in people.log)


def test_an_unclear_open_tracklet_waits_and_is_decided_at_its_deadline():
    people = gallery(wait_s=5.0)
    between = 0.53 * A + np.sqrt(1 - 0.53**2) * B
    people.observe([tracklet("x/1", A, 0, 1)])
    assert people.observe([tracklet("x/2", between, 3, 4, ended="open", noise=0.0)]) == []
    assert people.tick(7.9) == []
    assert len(people.tick(8.0)) == 1
    assert people.tick(99.0) == []


def test_a_hasty_new_identity_goes_into_a_known_one_when_its_tracklet_closes():
    people = gallery()
    people.observe([tracklet("x/1", A, 0, 1)])
    people.observe([tracklet("x/2", B, 5, 6, ended="open")])
    people.observe([tracklet("x/2", A, 5, 9, revision=1)])  # the first pictures misled
    assert isinstance(people.log[-1], Merged)
    assert partition(people) == {frozenset({"x/1", "x/2"})}
    assert people.partition.resolve("P2") == "P1"


def test_the_second_part_of_a_cut_stay_needs_no_look():
    people = gallery()
    people.observe([tracklet("x/1", A, 0, 1, ended="cut")])
    people.observe([tracklet("x/2", B, 1, 2, began="cut", supersedes="x/1")])
    assert partition(people) == {frozenset({"x/1", "x/2"})}


def test_an_old_revision_and_one_without_pictures_change_nothing():
    people = gallery()
    people.observe([tracklet("x/1", A, 0, 5, revision=3)])
    assert people.observe([tracklet("x/1", B, 0, 5, revision=2)]) == []
    bare = tracklet("x/2", B)
    assert people.observe([type(bare)("x/2", 0, "x", 0, 1, bare.path)]) == []


def test_vectors_of_another_length_or_norm_are_refused():
    people = gallery()
    good = tracklet("x/1", A)
    body = good.exemplars[0]
    short = type(body)("m", body.vectors[:, :5], body.quality, body.at, body.pictures)
    with pytest.raises(InputError, match="length 5, the gallery holds 32"):
        people.observe([type(good)("x/1", 0, "x", 0, 1, good.path, (short,))])
    for wrong in (np.nan, 0.0, 2.0):
        scaled = type(body)("m", body.vectors * np.float32(wrong), body.quality, body.at, body.pictures)
        with pytest.raises(InputError, match="not finite or not of unit norm"):
            people.observe([type(good)("x/1", 0, "x", 0, 1, good.path, (scaled,))])
    assert people.log == []


def test_the_operators_word_binds_consolidation():
    people = gallery()
    people.observe([tracklet("x/1", A, 0, 1), tracklet("x/2", A, 5, 6), tracklet("x/3", B, 9, 10)])
    for first, second, same in [("x/1", "x/2", False), ("x/2", "x/3", True)]:
        said = Constrained(11.0, first, second, same)
        people.log.append(said)
        people.partition.apply(said)
    people.consolidate(12.0)
    assert partition(people) == {frozenset({"x/1"}), frozenset({"x/2", "x/3"})}


def test_consolidation_joins_fragments_and_moves_strays_with_few_changes():
    people = gallery()
    people.observe([tracklet(f"x/{i}", look, 10 * i, 10 * i + 2) for i, look in enumerate([A, A, B, B, C])])
    wrong = [Moved(60.0, "x/1", "P1", "P2", "test"), Split(61.0, "P2", "P4", ("x/3",), "test")]
    for change in wrong:
        people.append(change)
    people.consolidate(99.0)
    assert partition(people) == {frozenset({"x/0", "x/1"}), frozenset({"x/2", "x/3"}), frozenset({"x/4"})}
    assert people.partition.identity_of["x/0"] == "P1"
    assert people.consolidate(100.0) == []


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from("xyz"), st.floats(0.05, 0.3)), max_size=25), st.booleans())
def test_the_log_replays_to_the_same_partition(plan, consolidate):
    looks = faces(5)
    people = gallery()
    for i, (who, camera, noise) in enumerate(plan):
        seen = tracklet(f"{camera}/{i}", looks[who], 2 * i, 2 * i + 3, (30 * i, 0, 30 * i + 9, 20), noise=noise)
        people.observe([seen])
    if consolidate:
        people.consolidate(1000.0)
    assert fold(people.log) == people.partition
    assert set(people.partition.identity_of) == {f"{camera}/{i}" for i, (_, camera, _) in enumerate(plan)}
    assert sum(isinstance(c, Enrolled | Split) for c in people.log) == people.partition.minted
    row = people._index.row
    for id, identity in people.partition.identity_of.items():
        assert people._index.owners[row(id)] == people._codes[identity]


def test_touched_identities_are_told_once_with_those_that_are_gone():
    people = gallery()
    people.observe([tracklet("x/1", A, 0, 1), tracklet("x/2", B, 5, 6)])
    assert [i.id for i in people.take_touched()] == ["P1", "P2"]
    assert people.take_touched() == []
    people.append(Merged(9.0, "P2", "P1", people.log[0].evidence))
    assert {i.id: len(i.sightings) for i in people.take_touched()} == {"P1": 2, "P2": 0}
