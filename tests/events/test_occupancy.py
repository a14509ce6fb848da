from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.events.occupancy import Crowd, crowds, occupancy

spans = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)), max_size=12)


def columns(spans):
    starts = np.array([s for s, _ in spans], np.float64)
    return starts, starts + np.array([d for _, d in spans], np.float64)


@given(spans)
def test_counts_are_those_of_looking_at_every_moment(spans):
    starts, ends = columns(spans)
    times, counts = occupancy(starts, ends)
    for moment in np.arange(0, 80) + 0.5:
        before = np.flatnonzero(times <= moment)
        assert (counts[before[-1]] if len(before) else 0) == sum(
            s <= moment < e for s, e in zip(starts, ends, strict=True)
        )


@given(spans, st.integers(0, 4))
def test_without_hysteresis_crowds_are_the_moments_above_the_limit(spans, most):
    starts, ends = columns(spans)
    found = crowds(starts, ends, most, 0.0)
    for moment in np.arange(0, 80) + 0.5:
        people = sum(s <= moment < e for s, e in zip(starts, ends, strict=True))
        inside = [c for c in found if c.start <= moment < c.end]
        assert bool(inside) == (people > most)
        assert all(people <= c.most for c in inside)
    for crowd in found:
        assert starts[crowd.first] == crowd.start


def test_a_short_dip_does_not_end_a_crowd_and_a_short_crowd_is_none():
    starts, ends = np.array([0.0, 0.0, 5.0, 12.0]), np.array([30.0, 10.0, 8.0, 30.0])
    assert crowds(starts, ends, 1, 3.0) == [Crowd(0.0, 30.0, 3, 0)]
    assert crowds(starts, ends, 1, 2.0) == [Crowd(0.0, 10.0, 3, 0), Crowd(12.0, 30.0, 2, 3)]
    assert crowds(starts, ends, 2, 3.5) == []


@pytest.mark.parametrize("hold_s", [0.0, 2.5])
def test_nobody_is_no_crowd(hold_s):
    assert crowds(np.zeros(0), np.zeros(0), 0, hold_s) == []
