from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.video.timeline import Timeline


def placed(stamps: list[float | None], rate_fps: float = 10.0, tick_s: float = 0.0) -> list[float]:
    timeline = Timeline(rate_fps, tick_s)
    return [timeline.place(stamp)[0] for stamp in stamps]


@given(
    st.lists(
        st.none() | st.floats(-1e6, 1e6) | st.sampled_from([0.0, 0.1, 0.2, 5.0]),
        min_size=1,
        max_size=60,
    ),
    st.floats(0.1, 240.0),
)
def test_times_start_at_zero_and_always_increase(stamps: list[float | None], rate_fps: float) -> None:
    times = placed(stamps, rate_fps)
    assert times[0] == 0.0
    assert all(later > earlier for earlier, later in pairwise(times))


@given(st.lists(st.floats(0.001, 100.0), min_size=1, max_size=40), st.floats(-1000.0, 1000.0))
def test_good_stamps_are_kept_whatever_their_rate(gaps: list[float], first: float) -> None:
    stamps = [first]
    for gap in gaps:
        stamps.append(stamps[-1] + gap)
    assert placed(list(stamps)) == pytest.approx([stamp - first for stamp in stamps], abs=1e-9)


def test_without_stamps_the_rate_gives_exact_times() -> None:
    assert placed([None] * 31, rate_fps=3.0)[30] == pytest.approx(10.0, abs=1e-12)


def test_a_missing_stamp_is_filled_and_the_next_good_one_counts() -> None:
    assert placed([5.0, None, 5.25, 5.3]) == pytest.approx([0.0, 0.1, 0.25, 0.3])


def test_stamps_that_come_late_continue_what_was_guessed() -> None:
    assert placed([None, None, 7.0, 7.3]) == pytest.approx([0.0, 0.1, 0.2, 0.5])


def test_a_repeated_stamp_moves_on_a_little_and_spoils_nothing() -> None:
    assert placed([0.0, 0.1, 0.1, 0.2]) == pytest.approx([0.0, 0.1, 0.101, 0.2])


def test_one_stamp_a_little_back_spoils_nothing() -> None:
    assert placed([0.0, 0.1, 0.05, 0.3]) == pytest.approx([0.0, 0.1, 0.101, 0.3])


def test_a_restarted_recorder_goes_on_one_period_later() -> None:
    assert placed([100.0, 100.1, 0.0, 0.1, 0.4]) == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.6])


def test_a_clock_that_stands_still_is_no_clock() -> None:
    times = placed([3.0] * 14)
    assert times[:4] == pytest.approx([0.0, 0.001, 0.002, 0.003])
    assert [b - a for a, b in pairwise(times[4:])] == pytest.approx([0.1] * 9)


def test_a_jump_forward_is_a_pause_and_kept() -> None:
    assert placed([0.0, 0.1, 60.0, 60.1]) == pytest.approx([0.0, 0.1, 60.0, 60.1])


def test_the_uncertainty_is_a_tick_where_stamped_and_a_period_where_repaired() -> None:
    timeline = Timeline(10.0, tick_s=0.012)
    stds = [timeline.place(stamp)[1] for stamp in (0.0, 0.1, 0.1, None, 0.4)]
    assert stds == pytest.approx([0.012 / math.sqrt(12), 0.012 / math.sqrt(12), 0.1, 0.1, 0.012 / math.sqrt(12)])
