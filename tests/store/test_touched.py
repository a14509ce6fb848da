"""Every change of a day is counted, whoever makes it."""

from __future__ import annotations

import sqlite3

import numpy as np
import pytest

from perdure.store import touched
from perdure.store.site_store import SiteStore, Step
from perdure.types import Event, Tracklet

DAY_S = touched.DAY_S


def stay(id, start, revision=1):
    return Tracklet(id, revision, "door", start, start + 5, np.zeros((0, 7)), ended="left")


@pytest.fixture
def store(tmp_path):
    with SiteStore(tmp_path / "site.db") as opened:
        yield opened


def counts(store):
    with sqlite3.connect(store.path) as reader:
        return touched.versions(reader.execute)


def test_a_new_and_a_revised_tracklet_count_and_also_the_day_it_leaves(store):
    assert counts(store) == {touched.TOLD: 0, touched.PLACES: 0}
    store.save(Step([stay("door/1", 3 * DAY_S + 9), stay("door/2", 5 * DAY_S)]))
    first = counts(store)
    assert first.keys() == {3, 5, touched.TOLD, touched.PLACES}
    store.save(Step([stay("door/1", 3 * DAY_S + 9, 2)]))
    second = counts(store)
    assert (second[3] > first[3], second[5]) == (True, first[5])
    store.save(Step([stay("door/1", 4 * DAY_S + 9, 3)]))
    third = counts(store)
    assert third[3] > second[3]
    assert third[4] > 0


def test_who_it_is_and_erasing_count(store):
    store.save(Step([stay("door/1", 3 * DAY_S)], 0, (), {"door/1": "P1"}))
    first = counts(store)
    store.save(Step(identity_of={"door/1": "P2"}))
    second = counts(store)
    assert second[3] > first[3]
    store.erase("P2", ["door/1"], [])
    assert counts(store)[3] > second[3]


def test_visits_and_places_count_apart_and_so_does_another_writer(store):
    store.save(Step(events=[Event("visit/1", "visit", "P1", 0.0, 1.0, ())]))
    store.save(Step(events=[Event("stay/1", "stay", "P1", 0.0, 1.0, (), place="door/mat")]))
    first = counts(store)
    assert (first[touched.TOLD], first[touched.PLACES]) == (1, 1)
    with sqlite3.connect(store.path) as other:
        other.execute("DELETE FROM events WHERE kind = 'visit'")
    assert counts(store)[touched.TOLD] == 2


def test_a_database_without_counts_says_so(tmp_path):
    with sqlite3.connect(tmp_path / "run.db") as run:
        assert touched.versions(run.execute) is None


def test_a_day_is_found_by_its_bounds_whatever_the_rounding(store):
    edge = 4 * DAY_S
    starts = [np.nextafter(edge, 0), edge, np.nextafter(edge, np.inf), edge - 1e-3]
    store.save(Step([stay(f"door/{i}", float(s)) for i, s in enumerate(starts)]))
    with sqlite3.connect(store.path) as reader:
        found = {
            day: {
                row[0]
                for row in reader.execute(f"SELECT id FROM tracklets WHERE {touched.OF_DAY}", touched.bounds(day))
            }
            for day in (3, 4)
        }
    assert found[3] | found[4] == {f"door/{i}" for i in range(4)}
    assert found[3].isdisjoint(found[4])
