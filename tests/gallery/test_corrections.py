from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from perdure.errors import InputError
from perdure.gallery import corrections as say
from perdure.gallery.gallery import Gallery
from perdure.gallery.ledger import fold
from perdure.types import Enrolled, Matched, Merged, Renamed
from tests.gallery.people import faces, gallery, tracklet


def three() -> Gallery:
    """Ann twice, Bob twice, Cy once, far apart in time."""
    ann, bob, cy = faces(3)
    site = gallery()
    for i, (id, look) in enumerate([("a/1", ann), ("a/2", bob), ("b/1", ann), ("b/2", bob), ("c/1", cy)]):
        site.observe([tracklet(id, look, start=10.0 * i, end=10.0 * i + 2)])
    assert site.partition.members == {"P1": ["a/1", "b/1"], "P2": ["a/2", "b/2"], "P3": ["c/1"]}
    return site


def same_as_fold(site: Gallery) -> None:
    assert fold(site.log) == site.partition
    for id, home in site.partition.identity_of.items():
        assert site._index.owners[site._index.row(id)] == site._codes[home]


def test_a_name_stands_for_an_identity_until_it_is_taken_away() -> None:
    site = three()
    say.rename(site, 60.0, "P1", " Ann ")
    assert say.known(site, "Ann") == "P1"
    assert site.identity("P1").name == "Ann"
    say.rename(site, 61.0, "Ann", "")
    with pytest.raises(InputError, match="no identity Ann"):
        say.known(site, "Ann")


def test_two_people_of_one_name_are_asked_about() -> None:
    site = three()
    for identity in ("P1", "P2"):
        say.rename(site, 60.0, identity, "Ann")
    with pytest.raises(InputError, match="2 identities are called Ann: P1, P2"):
        say.known(site, "Ann")


def test_what_was_said_by_a_correction_is_taken_back_with_it() -> None:
    site = three()
    (merged, *_) = say.merge(site, 60.0, "P2", "P1")
    say.undo(site, 61.0, site.log.index(merged))
    assert not any(c.same for c in site.partition.constraints)
    (split, *_) = say.split(site, 62.0, "P1", ["b/1"])
    say.undo(site, 63.0, site.log.index(split))
    assert site.partition.members["P1"] == ["a/1", "b/1"]
    assert {(c.first, c.second, c.same) for c in site.partition.constraints} == {("a/2", "a/1", False)}
    same_as_fold(site)


def test_a_merge_can_be_undone_and_then_stays_undone() -> None:
    site = three()
    say.merge(site, 60.0, "P3", "P1")
    assert site.partition.members["P1"] == ["a/1", "b/1", "c/1"]
    position = next(i for i, change in enumerate(site.log) if isinstance(change, Merged))
    site.take_touched()
    say.undo(site, 61.0, position)
    assert site.partition.members["P3"] == ["c/1"]
    assert {identity.id for identity in site.take_touched()} == {"P1", "P3"}
    same_as_fold(site)
    site.consolidate(70.0)
    assert site.partition.identity_of["c/1"] != site.partition.identity_of["a/1"]


def test_a_split_and_a_move() -> None:
    site = three()
    say.split(site, 60.0, "P1", ["b/1"])
    new = site.partition.identity_of["b/1"]
    assert new == "P4"
    site.consolidate(61.0)  # they look alike, but it was said that they are two
    assert site.partition.identity_of["b/1"] != site.partition.identity_of["a/1"]
    say.move(site, 62.0, "c/1", "P2")
    assert site.partition.identity_of["c/1"] == "P2"
    assert "P3" not in site.partition.members
    same_as_fold(site)


def test_people_seen_side_by_side_are_not_made_one() -> None:
    ann, bob = faces(2)
    site = gallery()
    site.observe([tracklet("a/1", ann), tracklet("a/2", bob, box=(100, 0, 110, 20))])
    with pytest.raises(InputError, match=r"P2 cannot be P1: a/2 and a/1 are two people \(seen beside a/1\)"):
        say.merge(site, 60.0, "P2", "P1")
    with pytest.raises(InputError, match="a/1 cannot be P2: seen beside"):
        say.move(site, 60.0, "a/1", "P2")
    assert len(site.log) == 2


def test_what_is_said_may_not_contradict_itself() -> None:
    site = three()
    say.constrain(site, 60.0, "a/1", "a/2", same=False)
    with pytest.raises(InputError, match="said to be two people"):
        say.constrain(site, 61.0, "a/1", "a/2", same=True)
    say.constrain(site, 62.0, "a/2", "c/1", same=True)  # by way of Bob, Cy is not Ann
    before = list(site.log)
    with pytest.raises(InputError, match="two people"):
        say.constrain(site, 63.0, "c/1", "a/1", same=True)
    with pytest.raises(InputError, match="said to be two people, and the same person"):
        say.split(site, 64.0, "P2", ["c/1"])
    assert site.log == before


def test_forgetting_leaves_a_tombstone_and_nothing_else() -> None:
    site = three()
    say.rename(site, 60.0, "P1", "Ann")
    looks = site._index.vectors[site._index.row("a/1")].copy()
    tombstone = say.forget(site, 61.0, "Ann", "asked for it")
    assert tombstone.tracklets == ("a/1", "b/1")
    assert not any(id in site.evidence or id in site._index for id in tombstone.tracklets)
    assert not any(np.array_equal(row, looks) for row in site._index._vectors)
    assert not any(isinstance(c, Renamed) and c.name for c in site.log)
    assert all(c.evidence.best is None for c in site.log if isinstance(c, Enrolled | Matched) and c.tracklet == "b/1")
    assert site.identity("P1").sightings == ()
    assert "P1" in {identity.id for identity in site.take_touched()}
    same_as_fold(site)
    with pytest.raises(InputError, match="P1 was forgotten"):
        say.rename(site, 62.0, "P1", "Ann")


