"""What is kept in memory is what a fresh look gives, whatever was written in between."""

from __future__ import annotations

import sqlite3
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perdure.analytics import columns
from perdure.analytics.make import Question
from perdure.analytics.read import Rules, Source
from perdure.analytics.recent import Recent
from perdure.store.site_store import SiteStore, Step
from perdure.types import Event, Identity, Sighting, Tracklet
from tests.analytics.conftest import DAY_S, HOUR_S, MONDAY, VISITS, fill, visit

RULES = Rules(120.0, 0.0)
UTC = ZoneInfo("UTC")
EMPTY = np.zeros((0, 7))
stays = st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 3 * 24), st.integers(0, 90))
writes = st.lists(
    st.one_of(
        st.tuples(st.just("tell"), stays),
        st.tuples(st.just("move"), st.tuples(st.integers(0, 5), st.integers(0, 3))),
        st.tuples(st.just("erase"), st.integers(0, 3)),
        st.tuples(st.just("drop"), st.integers(0, 3 * 24)),
        st.tuples(st.just("ask"), st.integers(0, 2)),
    ),
    max_size=25,
)


def rows(source, since, until, cameras=()):
    found = source.stays(since, until, cameras, 60.0)
    named = zip(found.person, found.camera, found.start, found.end, found.row, strict=True)
    return sorted((found.people[p], found.cameras[c], s, e, r) for p, c, s, e, r in named), found.cameras


def write(store, kind, what):
    if kind == "tell":
        number, who, hour, minutes = what
        id, camera, start = f"door/{number}", ("door", "hall")[number % 2], MONDAY + hour * HOUR_S - 30 * 60
        told = Tracklet(id, 1, camera, start, start + 60 * minutes, EMPTY, ended="left")
        seen = (Sighting(id, camera, told.start, told.end),)
        event = Event(f"visit/{id}", "visit", f"P{who}", told.start, told.end, seen)
        store.save(Step([told], 0, (), {id: f"P{who}"}, [Identity(f"P{who}", seen)], [event]))
    elif kind == "move":
        store.save(Step((), 0, (), {f"door/{what[0]}": f"P{what[1]}"}))
    elif kind == "erase":
        with sqlite3.connect(store.path) as other:
            gone = [row[0] for row in other.execute("SELECT id FROM tracklets WHERE identity = ?", (f"P{what}",))]
        store.erase(f"P{what}", gone, [])
    elif kind == "drop":
        store.drop_events(MONDAY + what * HOUR_S)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writes)
def test_kept_stays_are_those_of_a_fresh_look(tmp_path_factory, history):
    path = tmp_path_factory.mktemp("site") / "site.db"
    with SiteStore(path) as store, Source(path) as kept:
        for kind, what in [*history, ("ask", 0)]:
            write(store, kind, what)
            if kind == "ask":
                since, until = MONDAY + what * DAY_S, MONDAY + 2 * DAY_S + 5
                with Source(path) as fresh:
                    for cameras in ((), ("hall",)):
                        assert rows(kept, since, until, cameras) == rows(fresh, since, until, cameras)


def test_only_days_that_were_changed_are_read_again(site, tmp_path, monkeypatch):
    fill(tmp_path / "site.db")
    read = []
    real = columns.Columns._read
    monkeypatch.setattr(columns.Columns, "_read", lambda self, *given: read.append(given[2]) or real(self, *given))
    with SiteStore(tmp_path / "site.db") as store, Source(tmp_path / "site.db") as source:
        before = rows(source, MONDAY, MONDAY + 2 * DAY_S)
        assert len(read) == 2
        assert rows(source, MONDAY, MONDAY + 2 * DAY_S) == before
        assert len(read) == 2
        store.save(Step((), 0, (), {VISITS[3][1][0].id: "P1"}))  # of Tuesday
        assert rows(source, MONDAY, MONDAY + 2 * DAY_S) != before
        assert len(read) == 3


def test_a_site_that_nobody_counted_is_counted_from_its_next_opening(tmp_path):
    path = tmp_path / "site.db"
    fill(path)
    with sqlite3.connect(path) as old:
        for (name,) in old.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            old.execute(f"DROP TRIGGER {name}")
        old.execute("DROP TABLE touched")
    with Source(path) as source:
        assert source.version() is None
        before = rows(source, MONDAY, MONDAY + 2 * DAY_S)
    SiteStore(path).close()
    with Source(path) as source:
        assert source.version() == 0
        assert rows(source, MONDAY, MONDAY + 2 * DAY_S) == before


def test_the_oldest_days_go_first(tmp_path, monkeypatch):
    fill(tmp_path / "site.db")
    monkeypatch.setattr(columns, "MOST_STAYS", 3)
    with Source(tmp_path / "site.db") as source:
        found = rows(source, MONDAY, MONDAY + 2 * DAY_S)
        assert len(found[0]) == 5
        assert sum(len(part.row) for part in source._columns._parts.values()) <= 3
        assert rows(source, MONDAY, MONDAY + 2 * DAY_S) == found


def test_a_report_is_made_again_when_something_was_changed(tmp_path):
    path = tmp_path / "site.db"
    fill(path)
    asked = Question.of(MONDAY, MONDAY + 2 * DAY_S, UTC, "UTC", "hour", ["door"])
    with Source(path) as source, SiteStore(path) as store:
        recent = Recent(source)
        first = recent.report(RULES, asked, "here")
        assert recent.report(RULES, asked, "here") is first
        assert recent.report(RULES, asked, "there").place == "there"
        seen, told, event = visit("P7", ("door", MONDAY + 5 * HOUR_S, MONDAY + 5 * HOUR_S + 60))
        store.save(Step(told, 0, (), {seen[0].tracklet: "P7"}, [Identity("P7", seen)], [event]))
        then = recent.report(RULES, asked, "here")
        assert then.headlines[0].value == first.headlines[0].value + 1


@pytest.mark.parametrize("kind", ["stay", "crossing"])
def test_what_is_told_of_places_is_a_change_too(tmp_path, kind):
    path = tmp_path / "site.db"
    fill(path)
    with Source(path) as source, SiteStore(path) as store:
        before = source.version()
        store.save(Step(events=[Event(f"{kind}/1", kind, "P1", MONDAY, MONDAY + 1, (), place="door/mat")]))
        assert source.version() > before
