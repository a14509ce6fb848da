from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.events.walkers import SIZE, tracklet

from perdure.events.places import Line, Places, Zone
from perdure.events.tell import Events
from perdure.events.told import NOBODY
from perdure.events.visits import VisitRule
from perdure.types import Identity, Sighting, Spot

RULE = VisitRule(visit_gap_s=20.0)
TILL = Zone("door", "till", ((0.4, 0.1), (0.6, 0.1), (0.6, 0.9), (0.4, 0.9)), min_stay_s=0.5, loiter_after_s=8.0)
QUEUE = Zone("door", "queue", ((0.7, 0.1), (0.9, 0.1), (0.9, 0.9), (0.7, 0.9)), 0.5, queue=True, served_by="sill")
SILL = Line("door", "sill", (0.65, 0.1), (0.65, 0.9))
PLACES = Places((TILL, QUEUE), (SILL,), {"door/till": 1, "door": 2, "": 2}, gap_s=2.0, hold_s=1.0, loiter_after_s=30.0)


def stand(*places, each=10):
    """A foot path: so many boxes at each of these x."""
    x = np.repeat(places, each)
    return np.column_stack([x, np.full(len(x), 0.5)])


def person(name, *tracklets):
    seen = [Sighting(t.id, t.camera, t.start, t.end, "", 0.5) for t in tracklets]
    return Identity(name, tuple(sorted(seen, key=lambda s: (s.start, s.tracklet))))


def of(*tracklets):
    return {t.id: t for t in tracklets}


def kinds(events):
    return sorted((e.kind, e.place, e.direction) for e in events)


def test_a_stay_opens_and_closes_and_a_crossing_is_told_once():
    events = Events(RULE, replace(PLACES, limits={}))
    walk = tracklet(1, stand(0.1, 0.5, 0.8, each=20), ended="left")
    early = replace(walk, revision=0, path=walk.path[:30], end=2.9, ended="open")
    opened = events.update(3.0, [person("P1", early)], of(early))
    assert kinds(opened) == [("stay", "door/till", ""), ("visit", "", "")]
    assert all(e.end is None for e in opened)
    told = events.update(6.0, [person("P1", walk)], of(walk))
    assert ("crossing", "door/sill", "out") in kinds(told)
    later = events.update(9.0, [], of(walk))
    assert {(e.kind, e.end is None) for e in later} == {("stay", False), ("wait", False)}
    assert events.update(10.0, [], of(walk)) == []


def test_spots_keep_a_stay_open_that_no_tracklet_tells_of_yet():
    events = Events(RULE, replace(PLACES, limits={}))
    begun = tracklet(1, stand(0.5), ended="open")
    events.update(1.0, [person("P1", begun)], of(begun))
    box = np.array([92, 10, 108, 50], np.float32)
    for second in range(2, 8):
        spot = Spot("door/1", "door", float(second), 10 * second, box, SIZE)
        assert not [e for e in events.update(second + 0.1, [], of(begun), [spot]) if e.end is not None]
    (closed,) = [e for e in events.update(11.0, [], of(begun)) if e.kind == "stay"]
    assert closed.end == 7.0


def test_merged_people_have_one_stay_and_it_takes_the_other_in():
    events = Events(RULE, replace(PLACES, limits={}))
    first, second = tracklet(1, stand(0.5)), tracklet(2, stand(0.5), start=2.0)
    apart = [person("P1", first), person("P2", second)]
    told = events.update(3.0, apart, of(first, second))
    stays = {e.identity: e.id for e in told if e.kind == "stay"}
    told = events.update(3.5, [person("P1", first, second), person("P2")], of(first, second))
    gone = {e.id: e.superseded_by for e in told if e.superseded_by}
    assert gone[stays["P2"]] == stays["P1"]
    told = events.update(4.0, apart, of(first, second))
    assert stays["P2"] in {e.id for e in told if not e.superseded_by}


def test_too_many_people_are_one_event_with_how_many_there_were():
    events = Events(RULE, Places((TILL,), (), {"door/till": 1}, gap_s=1.0, hold_s=1.0))
    three = [tracklet(i, stand(0.5, each=60), start=float(i)) for i in range(3)]
    told = events.update(12.0, [person(f"P{i}", t) for i, t in enumerate(three)], of(*three))
    (crowd,) = [e for e in told if e.kind == "occupancy"]
    assert (crowd.place, crowd.start, crowd.people, crowd.identity, crowd.cameras) == (
        "door/till",
        1.0,
        3,
        "",
        ("door",),
    )
    assert crowd.end == pytest.approx(6.9)


