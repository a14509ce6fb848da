from __future__ import annotations

import sqlite3
from contextlib import nullcontext
from itertools import chain

import numpy as np
import pytest

from perdure.errors import StoreError
from perdure.store.memory import MemoryStore
from perdure.store.run_store import RunStore
from perdure.types import Crops, Detections, Enrolled, Event, Evidence, Exemplars, Seen, Sighting, Tracklet


def seen(camera, index, people, crops=(), warp=None):
    rng = np.random.default_rng(index)
    found = Detections.of(rng.random((people, 4)), rng.random(people), np.arange(people) % 3)
    return Seen(camera, index, index / 10, 640, 360, found, crops, warp)


def crop(rows):
    rng = np.random.default_rng(0)
    k = len(rows)
    vectors = rng.random((k, 8)).astype(np.float32)
    return Crops(np.array(rows), "m", vectors, rng.random(k).astype(np.float32), tuple(f"c/{r}.jpg" for r in rows))


@pytest.mark.parametrize("lasting", [True, False], ids=["sqlite", "memory"])
def test_the_journal_gives_back_what_was_put_in(tmp_path, lasting):
    panned = np.array([[1.0, 0.0, 7.5], [0.0, 1.0, -2.0], [0.0, 0.0, 1.0]])
    batches = [[seen("a", 0, 2, (crop([1]),)), seen("b", 0, 0)], [seen("a", 1, 3, (crop([0, 2]),), panned)]]
    memory = MemoryStore()
    with RunStore(tmp_path / "x.db") if lasting else nullcontext(memory) as store:
        for number, batch in enumerate(batches):
            store.append(number, batch)
        store.commit()
    with RunStore(tmp_path / "x.db") if lasting else nullcontext(memory) as store:
        found = list(store.journal())
    assert [[(s.camera, s.index, s.at, s.width, s.height) for s in batch] for batch in found] == [
        [(s.camera, s.index, s.at, s.width, s.height) for s in batch] for batch in batches
    ]
    for before, after in zip(chain(*batches), chain(*found), strict=True):
        np.testing.assert_array_equal(after.detections.boxes, before.detections.boxes)
        np.testing.assert_array_equal(after.detections.scores, before.detections.scores)
        np.testing.assert_array_equal(after.detections.flags, before.detections.flags)
        np.testing.assert_array_equal(after.warp, before.warp)
        for x, y in zip(after.crops, before.crops, strict=True):
            np.testing.assert_array_equal(x.rows, y.rows)
            np.testing.assert_array_equal(x.vectors, y.vectors)
            np.testing.assert_array_equal(x.quality, y.quality)
            assert (x.model, x.part, x.pictures) == (y.model, y.part, y.pictures)


def test_what_was_not_committed_is_lost_whole(tmp_path):
    with RunStore(tmp_path / "x.db") as store:
        store.append(0, [seen("a", 0, 2)])
        store.commit()
        store.append(1, [seen("a", 1, 2, (crop([0]),)), seen("b", 1, 2)])
    with RunStore(tmp_path / "x.db") as store:
        assert [len(batch) for batch in store.journal()] == [1]


def test_facts_are_replaced(tmp_path):
    with RunStore(tmp_path / "x.db") as store:
        store.put("state", "running")
        store.put("state", "finished")
        assert store.get("state") == "finished"
        assert store.get("nothing", "else") == "else"


def test_a_result_is_replaced_by_the_next_and_readable_by_plain_sql(tmp_path):
    body = Exemplars("m", np.eye(2, dtype=np.float32), np.ones(2, np.float32), np.arange(2.0), ("p", "q"))
    tracklet = Tracklet("x/1", 2, "x", 0.0, 1.0, np.arange(14.0).reshape(2, 7), (body,), ended="left")
    event = Event("visit/x/1", "visit", "P1", 0.0, 1.0, (Sighting("x/1", "x", 0.0, 1.0, "p", 0.5),))
    with RunStore(tmp_path / "x.db") as store:
        for _ in range(2):
            store.write_result([tracklet], {"x/1": "P1"}, [Enrolled(1.0, "P1", "x/1", Evidence(0.0))], [event])
    with RunStore(tmp_path / "x.db") as store:
        (again,) = store.tracklets()
    assert (again.key, again.camera, again.ended, again.exemplars[0].pictures) == (("x/1", 2), "x", "left", ("p", "q"))
    np.testing.assert_array_equal(again.path, tracklet.path)
    np.testing.assert_array_equal(again.exemplars[0].vectors, body.vectors)
    database = sqlite3.connect(tmp_path / "x.db")
    assert database.execute("select id, revision, identity, ended from tracklets").fetchall() == [
        ("x/1", 2, "P1", "left")
    ]
    path = np.frombuffer(database.execute("select path from tracklets").fetchone()[0]).reshape(-1, 7)
    np.testing.assert_array_equal(path, tracklet.path)
    assert database.execute("select kind from changes").fetchall() == [("Enrolled",)]
    assert database.execute("select identity from events").fetchall() == [("P1",)]
    assert database.execute("select pictures from exemplars").fetchall() == [('["p", "q"]',)]
    database.close()


def test_no_database_of_ours(tmp_path):
    (tmp_path / "x.db").write_bytes(b"something else entirely, long enough to be looked at" * 50)
    with pytest.raises(StoreError, match=r"cannot use the database .*x\.db: file is not a database"):
        RunStore(tmp_path / "x.db")
    with RunStore(tmp_path / "y.db") as store:
        store.put("format", "99")
    with pytest.raises(StoreError, match="another version"):
        RunStore(tmp_path / "y.db")
    with pytest.raises(StoreError, match="cannot use the database"):
        RunStore(tmp_path / "no" / "folder.db")


def test_the_twin_in_memory_keeps_facts_and_results():
    store = MemoryStore()
    store.put("state", "running")
    store.put("state", "finished")
    assert (store.get("state"), store.get("nothing", "else")) == ("finished", "else")
    tracklet = Tracklet("x/1", 2, "x", 0.0, 1.0, np.zeros((0, 7)))
    store.write_result([tracklet], {"x/1": "P1"}, [Enrolled(1.0, "P1", "x/1", Evidence(0.0))], [])
    assert (store.tracklets, store.identity_of, len(store.changes), store.events) == ((tracklet,), {"x/1": "P1"}, 1, ())
