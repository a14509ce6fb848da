from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.events.walkers import cut, everybody, tracklet

from perdure.events.dwell import dwell
from perdure.events.places import Zone
from perdure.types import Tracklet

TILL = Zone("door", "till", ((0.4, 0.2), (0.6, 0.2), (0.6, 0.9), (0.4, 0.9)), min_stay_s=0.0)
GAP_S = 2.0


def walk(*places, each=20, jitter=0.0, seed=0):
    """Standing at these x for ``each`` boxes, on the half height."""
    x = np.repeat(places, each)
    noise = np.random.default_rng(seed).normal(0, jitter, (len(x), 2)) if jitter else 0
    return np.column_stack([x, np.full(len(x), 0.5)]) + noise


def stays_of(*tracklets, zone=TILL, gap_s=GAP_S):
    return dwell(tracklets, everybody(tracklets), zone, gap_s).get("P1", [])


def spans(stays):
    return [(round(s.start, 3), round(s.end, 3)) for s in stays]


def test_somebody_in_and_out():
    (stay,) = stays_of(tracklet(1, walk(0.1, 0.5, 0.9)))
    assert (stay.start, stay.end) == pytest.approx((2.0, 4.0))
    assert not stay.is_inside
    assert stay.tracklets == ("door/1",)


def test_who_is_lost_inside_was_there_until_seen_last():
    (stay,) = stays_of(tracklet(1, walk(0.1, 0.5)))
    assert (stay.start, stay.end) == pytest.approx((2.0, 3.9))
    assert stay.is_inside


def test_a_step_outside_shorter_than_the_gap_is_no_second_stay():
    assert spans(stays_of(tracklet(1, walk(0.5, 0.9, 0.5, each=15)))) == [(0.0, 4.4)]
    assert spans(stays_of(tracklet(1, walk(0.5, 0.9, 0.5, each=30)))) == [(0.0, 3.0), (6.0, 8.9)]


def test_jitter_on_the_border_is_one_stay_or_none():
    near = 0.4 + 0.5 * 0.05 * 40 / 200  # half of the band
    swaying = np.column_stack([near + 0.004 * (-1) ** np.arange(300), np.full(300, 0.5)])
    inside_first = np.vstack([walk(0.5), swaying])
    assert len(stays_of(tracklet(1, inside_first), gap_s=0.15)) == 1
    assert stays_of(tracklet(1, swaying), gap_s=0.15) == []


def test_short_stays_do_not_count_and_nobody_is_left_out_of_the_answer_empty():
    brief = Zone("door", "till", TILL.polygon, min_stay_s=5.0)
    assert dwell([tracklet(1, walk(0.1, 0.5, 0.9))], {"door/1": "P1"}, brief, GAP_S) == {}


def test_other_cameras_and_nobody_do_not_count():
    elsewhere = tracklet(1, walk(0.5), camera="yard")
    assert dwell([elsewhere, tracklet(2, walk(0.5))], {"yard/1": "P1"}, TILL, GAP_S) == {}


def test_a_zone_that_ends_at_the_border_of_the_picture_holds_who_is_cut_off_by_it():
    low = Zone("door", "low", ((0.0, 0.7), (1.0, 0.7), (1.0, 1.0), (0.0, 1.0)), 0.0)
    assert spans(stays_of(tracklet(1, [(0.5, 1.0)] * 11), zone=low)) == [(0.0, 1.0)]
    corner = Zone("door", "corner", ((0.5, 0.5), (0.99, 0.5), (0.995, 0.99), (0.5, 0.99)), 0.0)
    assert spans(stays_of(tracklet(1, [(1.0, 1.0)] * 11), zone=corner)) == [(0.0, 1.0)]


def test_a_new_resolution_does_not_move_the_zone():
    small, large = tracklet(1, walk(0.1, 0.5)), tracklet(2, walk(0.5, 0.9), start=4.0, size=(800, 400))
    assert spans(stays_of(small, large)) == [(2.0, 6.0)]


def test_a_tracklet_of_unknown_size_tells_nothing():
    assert stays_of(tracklet(1, walk(0.5))) != []
    path = tracklet(1, walk(0.5)).path
    assert stays_of(Tracklet("door/1", 1, "door", 0.0, 2.0, path)) == []


def test_where_two_tracklets_cover_one_time_the_earlier_counts():
    true, ghost = tracklet(1, walk(0.5, each=40)), tracklet(2, walk(0.9, each=10), start=1.0)
    assert spans(stays_of(true, ghost, gap_s=0.3)) == [(0.0, 3.9)]


places = st.lists(st.sampled_from([0.1, 0.37, 0.4, 0.43, 0.5, 0.57, 0.6, 0.63, 0.9]), min_size=1, max_size=6)


@given(places, st.lists(st.integers(1, 119), max_size=8, unique=True), st.integers(0, 5), st.floats(0.15, 4.0))
def test_cutting_a_tracklet_changes_nothing(places, rows, seed, gap_s):
    whole = tracklet(1, walk(*places, jitter=0.01, seed=seed))
    parts = cut(whole, *[row for row in rows if row < len(whole.path)])
    assert spans(stays_of(*parts, gap_s=gap_s)) == spans(stays_of(whole, gap_s=gap_s))


@given(places, st.integers(0, 9), st.floats(0.05, 5.0))
def test_stays_do_not_overlap_and_are_further_apart_than_the_gap(places, seed, gap_s):
    stays = stays_of(tracklet(1, walk(*places, each=7, jitter=0.02, seed=seed)), gap_s=gap_s)
    for before, after in itertools.pairwise(stays):
        assert after.start - before.end > gap_s


@given(places, st.integers(0, 9))
def test_all_that_is_clearly_inside_is_in_a_stay_and_nothing_clearly_outside_for_long(places, seed):
    whole = tracklet(1, walk(*places, each=40, jitter=0.004, seed=seed))
    stays = stays_of(whole, gap_s=1.0)
    x = whole.path[:, [2, 4]].mean(axis=1) / 200
    for at, where in zip(whole.path[:, 0], x, strict=True):
        covered = any(s.start <= at <= s.end for s in stays)
        if 0.42 < where < 0.58:
            assert covered
    for s in stays:
        within = (whole.path[:, 0] > s.start) & (whole.path[:, 0] < s.end)
        outside = (x < 0.38) | (x > 0.62)
        runs = np.split(outside & within, np.flatnonzero(np.diff((outside & within).astype(int))) + 1)
        assert all(len(run) * 0.1 <= 1.2 for run in runs if run[0])