def test_a_crowd_is_told_while_it_lasts():
    events = Events(RULE, Places((), (), {"": 1}, gap_s=1.5, hold_s=2.0))
    both = [tracklet(i, stand(0.5), ended="open") for i in range(2)]
    people = [person(f"P{i}", t) for i, t in enumerate(both)]
    assert not [e for e in events.update(1.0, people, of(*both)) if e.kind == "occupancy"]
    told = []
    for second in range(2, 9):
        spots = [Spot(t.id, "door", float(second), second, np.array([92, 10, 108, 50], np.float32), SIZE) for t in both]
        told += [e for e in events.update(second, [], of(*both), spots if second < 5 else ()) if e.kind == "occupancy"]
    assert [(e.end, e.people) for e in told] == [(None, 2), (4.0, 2)]
    assert told[0].id == told[1].id
    assert told[0].cameras == ()


def test_loitering_adds_up_over_cameras_and_is_one_event():
    events = Events(RULE, Places((), (), {}, loiter_after_s=12.0, loiter_within_s=100.0))
    stays = [
        tracklet(i, stand(0.5, each=50), start=8.0 * i, camera=camera)
        for i, camera in enumerate(("door", "yard", "door"))
    ]
    told = []
    for count in range(1, 4):
        told += events.update(8.0 * count, [person("P1", *stays[:count])], of(*stays[:count]))
    told += events.update(60.0, [], of(*stays))
    loitered = [e for e in told if e.kind == "loitering"]
    assert [(e.start, e.end, e.cameras) for e in loitered] == [
        (0.0, None, ("door", "yard")),
        (0.0, 20.9, ("door", "yard")),
    ]


def test_a_long_stay_in_a_zone_is_loitering_there():
    events = Events(RULE, Places((TILL,), (), {}))
    told = events.whole([person("P1", walk := tracklet(1, stand(0.5, each=100)))], of(walk))
    (found,) = [e for e in told if e.kind == "loitering"]
    assert (found.place, found.start, found.end) == ("door/till", 0.0, pytest.approx(9.9))


def test_what_was_told_before_a_new_drawing_stands_and_only_its_owner_may_change():
    walk, later = tracklet(1, stand(0.5)), tracklet(2, stand(0.5), start=100.0)
    events = Events(RULE, Places((TILL,), (), {}))
    events.update(50.0, [person("P1", walk)], of(walk))
    other = Zone("door", "shelf", TILL.polygon, 0.5)
    events.draw(Places((other,), (), {}, since=60.0))
    told = events.update(200.0, [person("P2", walk, later), person("P1")], of(walk, later))
    assert {(e.kind, e.place, e.identity) for e in told if not e.superseded_by} == {
        ("visit", "", "P2"), ("stay", "door/till", "P2"), ("stay", "door/shelf", "P2"),
    }  # fmt: skip


def test_nothing_is_told_again_after_a_restart_and_crowds_go_on():
    places = Places((TILL,), (), {"door/till": 1}, gap_s=5.0, hold_s=1.0)
    both = [tracklet(i, stand(0.5, each=40), ended="open") for i in range(2)]
    people = [person(f"P{i}", t) for i, t in enumerate(both)]
    before = Events(RULE, places)
    told = before.update(4.0, people, of(*both))
    assert [e.kind for e in told].count("occupancy") == 1
    after = Events(RULE, places)
    after.restore(told)
    assert after.update(4.5, people, of(*both)) == []
    ended = {e.kind for e in after.update(30.0, [], of(*both)) if e.end is not None}
    assert ended == {"visit", "stay", "occupancy"}


def test_who_is_erased_is_told_of_no_more():
    walk = tracklet(1, stand(0.5))
    events = Events(RULE, PLACES)
    assert events.update(1.0, [person("P1", walk)], of(walk))
    events.forget("P1")
    assert events.update(2.0, [person("P1")], {}) == []
    assert events.update(100.0, [], {}) == []


def test_a_person_without_a_visit_has_no_stay():
    events = Events(VisitRule(20.0, min_evidence=1.0), PLACES)
    walk = tracklet(1, stand(0.5))
    assert events.update(1.0, [replace(person("P1", walk), evidence=0.5)], of(walk)) == []


