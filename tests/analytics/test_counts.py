"""Counts over buckets against plain loops."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.analytics import counts
from perdure.analytics.stays import Stays, visits

EDGES = np.array([0.0, 10.0, 20.0, 50.0])
intervals = st.lists(st.tuples(st.integers(0, 3), st.integers(-20, 70), st.integers(0, 40)), max_size=20)


def arrays(told):
    who = np.array([t[0] for t in told], np.int64)
    start = np.array([t[1] for t in told], float)
    return who, start, start + np.array([t[2] for t in told], float)


@given(intervals)
def test_present_counts_everybody_once_a_bucket(told):
    who, start, end = arrays(told)
    expected = []
    for low, high in pairwise(EDGES):
        there = {w for w, s, e in zip(who, start, end, strict=True) if (s < high and e > low) or low <= s == e < high}
        expected.append(len(there))
    assert counts.present(who, start, end, EDGES).tolist() == expected


@given(intervals)
def test_occupancy_is_what_a_clock_sees(told):
    _, start, end = arrays(told)
    mean, peak = counts.occupancy(start, end, EDGES)
    half = np.arange(0.25, 50.0, 0.5)  # all times are whole: between them nothing changes
    there = ((start[:, None] <= half) & (end[:, None] > half)).sum(axis=0)
    for bucket, (low, high) in enumerate(pairwise(EDGES)):
        inside = there[(half > low) & (half < high)]
        assert mean[bucket] == pytest.approx(inside.mean())
        assert peak[bucket] >= inside.max()
        assert peak[bucket] <= max(inside.max(), counted_at_moments(start, end, low, high))


def counted_at_moments(start, end, low, high):
    """Who is there for a moment only is counted at that moment."""
    moments = [t for t in [*start, *end] if low <= t < high]
    return max((int(((start <= t) & (end >= t)).sum()) for t in moments), default=0)


@given(intervals)
def test_arrivals_are_all_that_begin(told):
    _, start, _ = arrays(told)
    assert counts.arrivals(start, EDGES).sum() == ((start >= 0) & (start < 50)).sum()


def made_of(rows):
    stays = Stays.of([r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows], [r[3] for r in rows])
    return stays, visits(stays, 30.0)


def viewed(rows):
    stays, made = made_of(rows)
    return counts.Views.of(stays, made), made


def test_a_flow_is_the_next_other_camera_within_a_visit():
    rows = [
        ("ann", "door", 0, 10), ("ann", "hall", 14, 20), ("ann", "hall", 21, 30), ("ann", "door", 100, 110),
        ("bob", "door", 0, 10), ("bob", "hall", 8, 30),
    ]  # fmt: skip
    found = counts.flows(*viewed(rows))
    assert [(f.source, f.target, f.count) for f in found] == [("door", "hall", 2)]
    assert found[0].median_s == pytest.approx(1.0)  # 4 s for ann, -2 s for bob, who was in view of both


def test_begins_and_ends_of_visits():
    stays, made = made_of([("ann", "door", 0, 10), ("ann", "hall", 5, 9), ("bob", "hall", 0, 4)])
    begun, ended = counts.ends(stays, made)
    assert dict(zip(stays.cameras, begun.tolist(), strict=True)) == {"door": 1, "hall": 1}
    assert dict(zip(stays.cameras, ended.tolist(), strict=True)) == {"door": 0, "hall": 2}


def test_time_in_view_counts_overlaps_once():
    views, _ = viewed([("ann", "door", 0, 10), ("ann", "door", 4, 12), ("ann", "door", 20, 25), ("bob", "hall", 0, 4)])
    camera, seconds = counts.time_in_view(views)
    found = {views.stays.cameras[c]: s for c, s in zip(camera.tolist(), seconds.tolist(), strict=True)}
    assert found == pytest.approx({"door": 17.0, "hall": 4.0})


def test_nobody_is_nobody():
    views, made = viewed([])
    assert counts.flows(views, made) == []
    assert counts.time_in_view(views)[1].tolist() == []
    mean, peak = counts.occupancy(made.start, made.end, EDGES)
    assert (mean.tolist(), peak.tolist()) == ([0, 0, 0], [0, 0, 0])
    assert counts.present(made.person, made.start, made.end, EDGES).tolist() == [0, 0, 0]
