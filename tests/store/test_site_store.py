from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gallery.people import faces, tracklet

from perdure.errors import StoreError
from perdure.gallery.ledger import standing
from perdure.store.site_reader import EventFilter, SiteReader
from perdure.store.site_store import SiteStore, Step
from perdure.types import Enrolled, Event, Evidence, Forgotten, Identity, Matched, Merged, Renamed, Sighting, Undone

A, B = faces(2)


def sighting(id, start, end, camera="door", quality=0.5):
    return Sighting(id, camera, start, end, f"{id}.jpg", quality)


def visit(number, start, end, identity="P1", camera="door"):
    return Event(
        f"visit/{camera}/{number}", "visit", identity, start, end, (sighting(str(number), start, start + 1, camera),)
    )


@pytest.fixture
def store(tmp_path):
    with SiteStore(tmp_path / "site.db") as opened:
        yield opened


@pytest.fixture
def reader(store):
    with SiteReader(store.path) as opened:
        yield opened


def test_steps_come_back_in_order_and_newer_revisions_win(store):
    first, second = tracklet("x/1", A, 0, 1), tracklet("y/1", B, 2, 3)
    log = [Enrolled(1.0, "P1", "x/1", Evidence(0.1)), Enrolled(3.0, "P2", "y/1", Evidence(0.2))]
    store.save(
        Step([first], 0, log[:1], {"x/1": "P1"}, [Identity("P1", (sighting("x/1", 0, 1),))], [visit(1, 0, None)])
    )
    longer = replace(first, revision=first.revision + 1, end=5.0)
    ended = replace(visit(1, 0, 6.0), revision=1)
    store.save(Step([longer, second], 1, log[1:], {"x/1": "P1", "y/1": "P2"}, [], [ended]))
    with SiteStore(store.path) as again:
        kept = again.load()
    assert [(t.id, t.revision, t.end) for t in kept.tracklets] == [("x/1", longer.revision, 5.0), ("y/1", 0, 3)]
    np.testing.assert_array_equal(kept.tracklets[1].exemplars[0].vectors, second.exemplars[0].vectors)
    assert [type(change).__name__ for change in kept.changes] == ["Enrolled", "Enrolled"]
    assert kept.events == [ended]


def test_a_merge_moves_the_tracklets_of_those_who_are_not_told_again(store, reader):
    people = [Identity(f"P{i}", (sighting(f"x/{i}", i, i + 1),)) for i in (1, 2)]
    store.save(
        Step([tracklet(f"x/{i}", A, i, i + 1) for i in (1, 2)], identity_of={"x/1": "P1", "x/2": "P2"}, people=people)
    )
    both = Identity("P1", (*people[0].sightings, *people[1].sightings))
    merged = Merged(9.0, "P2", "P1", Evidence(0.9))
    store.save(Step(changes=[merged], identity_of={"x/2": "P1"}, people=[both, Identity("P2", ())]))
    assert reader.identity_of("x/2") == "P1"
    assert [person.id for person in reader.people()] == ["P1"]
    assert {t.id for t in reader.tracklets_of("P1")} == {"x/1", "x/2"}
    assert reader.person("P1").sightings == 2
    assert reader.person("P2") is None


def test_a_step_that_fails_leaves_nothing_of_itself(store):
    store.save(Step(changes=[Matched(1.0, "P1", "x/1", Evidence(0.5))]))
    broken = replace(tracklet("x/1", A, 0, 1), camera=None)
    with pytest.raises(StoreError, match="nothing was lost but this step"):
        store.save(Step([broken], 1, [Matched(2.0, "P1", "x/2", Evidence(0.5))]))
    kept = store.load()
    assert len(kept.changes) == 1
    assert kept.tracklets == []


