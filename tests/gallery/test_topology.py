from __future__ import annotations

import numpy as np
import pytest

from perdure.gallery.index import Index
from perdure.gallery.topology import CLOCK_SLACK_S, SiteMap, Topology, by_appearance, last_seen
from perdure.gallery.transitions import BINS, Transitions
from perdure.types import Enrolled, Evidence, Matched, Split, Term
from tests.gallery.people import DIM, faces, gallery, tracklet

A, B, *_ = faces(4)


def pair(*names):
    return frozenset(names)


SITE = SiteMap({pair("door", "dock"): 20.0}, frozenset({pair("door", "hall")}), others_overlap=False)


def test_the_map_says_how_near_in_time_two_sightings_of_one_person_may_be():
    assert SITE.least_gap_s("door", "dock") == SITE.least_gap_s("dock", "door") == 20.0
    assert SITE.least_gap_s("door", "hall") == -np.inf
    assert SITE.least_gap_s("hall", "dock") == -CLOCK_SLACK_S
    assert SITE.least_gap_s("door", "door") == -np.inf
    assert SiteMap().least_gap_s("door", "dock") == -np.inf


def people_of(log):
    return [type(change) for change in log]


@pytest.mark.parametrize(
    ("start", "camera", "same"),
    [(7.0, "dock", False), (30.0, "dock", True), (7.0, "hall", True), (2.0, "hall", True), (2.0, "yard", False)],
)
def test_nobody_is_faster_than_declared_nor_in_two_places_at_once(start, camera, same):
    people = gallery(topology=Topology(SITE))
    people.observe([tracklet("door/1", A, 0, 5), tracklet(f"{camera}/1", A, start, start + 3)])
    assert people_of(people.log) == [Enrolled, Matched if same else Enrolled]
    if not same:
        assert any("too soon" in veto for veto in people.log[-1].evidence.vetoes)
    people.consolidate(100.0)
    assert len(people.partition.members) == (1 if same else 2)


def test_who_is_found_too_fast_later_is_taken_apart():
    people = gallery(topology=Topology(SITE))
    people.observe([tracklet("door/1", A, 0, 5, ended="open"), tracklet("dock/1", A, 30, 33)])
    assert len(people.partition.members) == 1
    changes = people.observe([tracklet("door/1", A, 0, 14, revision=1)])
    assert people_of(changes) == [Split]


def test_tracklets_told_out_of_order_are_judged_by_their_own_times():
    people = gallery(topology=Topology(SITE))
    people.observe([tracklet("dock/1", A, 30, 33), tracklet("door/1", A, 15, 18), tracklet("door/2", A, 0, 5)])
    homes = people.partition.identity_of
    assert homes["door/1"] != homes["dock/1"]
    assert homes["door/2"] in (homes["door/1"], homes["dock/1"])


def index_of(*sightings):
    """Rows of (owner, camera, start, end)."""
    index = Index(DIM)
    for number, (owner, camera, start, end) in enumerate(sightings):
        row = index.put(str(number), A.astype(np.float32), start, end, camera)
        index.owners[row] = owner
    return index


def test_the_last_sighting_is_the_one_that_began_last_before():
    index = index_of((0, 0, 0, 1), (1, 1, 4, 5), (0, 1, 2, 3), (-1, 0, 5, 6), (1, 0, 9, 10), (-1, 0, 7, 8))
    assert last_seen(5, index, 3).tolist() == [2, 1, -1]


def walkers(count, back=False):
    """Everybody passes camera 0, then 1 after 10 s; a crowd at all times."""
    rows = []
    for person in range(count):
        begin = 3.0 * person
        rows += [(person, 0, begin, begin + 2), (person, 1, begin + 12, begin + 14)]
    return rows


def test_what_was_learned_prefers_who_was_due():
    rows = walkers(60)
    now = 3.0 * 60
    rows += [
        (60, 0, now - 12, now - 10),
        (61, 0, now - 90, now - 88),
        (62, 1, now - 12, now - 10),
        (-1, 1, now, now + 1),
    ]
    index, topology = index_of(*rows), Topology()
    topology.meet(["x", "y"])
    assert not topology.evidence(len(rows) - 1, index, 63).any()  # nothing learned yet
    topology.learn(index, np.ones(len(rows)))
    odds = topology.evidence(len(rows) - 1, index, 63)
    assert odds[60] > 2
    assert odds[60] == odds.max()
    assert odds[61] < 0
    assert odds[62] < odds[60] - 1


def test_without_learning_there_is_no_evidence_but_the_map_holds():
    index = index_of((0, 0, 0, 5), (-1, 1, 7, 8))
    topology = Topology(SITE, learns=False)
    topology.meet(["door", "dock"])
    assert not topology.is_due(index)
    topology.learn(index, np.ones(2))
    assert topology.evidence(1, index, 1).tolist() == [0.0]
    assert topology.too_close(1, index)[0] == 18.0


def test_it_learns_again_when_the_gallery_has_grown():
    topology = Topology()
    topology.meet(["x", "y"])
    assert not topology.is_due(index_of(*walkers(10)))
    index = index_of(*walkers(11))
    assert topology.is_due(index)
    topology.learn(index, np.ones(22))
    assert not topology.is_due(index)


def test_a_decision_shows_the_term_and_does_not_confirm_itself():
    people = gallery()
    for number, look in enumerate(np.resize(faces(16), (60, DIM))):
        begin = 3.0 * number
        people.observe([tracklet(f"x/{number}", look, begin, begin + 2)])
        people.observe([tracklet(f"y/{number}", look, begin + 2.5, begin + 2.8)])
    last = people.log[-1]
    assert isinstance(last, Matched)
    terms = {term.name: term.value for term in last.evidence.terms}
    assert terms["topology"] > 1
    assert by_appearance(last.evidence) < last.evidence.probability


def test_a_decision_without_terms_counts_as_it_stands():
    assert by_appearance(Evidence(0.3)) == 0.3
    assert by_appearance(Evidence(0.9, terms=(Term("appearance", 0.0), Term("topology", 5.0)))) == 0.5


def test_an_open_tracklet_is_still_in_view_however_long_ago_it_was_told():
    rows = [(0, 0, 0, 1), (-1, 1, 50, 51)]
    index, topology = index_of(*rows), Topology()
    topology.meet(["x", "y"])
    odds = np.zeros((2, 2, BINS))
    odds[0, 1, 0] = 5.0
    topology.transitions = Transitions(odds, odds)
    assert topology.evidence(1, index, 1).tolist() == [0.0]
    topology.told(tracklet("0", A, 0, 1, ended="open"))
    assert topology.evidence(1, index, 1).tolist() == [5.0]
    topology.told(tracklet("0", A, 0, 49, revision=1))
    assert topology.evidence(1, index, 1).tolist() == [0.0]
