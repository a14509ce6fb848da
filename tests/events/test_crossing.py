from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.events.walkers import cut, everybody, tracklet

from perdure.events.crossing import crossings
from perdure.events.places import Line

DOOR = Line("door", "sill", (0.5, 0.2), (0.5, 0.8))  # drawn downwards: its left is the picture's right


def told(*tracklets, line=DOOR, gap_s=2.0):
    return [
        (c.direction, round(c.at, 3)) for c in crossings(tracklets, everybody(tracklets), line, gap_s).get("P1", [])
    ]


def along(*points, steps=20):
    """Straight from point to point."""
    legs = [np.linspace(a, b, steps, endpoint=False) for a, b in itertools.pairwise(points)]
    return np.vstack([*legs, [points[-1]]])


def test_the_direction_is_that_of_the_line():
    ((inwards, at),) = told(tracklet(1, along((0.9, 0.5), (0.1, 0.5))))
    ((outwards, back_at),) = told(tracklet(1, along((0.1, 0.5), (0.9, 0.5))))
    assert (inwards, outwards) == ("in", "out")
    assert at == pytest.approx(1.0, abs=0.11) == back_at
    turned = Line("door", "sill", DOOR.end, DOOR.start)
    assert told(tracklet(1, along((0.1, 0.5), (0.9, 0.5))), line=turned)[0][0] == "in"


def test_to_and_fro():
    assert [d for d, _ in told(tracklet(1, along((0.1, 0.5), (0.9, 0.5), (0.1, 0.5))))] == ["out", "in"]


def test_around_the_end_is_no_crossing_and_back_through_it_is_one():
    around = along((0.1, 0.5), (0.1, 0.95), (0.9, 0.95), (0.9, 0.5))
    assert told(tracklet(1, around)) == []
    assert [d for d, _ in told(tracklet(1, np.vstack([around, along((0.9, 0.5), (0.1, 0.5))])))] == ["in"]


def test_who_touches_the_line_and_turns_back_has_not_crossed():
    assert told(tracklet(1, along((0.1, 0.5), (0.503, 0.5), (0.1, 0.5)))) == []


def test_jitter_on_the_line_is_one_crossing():
    sway = np.column_stack([0.5 + 0.008 * (-1) ** np.arange(100), np.full(100, 0.5)])
    path = np.vstack([along((0.1, 0.5), (0.49, 0.5)), sway, along((0.51, 0.5), (0.9, 0.5))])
    assert [d for d, _ in told(tracklet(1, path))] == ["out"]


def test_who_is_lost_on_the_way_and_found_again_has_crossed():
    before, after = tracklet(1, along((0.1, 0.5), (0.45, 0.5))), tracklet(2, along((0.6, 0.5), (0.9, 0.5)), start=3.0)
    assert told(before, after) == [("out", 3.0)]
    assert told(before, after, gap_s=0.5) == []


points = st.lists(
    st.tuples(st.sampled_from([0.1, 0.45, 0.495, 0.505, 0.55, 0.9]), st.sampled_from([0.1, 0.3, 0.5, 0.79, 0.95])),
    min_size=2,
    max_size=7,
)


@given(points, st.lists(st.integers(1, 119), max_size=8, unique=True))
@example([(0.1, 0.1), (0.1, 0.1), (0.505, 0.3), (0.495, 0.3), (0.55, 0.1)], [40])  # there and back in one piece
def test_cutting_a_tracklet_changes_nothing(points, rows):
    whole = tracklet(1, along(*points))
    parts = cut(whole, *[row for row in rows if row < len(whole.path)])
    assert told(*parts) == told(whole)


@given(points)
def test_ins_less_outs_are_what_the_path_wound_through_the_segment(points):
    """An oracle without hysteresis, for paths that end clear of the line."""
    path = along((0.1, 0.5), *points, (0.9, 0.5))
    net = sum(1 if d == "in" else -1 for d, _ in told(tracklet(1, path)))
    wound = 0
    for (x1, y1), (x2, y2) in itertools.pairwise(path):
        if (x1 <= 0.5) != (x2 <= 0.5):
            y = y1 + (0.5 - x1) / (x2 - x1) * (y2 - y1)
            if 0.2 <= y <= 0.8:
                wound += 1 if x2 <= 0.5 else -1
    # A path that goes through and comes back around the end winds, and so do its crossings.
    assert net == wound or _touches_an_end(path)


def _touches_an_end(path):
    """Where a path passes within the band of an end of the segment, through or around is the same to a person."""
    return bool(min(np.hypot((path[:, 0] - 0.5) * 200, (path[:, 1] - end) * 100).min() for end in (0.2, 0.8)) < 20)
