"""A site's database with two days of three people, known to the second."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from perdure.store.site_store import SiteStore, Step
from perdure.types import Event, Identity, Sighting, Tracklet

MONDAY = datetime(2026, 6, 1, tzinfo=UTC).timestamp()
DAY_S, HOUR_S = 86400.0, 3600.0
NINE = MONDAY + 9 * HOUR_S


def walk(start, end, x=(100.0, 500.0), y=300.0):
    """(T, 7): along a line, a look a second."""
    at = np.arange(start, end + 0.5, 1.0)
    across = np.interp(at, [start, end], x)
    rows = [at, np.arange(len(at)), across - 20, np.full(len(at), y - 120), across + 20, np.full(len(at), y)]
    return np.column_stack([*rows, np.full(len(at), 0.9)])


def visit(person, *stays):
    """Sightings, tracklets and the event of one visit: (camera, start, end) each."""
    seen = tuple(Sighting(f"{camera}/{int(start - MONDAY)}", camera, start, end) for camera, start, end in stays)
    told = [Tracklet(s.tracklet, 1, s.camera, s.start, s.end, walk(s.start, s.end), ended="left") for s in seen]
    event = Event(f"visit/{seen[0].tracklet}", "visit", person, seen[0].start, max(s.end for s in seen), seen)
    return seen, told, event


VISITS = (
    visit("P1", ("door", NINE, NINE + 60), ("hall", NINE + 70, NINE + 190)),
    visit("P2", ("door", NINE + 30, NINE + 90)),
    visit("P1", ("door", MONDAY + 15 * HOUR_S, MONDAY + 15 * HOUR_S + 20)),
    visit("P3", ("hall", MONDAY + DAY_S + 10 * HOUR_S, MONDAY + DAY_S + 10 * HOUR_S + 40)),
)


def fill(path, visits=VISITS):
    """Write these visits as a live site does."""
    with SiteStore(path) as store:
        for seen, told, event in visits:
            home = {s.tracklet: event.identity for s in seen}
            store.save(Step(told, 0, (), home, [Identity(event.identity, seen)], [event]))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    fill(folder / "site.db")
    return folder