# --- told step by step, as from the last partition -----------------------------------------------------------------

legs = st.lists(st.sampled_from([0.1, 0.38, 0.42, 0.5, 0.62, 0.68, 0.8, 0.95]), min_size=1, max_size=4)


@st.composite
def histories(draw):
    """Tracklets, and partitions of them one after the other; each tracklet may come in several revisions."""
    count = draw(st.integers(1, 5))
    tracklets = []
    for number in range(count):
        camera = draw(st.sampled_from(["door", "door", "yard"]))
        start = draw(st.integers(0, 40))
        each = draw(st.sampled_from([4, 12, 40]))
        tracklets.append(tracklet(number, stand(*draw(legs), each=each), start=float(start), camera=camera))
    steps = [draw(st.lists(st.integers(0, 2), min_size=count, max_size=count)) for _ in range(draw(st.integers(1, 5)))]
    shown = [draw(st.lists(st.integers(1, 4), min_size=count, max_size=count)) for _ in steps]
    return tracklets, steps, shown


def partition(tracklets, owners):
    return [
        person(f"P{owner}", *[t for t, o in zip(tracklets, owners, strict=True) if o == owner]) for owner in range(3)
    ]


def standing(told):
    """The last revision of each event that stands, without how often it was revised."""
    last = {}
    for event in told:
        assert event.id not in last or event.revision > last[event.id].revision
        last[event.id] = event
    return {id: replace(e, revision=0) for id, e in last.items() if not e.superseded_by}


@settings(max_examples=150)
@given(histories())
def test_told_step_by_step_ends_as_told_at_once(history):
    tracklets, steps, shown = history
    gradual, told = Events(RULE, PLACES), []
    for number, (owners, quarters) in enumerate(zip(steps, shown, strict=True)):
        parts = [
            replace(t, path=t.path[: max(2, len(t.path) * q // 4)], ended="open" if q < 4 else "left")
            for t, q in zip(tracklets, quarters, strict=True)
        ]
        parts = [replace(t, end=float(t.path[-1, 0]), revision=number + 1) for t in parts]
        told += gradual.update(12.0 * (number + 1), partition(parts, owners), of(*parts))
    final = [replace(t, revision=99) for t in tracklets]
    people = partition(final, steps[-1])
    told += gradual.update(500.0, people, of(*final))
    told += gradual.update(600.0, [], of(*final))
    at_once = Events(RULE, PLACES).whole([p for p in people if p.sightings], of(*final))
    assert standing(told) == {e.id: replace(e, revision=0) for e in at_once}


@settings(max_examples=60)
@given(histories(), st.permutations(range(3)))
def test_the_order_of_people_does_not_matter(history, order):
    tracklets, steps, _ = history
    people = partition(tracklets, steps[-1])
    first, other = Events(RULE, PLACES), Events(RULE, PLACES)
    told = standing(first.update(500.0, people, of(*tracklets)))
    assert told == standing(other.update(500.0, [people[i] for i in order], of(*tracklets)))


@settings(max_examples=60)
@given(histories())
def test_events_are_what_the_field_says_they_are(history):
    tracklets, steps, _ = history
    told = Events(RULE, PLACES).whole([p for p in partition(tracklets, steps[-1]) if p.sightings], of(*tracklets))
    visits = [e for e in told if e.kind == "visit"]
    for event in told:
        assert event.end is not None
        assert event.start <= event.end
        if event.kind in ("stay", "wait", "crossing"):
            home = [v for v in visits if v.identity == event.identity and v.start <= event.start <= v.end]
            assert len(home) == 1
            assert set(event.sightings) <= set(home[0].sightings)
        if event.kind == "occupancy":
            assert event.people > PLACES.limits[event.place]
    for first, second in itertools.combinations([e for e in told if e.kind == "occupancy"], 2):
        assert first.place != second.place or first.end < second.start or second.end < first.start


def test_an_event_nobody_has_any_more_says_so():
    events = Events(RULE, replace(PLACES, limits={}))
    whole = tracklet(1, stand(0.5, 0.1, each=20))
    events.update(4.0, [person("P1", whole)], of(whole))
    cut_off = replace(whole, path=whole.path[25:], start=2.5, revision=2)
    told = events.update(5.0, [person("P1", cut_off)], of(cut_off))
    assert [e.superseded_by for e in told if e.kind == "stay"] == [NOBODY]
    assert math.isfinite(told[0].start)
