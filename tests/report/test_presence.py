from __future__ import annotations

import numpy as np
import pytest

from perdure.report.presence import People
from perdure.report.result import CameraRun
from perdure.types import Identity, Sighting, Tracklet
from tests.report.results import run

CAMERA = CameraRun("door", "door.mp4", 640, 360, 101, 51, 10.0)


def walk(id, rows, camera="door"):
    """A tracklet of rows (time, left, score): boxes 20 wide, 50 high, 100 from the top."""
    times, lefts, scores = np.array(rows, np.float64).T
    boxes = np.column_stack([lefts, np.full_like(lefts, 100), lefts + 20, np.full_like(lefts, 150)])
    path = np.column_stack([times, np.round(times * 10), boxes, scores])
    return Tracklet(id, 1, camera, times[0], times[-1], path)


def people(*persons, camera=CAMERA):
    """People, each given by their walks."""
    identities = [
        Identity(f"P{n}", tuple(Sighting(t.id, t.camera, t.start, t.end) for t in walks), name)
        for n, (name, walks) in enumerate(persons, 1)
    ]
    return People.of(run(identities, [t for _, walks in persons for t in walks], (camera,)), camera)


def lefts(seen, at):
    return [(mark.label, round(float(mark.box[0]), 3)) for mark in seen.marks(at)]


def test_the_box_itself_where_it_was_seen_and_a_line_between():
    seen = people(("", [walk("door/1", [(1.0, 0, 0.9), (1.2, 10, 0.9), (1.4, 40, 0.9)])]))
    assert lefts(seen, 1.0) == [("P1", 0)]
    assert lefts(seen, 1.1) == [("P1", 5)]
    assert lefts(seen, 1.3) == [("P1", 25)]
    assert lefts(seen, 1.4) == [("P1", 40)]


def test_nobody_before_and_after():
    seen = people(("", [walk("door/1", [(1.0, 0, 0.9), (1.2, 10, 0.9)])]))
    assert lefts(seen, 0.99) == []
    assert lefts(seen, 1.3) == [("P1", 10)], "until just before the next look, 0.2 s later"
    assert lefts(seen, 1.4) == []


def test_a_long_gap_is_not_bridged():
    seen = people(("", [walk("door/1", [(1.0, 0, 0.9), (2.0, 10, 0.9), (4.0, 50, 0.9)])]))
    assert lefts(seen, 1.5) == [("P1", 5)]
    assert lefts(seen, 2.1) == [("P1", 10)]
    assert lefts(seen, 3.0) == []
    assert lefts(seen, 4.0) == [("P1", 50)]


def test_slow_looks_are_bridged():
    slow = CameraRun("door", "door", 640, 360, 11, 11, 20.0)
    seen = people(("", [walk("door/1", [(2.0, 0, 0.9), (4.0, 10, 0.9)])]), camera=slow)
    assert lefts(seen, 3.0) == [("P1", 5)]


def test_one_box_per_person_the_better_one():
    twice = [walk("door/1", [(1.0, 0, 0.5), (2.0, 0, 0.9)]), walk("door/2", [(1.0, 70, 0.8), (2.0, 70, 0.6)])]
    seen = people(("", twice), ("", [walk("door/3", [(1.0, 200, 0.2)])]))
    assert lefts(seen, 1.0) == [("P1", 70), ("P2", 200)]
    assert lefts(seen, 2.0) == [("P1", 0)]


def test_other_cameras_do_not_count():
    assert lefts(people(("", [walk("hall/1", [(1.0, 0, 0.9)], camera="hall")])), 1.0) == []
    assert people().marks(1.0) == []


@pytest.mark.parametrize(("name", "label"), [("", "P1"), ("Anna", "P1 Anna"), ("Zoë", "P1")])
def test_labels(name, label):
    seen = people((name, [walk("door/1", [(1.0, 0, 0.9)])]))
    assert [mark.label for mark in seen.marks(1.0)] == [label]


def test_the_trail_ends_at_the_feet_and_grows_fresher():
    seen = people(("", [walk("door/1", [(t / 10, 2.0 * t, 0.9) for t in range(101)])]))
    (mark,) = seen.marks(8.0)
    np.testing.assert_allclose(mark.trail[-1], [170, 150, 1.0])
    assert np.all(np.diff(mark.trail[:, 2]) > 0)
    assert np.all(np.diff(mark.trail[:, 0]) > 0)
    assert 0 <= mark.trail[0, 2] < 0.1
    np.testing.assert_allclose(mark.trail[:, 1], 150)
    assert len(mark.trail) <= 26
