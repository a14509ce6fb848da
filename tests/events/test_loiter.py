from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.events.loiter import loitering, union


def test_several_short_visits_add_up_over_cameras():
    spans = [(0, 100), (50, 150), (300, 400), (600, 700)]  # 150 s, 100 s, 100 s
    (found,) = loitering(spans, after_s=240, within_s=1000)
    assert (found.start, found.since, found.end) == (0, 390, 700)


def test_what_is_long_ago_does_not_count():
    spans = [(0, 100), (1000, 1100), (2000, 2100)]
    assert loitering(spans, after_s=150, within_s=900) == []
    found = loitering(spans, after_s=140, within_s=1050)
    assert [(f.start, f.end) for f in found] == [(0, 1100), (1000, 2100)]
    assert [f.since for f in found] == pytest.approx([1040, 2040])


def test_it_is_told_once_and_again_after_it_was_over():
    assert len(loitering([(0, 100), (100, 200)], 50, 500)) == 1
    assert len(loitering([(0, 100), (5000, 5100)], 50, 500)) == 2


def test_nobody_seen_is_nobody_who_loiters():
    assert loitering([], 10, 20) == []


@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(1, 60)), max_size=8), st.integers(5, 100), st.integers(100, 400)
)
def test_it_is_so_at_exactly_the_moments_at_which_enough_was_seen(spans, after_s, within_s):
    times = [(float(s), float(s + d)) for s, d in spans]
    found = loitering(times, after_s, within_s)
    seen = union(times)
    for at in np.arange(0, 900, 7) + 0.37:
        amount = sum(max(0.0, min(e, at) - max(s, at - within_s)) for s, e in seen)
        if amount > after_s + 0.01:
            assert any(one.since <= at + 1e-6 for one in found)
    for one in found:
        reached = sum(max(0.0, min(e, one.since) - max(s, one.since - within_s)) for s, e in seen)
        assert reached == pytest.approx(after_s)
        assert one.start < one.since <= one.end
        assert any(s <= one.end <= e for s, e in seen)
