from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from perdure.events.tell import Events
from perdure.events.told import NOBODY
from perdure.events.visits import VisitRule, group
from perdure.types import Identity, Sighting


def sighting(id, start, end, camera="x"):
    return Sighting(id, camera, start, end, f"{id}.jpg", 0.5)


def person(name, *sightings):
    return Identity(name, tuple(sightings))


def test_a_gap_longer_than_allowed_ends_a_visit_on_all_cameras_together():
    seen = [sighting("a", 0, 10), sighting("b", 5, 60, "y"), sighting("c", 100, 110), sighting("d", 200, 210)]
    assert [[s.tracklet for s in visit] for visit in group(seen, 50)] == [["a", "b", "c"], ["d"]]


@given(st.lists(st.tuples(st.floats(0, 1000), st.floats(0, 100)), max_size=40), st.floats(0.1, 200))
def test_visits_are_a_partition_with_gaps_between_and_none_inside(times, gap_s):
    seen = [sighting(str(i), start, start + length) for i, (start, length) in enumerate(times)]
    visits = group(seen, gap_s)
    assert sorted(s.tracklet for visit in visits for s in visit) == sorted(s.tracklet for s in seen)
    for before, after in itertools.pairwise(visits):
        assert after[0].start - max(s.end for s in before) > gap_s
    for visit in visits:  # the plain definition: every moment of the visit is within the gap of a sighting
        edges = np.array([[s.start, s.end] for s in visit])
        for i in range(1, len(visit)):
            assert edges[i, 0] - edges[:i, 1].max() <= gap_s


def test_a_visit_opens_changes_and_closes_once():
    visits = Events(VisitRule(visit_gap_s=60))
    a, b = sighting("a", 0, 10), sighting("b", 30, 50, "y")
    (opened,) = visits.update(10, [person("P1", a)])
    assert (opened.id, opened.end, opened.revision) == ("visit/a", None, 0)
    assert visits.update(11, [person("P1", a)]) == []
    (changed,) = visits.update(50, [person("P1", a, b)])
    assert (changed.revision, changed.cameras) == (1, ("x", "y"))
    assert visits.update(110, []) == []
    (closed,) = visits.update(111, [])
    assert (closed.end, closed.revision) == (50, 2)
    assert visits.update(500, []) == []


def test_a_return_after_the_gap_is_a_visit_of_its_own():
    visits = Events(VisitRule(visit_gap_s=60))
    visits.update(10, [person("P1", sighting("a", 0, 10))])
    told = visits.update(200, [person("P1", sighting("a", 0, 10), sighting("b", 190, 200))])
    assert {(e.id, e.end) for e in told} == {("visit/a", 10), ("visit/b", None)}


def test_two_identities_that_prove_one_leave_one_event():
    visits = Events(VisitRule(visit_gap_s=60))
    a, b = sighting("a", 0, 10), sighting("b", 30, 50)
    visits.update(50, [person("P1", a), person("P2", b)])
    told = visits.update(51, [person("P1", a, b), person("P2")])
    assert {(e.id, e.superseded_by, e.revision) for e in told} == {("visit/a", "", 1), ("visit/b", "visit/a", 1)}
    assert [e.id for e in visits.whole([person("P1", a, b)])] == ["visit/a"]


def test_sightings_that_go_nowhere_take_their_event_with_them():
    visits = Events(VisitRule(visit_gap_s=60))
    visits.update(50, [person("P1", sighting("a", 0, 10))])
    (gone,) = visits.update(51, [person("P1")])
    assert gone.superseded_by == NOBODY
    assert visits.update(999, []) == []


def test_a_tracklet_that_moves_takes_its_visit_along():
    visits = Events(VisitRule(visit_gap_s=60))
    a, b = sighting("a", 0, 10), sighting("b", 5, 15, "y")
    visits.update(20, [person("P1", a, b)])
    told = visits.update(21, [person("P1", b), person("P2", a)])
    assert {(e.id, e.identity, e.revision) for e in told} == {("visit/b", "P1", 0), ("visit/a", "P2", 1)}


def test_a_blink_is_no_visit_and_the_best_picture_stands_for_one():
    visits = Events(VisitRule(visit_gap_s=60, min_visit_s=1.0))
    assert visits.update(5, [person("P1", sighting("a", 0, 0.5))]) == []
    poor, good = sighting("b", 0, 2), Sighting("c", "x", 3, 4, "good.jpg", 0.9)
    (told,) = visits.update(5, [person("P1", poor, good)])
    assert told.picture == "good.jpg"


def test_a_glimpse_is_no_visit_until_there_is_a_good_picture():
    visits = Events(VisitRule(visit_gap_s=60, min_evidence=0.5))
    seen = sighting("a", 0, 5)
    assert visits.update(5, [Identity("P1", (seen,), evidence=0.4)]) == []
    assert len(visits.update(6, [Identity("P1", (seen,), evidence=0.6)])) == 1


def test_all_visits_at_the_end_are_closed_and_in_order():
    visits = Events(VisitRule(visit_gap_s=60))
    told = visits.whole(
        [person("P1", sighting("a", 100, 110), sighting("c", 300, 301)), person("P2", sighting("b", 0, 9))]
    )
    assert [(e.id, e.start, e.end) for e in told] == [("visit/b", 0, 9), ("visit/a", 100, 110), ("visit/c", 300, 301)]


def test_visits_that_were_dropped_never_come_back():
    visits = Events(VisitRule(visit_gap_s=60))
    ann = person("P1", sighting("a", 0, 10), sighting("b", 1000, 1010))
    assert len(visits.update(2000, [ann])) == 2
    visits.drop(500)
    (again,) = visits.update(3000, [person("P1", *ann.sightings, sighting("c", 2990, 3000))])
    assert again.id == "visit/c"
    assert [event.id for event in visits.whole([ann])] == ["visit/b"]


def test_what_was_told_before_a_restart_is_not_told_again():
    before, after = Events(VisitRule(visit_gap_s=60)), Events(VisitRule(visit_gap_s=60))
    told = before.update(20, [person("P1", sighting("a", 0, 10))])
    after.restore(told)
    assert after.update(25, [person("P1", sighting("a", 0, 10))]) == []
    (closed,) = after.update(100, [])
    assert (closed.id, closed.end, closed.revision) == ("visit/a", 10, 1)
    after.forget("P1")
    assert after.update(200, [person("P1")]) == []