def test_pages_of_events_overlap_nowhere_and_miss_nothing(store, reader):
    store.save(Step(events=[visit(i, float(i // 2), float(i // 2) + 1) for i in range(25)]))
    found, after = [], None
    while page := reader.events(EventFilter(), after, 4):
        found += page
        after = (page[-1].start, page[-1].id)
    assert len(found) == len({event.id for event in found}) == 25
    assert [event.start for event in found] == sorted((event.start for event in found), reverse=True)


def test_events_are_found_by_what_they_are(store, reader):
    store.save(
        Step(
            events=[
                visit(1, 0.0, 10.0, "P1", "door"),
                visit(2, 20.0, None, "P2", "door"),
                visit(3, 30.0, 40.0, "P1", "yard"),
                replace(visit(4, 5.0, 6.0), superseded_by="visit/door/1"),
            ]
        )
    )

    def ids(**which):
        return [event.id for event in reader.events(EventFilter(**which))]

    assert ids() == ["visit/yard/3", "visit/door/2", "visit/door/1"]
    assert ids(identity="P1") == ["visit/yard/3", "visit/door/1"]
    assert ids(cameras=["door"]) == ["visit/door/2", "visit/door/1"]
    assert ids(cameras=["oo"]) == []
    assert ids(cameras=["door", "yard"]) == ids()
    assert ids(since=15.0) == ["visit/yard/3", "visit/door/2"]
    assert ids(since=5.0, until=15.0) == ["visit/door/1"]
    assert ids(open=True) == ["visit/door/2"]
    assert ids(kind="loitering") == []
    assert reader.count_events(EventFilter(identity="P1")) == 2
    assert reader.event("visit/door/4").superseded_by == "visit/door/1"
    assert reader.event("visit/none") is None


@given(
    st.lists(st.tuples(st.integers(0, 50), st.one_of(st.none(), st.integers(0, 30))), min_size=1, max_size=20),
    st.integers(0, 60),
    st.integers(0, 60),
)
@settings(max_examples=25, deadline=None)
def test_a_time_finds_every_visit_that_overlaps_it(visits, since, until):
    with TemporaryDirectory() as folder, SiteStore(Path(folder) / "site.db") as store, SiteReader(store.path) as reader:
        told = [
            visit(i, float(at), None if lasted is None else float(at + lasted)) for i, (at, lasted) in enumerate(visits)
        ]
        for event in told:
            store.save(Step(events=[event]))
        found = {event.id for event in reader.events(EventFilter(since=float(since), until=float(until)), limit=100)}
        expected = {e.id for e in told if e.start <= until and (e.end is None or e.end >= since)}
        assert found == expected


def test_people_are_listed_last_seen_first_and_found_by_name_and_camera(store, reader):
    people = [Identity(f"P{i}", (sighting(f"x/{i}", i, i + 1, "door" if i % 2 else "yard"),)) for i in range(6)]
    people[3] = replace(people[3], name="Ann_100%")
    store.save(Step(people=people))
    assert [p.id for p in reader.people(limit=3)] == ["P5", "P4", "P3"]
    assert [p.id for p in reader.people(after=(4.0, "P3"))] == ["P2", "P1", "P0"]
    assert [p.id for p in reader.people(cameras=["yard"])] == ["P4", "P2", "P0"]
    assert [p.id for p in reader.people(named="nn_100%")] == ["P3"]
    assert [p.id for p in reader.people(named="a%1")] == []
    assert reader.count_people() == 6
    assert reader.person("P1").cameras == ("door",)


def test_a_damaged_or_foreign_file_is_said(tmp_path):
    (tmp_path / "text.db").write_text("nothing of ours " * 100)
    with pytest.raises(StoreError, match=r"text\.db"):
        SiteStore(tmp_path / "text.db")
    with SiteStore(tmp_path / "later.db") as store:
        store.put("format", "99")
    with pytest.raises(StoreError, match="another version"):
        SiteStore(tmp_path / "later.db")


def test_one_reads_while_another_writes(store, reader):
    store.save(Step(events=[visit(1, 0.0, 1.0)]))
    assert len(reader.events(EventFilter())) == 1
    store.save(Step(events=[visit(2, 2.0, 3.0)]))
    assert len(reader.events(EventFilter())) == 2
    with sqlite3.connect(store.path) as plain:
        assert plain.execute("select count(*) from events").fetchone() == (2,)


def test_whoever_was_away_catches_up_with_all_that_was_told(store, reader):
    store.save(Step(events=[visit(1, 0.0, None), visit(2, 1.0, None)]))
    store.save(Step(events=[replace(visit(1, 0.0, 5.0), revision=1)]))
    told = reader.told_after(0)
    assert [(event.id, event.revision) for _, event in told] == [
        ("visit/door/1", 0),
        ("visit/door/2", 0),
        ("visit/door/1", 1),
    ]
    assert reader.told_after(told[1][0]) == told[2:]
    assert reader.last_told() == told[2][0]
    store.forget_told(keep=1)
    assert reader.told_after(0) == told[2:]
    store.save(Step(events=[visit(3, 9.0, None)]))
    assert reader.last_told() == told[2][0] + 1  # a number is never given twice


def test_nothing_of_an_erased_person_is_left_in_any_file(store, reader):
    told = [tracklet("x/1", A, 0, 1), tracklet("x/2", B, 0, 1)]
    secret = told[0].exemplars[0].vectors.tobytes()
    people = [Identity("P1", (sighting("x/1", 0, 1),), name="Ann"), Identity("P2", (sighting("x/2", 0, 1),))]
    log = [Enrolled(1.0, "P1", "x/1", Evidence(0.1)), Enrolled(1.0, "P2", "x/2", Evidence(0.1))]
    events = [visit(1, 0.0, 1.0, "P1"), visit(2, 0.0, 1.0, "P2")]
    store.save(Step(told, 0, log, {"x/1": "P1", "x/2": "P2"}, people, events))
    assert secret in b"".join(path.read_bytes() for path in store.path.parent.iterdir())
    reader.close()
    store.erase("P1", ["x/1"], [*log, Forgotten(2.0, "P1", "asked", ("x/1",))])
    content = b"".join(path.read_bytes() for path in store.path.parent.iterdir())
    assert secret not in content
    assert b"Ann" not in content
    assert [p.id for p in reader.people()] == ["P2"]
    assert [event.identity for _, event in reader.told_after(0)] == ["P2"]
    assert [t.id for t in store.load().tracklets] == ["x/2"]
    assert isinstance(store.load().changes[-1], Forgotten)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.one_of(st.sampled_from(["name", "forget"]), st.integers(0, 30)), min_size=1, max_size=30),
    st.integers(1, 9),
)
def test_the_log_comes_in_pages_and_says_what_stands(kinds, limit):
    """An undoing of an undoing, of what comes later and of what was erased: as the ledger judges it."""
    log = []
    for at, kind in enumerate(kinds):
        if kind == "name":
            log.append(Renamed(float(at), "P1", "Ann"))
        elif kind == "forget":
            log.append(Forgotten(float(at), "P1", "asked", ("x/1",)))
        else:
            log.append(Undone(float(at), kind))
    with TemporaryDirectory() as folder, SiteStore(Path(folder) / "site.db") as store, SiteReader(store.path) as reader:
        store.save(Step([], 0, log, {}, [], []))
        told, before = [], None
        while page := reader.log(before, limit):
            assert len(page) <= limit
            told += page
            before = page[-1][0]
    assert told == [(i, log[i], standing(log)[i]) for i in range(len(log) - 1, -1, -1)]


def test_a_database_of_an_older_version_gets_the_columns_it_lacks(tmp_path):
    with SiteStore(tmp_path / "site.db") as store:
        store.save(Step(people=[Identity("P1", (sighting("x/1", 0, 1),))]))
    with sqlite3.connect(tmp_path / "site.db") as plain:
        for column in ("enrolled", "watched"):
            plain.execute(f"ALTER TABLE people DROP COLUMN {column}")
    with SiteStore(tmp_path / "site.db") as store, SiteReader(store.path) as reader:
        [person] = reader.people()
        assert (person.id, person.enrolled, person.watched) == ("P1", 0, False)
        store.save(Step(people=[Identity("P2", (), "Ann", given=("a.jpg", ""), watched=True)]))
        ann = reader.person("P2")
        assert (ann.name, ann.enrolled, ann.watched, ann.was_seen, ann.cameras) == ("Ann", 2, True, False, ())
        assert [p.id for p in reader.people(listed="watched")] == ["P2"]
        store.save(Step(people=[Identity("P2", ())]))
        assert reader.person("P2") is None


def test_who_passed_is_counted_by_day_and_camera(store, reader):
    store.save(Step(passers={("2026-01-01", "door"): 2, ("2026-01-01", "yard"): 1}))
    store.save(Step(passers={("2026-01-01", "door"): 3, ("2026-01-02", "door"): 1}))
    assert reader.passers() == [("2026-01-02", "door", 1), ("2026-01-01", "door", 5), ("2026-01-01", "yard", 1)]
    assert not Step().says_anything
    assert Step(passers={("2026-01-01", "door"): 1}).says_anything