def test_who_was_forgotten_does_not_come_back_by_a_revision_or_an_undo() -> None:
    site = three()
    say.merge(site, 60.0, "P3", "P1")
    merge = next(i for i, change in enumerate(site.log) if isinstance(change, Merged))
    tombstone = say.forget(site, 61.0, "P1", "asked")
    assert site.observe([tracklet("a/1", faces(3)[0], revision=9)]) == []
    with pytest.raises(InputError, match="erased evidence"):
        say.undo(site, 62.0, site.log.index(tombstone))
    say.undo(site, 63.0, merge)
    assert not {"a/1", "b/1", "c/1"} & site.partition.identity_of.keys()
    assert site.partition.members == {"P2": ["a/2", "b/2"]}
    same_as_fold(site)
    later = site.observe([tracklet("d/9", faces(3)[0], start=99.0, end=100.0)])
    assert isinstance(later[0], Enrolled)
    assert later[0].identity == "P4"  # not one of the numbers given before


@pytest.mark.parametrize("takes", ["move", "split"])
def test_nobody_goes_back_to_a_person_who_was_forgotten_since(takes: str) -> None:
    """Their pictures are still there, under another name; taking the correction back would leave them without any."""
    site = three()
    said = say.move(site, 60.0, "b/1", "P3") if takes == "move" else say.split(site, 60.0, "P1", ["b/1"])
    position, home = site.log.index(said[0]), site.partition.identity_of["b/1"]
    say.forget(site, 61.0, "P1", "asked")
    before = list(site.log)
    with pytest.raises(InputError, match="b/1 would be of somebody who was forgotten"):
        say.undo(site, 62.0, position)
    assert site.log == before
    assert site.partition.identity_of["b/1"] == home
    same_as_fold(site)


def test_forgetting_somebody_leaves_the_names_of_others() -> None:
    site = three()
    say.rename(site, 60.0, "P2", "Bob")
    say.rename(site, 60.0, "P3", "Cy")
    say.move(site, 61.0, "b/2", "P1")  # once Bob's
    say.merge(site, 62.0, "P3", "P1")
    say.forget(site, 63.0, "P1", "asked")
    assert site.partition.names == {"P2": "Bob"}
    assert not any(isinstance(change, Renamed) and change.name == "Cy" for change in site.log)
    same_as_fold(site)


@pytest.mark.parametrize(
    ("position", "message"),
    [(99, "no change 99"), (-1, "no change -1"), (0, "placed a/1: move it")],
)
def test_what_cannot_be_undone_says_why(position: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        say.undo(three(), 60.0, position)


def test_undoing_twice_says_so() -> None:
    site = three()
    say.rename(site, 60.0, "P1", "Ann")
    say.undo(site, 61.0, 5)
    assert site.partition.names == {}
    with pytest.raises(InputError, match="already taken back"):
        say.undo(site, 62.0, 5)
    say.undo(site, 63.0, 6)
    assert site.partition.names == {"P1": "Ann"}


@pytest.mark.parametrize(
    "wrong",
    [
        lambda site: say.merge(site, 0.0, "P1", "P1"),
        lambda site: say.merge(site, 0.0, "P1", "P77"),
        lambda site: say.split(site, 0.0, "P1", []),
        lambda site: say.split(site, 0.0, "P1", ["a/1", "b/1"]),
        lambda site: say.split(site, 0.0, "P1", ["c/1"]),
        lambda site: say.move(site, 0.0, "x/1", "P1"),
        lambda site: say.move(site, 0.0, "a/1", "P1"),
        lambda site: say.constrain(site, 0.0, "a/1", "x/1", same=True),
        lambda site: say.forget(site, 0.0, "P77", ""),
    ],
)
def test_nonsense_is_refused_and_changes_nothing(wrong) -> None:
    site = three()
    before = list(site.log)
    with pytest.raises(InputError):
        wrong(site)
    assert site.log == before


@settings(max_examples=80, deadline=None)
@example([(1, 29, 29), (4, 5, 13), (3, 12, 0)], 57)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 30), st.integers(0, 30)), max_size=25), st.integers(0, 99))
def test_whatever_is_said_the_log_folds_to_the_partition(orders: list[tuple[int, int, int]], seed: int) -> None:
    rng, looks, site = np.random.default_rng(seed), faces(8), gallery()
    for i in range(12):
        site.observe([tracklet(f"{'ab'[i % 2]}/{i}", looks[rng.integers(8)], start=10.0 * i, end=10.0 * i + 2)])
    for number, (kind, x, y) in enumerate(orders):
        at, ids = 200.0 + number, sorted(site.evidence)
        people = sorted(site.partition.members)
        if not people:
            break
        one, other = people[x % len(people)], people[y % len(people)]
        first, second = ids[x % len(ids)], ids[y % len(ids)]
        try:
            match kind:
                case 0:
                    say.merge(site, at, one, other)
                case 1:
                    say.move(site, at, first, other)
                case 2:
                    say.constrain(site, at, first, second, same=bool(y % 2))
                case 3:
                    say.undo(site, at, x % len(site.log))
                case 4 if x < 6:
                    say.forget(site, at, one, "asked")
                case 5:
                    say.rename(site, at, one, f"N{y}")
        except InputError:
            continue
    same_as_fold(site)
    half = len(site.log) // 2
    assert fold(site.log, fold(site.log[:half]), half) == site.partition
    copy = gallery()
    copy.restore(site.evidence.values(), site.log, fold(site.log))
    assert {i.id: i.sightings for i in copy.identities()} == {i.id: i.sightings for i in site.identities()}
    assert all(math.isfinite(i.confidence) for i in copy.identities())
