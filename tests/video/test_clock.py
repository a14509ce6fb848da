from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.video.clock import JUMP_S, LEAST_STEP_S, SLEW, StreamClock

BEGAN = 1_700_000_000.0


def arrivals(count, fps=25.0, jitter_s=0.2, delay_s=0.05, skew=0.0, seed=0):
    """True capture times, stamps of a camera whose clock runs fast by ``skew``, and jittery arrivals."""
    true = BEGAN + np.arange(count) / fps
    stamps = (true - BEGAN) * (1 + skew) + 123.0
    late = delay_s + np.random.default_rng(seed).exponential(jitter_s / 4, count)
    return true, stamps, np.maximum.accumulate(true + late)


def placed(clock, stamps, moments):
    return np.array([clock.place(stamp, moment)[0] for stamp, moment in zip(stamps, moments, strict=True)])


def test_jitter_of_the_network_is_taken_off():
    true, stamps, moments = arrivals(1000)
    error = placed(StreamClock(), stamps, moments) - true
    assert np.abs(moments - true).std() > 0.04
    assert error[200:].std() < 0.01  # only the least delay is left
    assert error[200:].mean() == pytest.approx(0.05, abs=0.01)


def test_a_camera_clock_that_runs_fast_is_followed():
    true, stamps, moments = arrivals(15_000, jitter_s=0.05, skew=5e-4)
    error = placed(StreamClock(), stamps, moments) - true
    assert stamps[-1] - stamps[0] - (true[-1] - true[0]) > 0.25
    assert np.abs(error[1000:] - 0.05).max() < 0.03


def test_stamps_that_begin_anew_do_not_move_time():
    true, stamps, moments = arrivals(400)
    stamps = np.where(np.arange(400) < 200, stamps, stamps - stamps[200])
    clock = StreamClock()
    at = placed(clock, stamps, moments)
    assert clock.resets == 1
    assert (np.diff(at) > 0).all()
    assert np.abs(at - true).max() < 1.0


def test_a_camera_whose_clock_is_set_forward_is_noticed():
    true, stamps, moments = arrivals(400)
    stamps = np.where(np.arange(400) < 200, stamps, stamps + 3600)
    clock = StreamClock()
    assert np.abs(placed(clock, stamps, moments) - true).max() < 1.0
    assert clock.resets == 1


def test_a_pause_of_the_network_is_no_reset():
    true, stamps, moments = arrivals(400, jitter_s=0.0)
    moments = np.where((np.arange(400) >= 200) & (np.arange(400) < 230), moments[230], moments)
    clock = StreamClock()
    at = placed(clock, stamps, moments)
    assert clock.resets == 0
    assert np.abs(at - true).max() < 0.06


def test_without_stamps_the_arrival_counts():
    clock = StreamClock()
    assert clock.place(None, BEGAN)[0] == BEGAN
    assert clock.place(None, BEGAN)[0] == pytest.approx(BEGAN + LEAST_STEP_S)


def test_a_stream_opened_anew_begins_with_its_own_stamps():
    clock = StreamClock()
    clock.place(5000.0, BEGAN)
    clock.restart()
    assert clock.place(0.0, BEGAN + 1)[0] == pytest.approx(BEGAN + 1)
    assert clock.resets == 0


def told(clock, stamps, moments, says):
    """Placed, where the camera also says its own time."""
    rows = zip(stamps, moments, says, strict=True)
    return np.array([clock.place(stamp, moment, said)[0] for stamp, moment, said in rows])


def test_a_camera_that_says_its_time_is_believed_to_the_millisecond():
    true, stamps, moments = arrivals(1000, delay_s=0.35)  # encoder and network: nobody could know
    clock = StreamClock()
    assert np.abs(told(clock, stamps, moments, true) - true).max() < 1e-3
    assert clock.way_s == pytest.approx(0.35, abs=0.01)


@pytest.mark.parametrize("wrong_s", [60.0, -60.0, 3600.0, -2.0, 0.5])
def test_a_camera_with_another_time_than_ours_is_not(wrong_s):
    true, stamps, moments = arrivals(1000, delay_s=0.35)
    plain = placed(StreamClock(), stamps, moments)
    assert told(StreamClock(), stamps, moments, true + wrong_s) == pytest.approx(plain)


def test_what_was_learned_of_the_way_outlives_a_clock_that_is_set_and_a_new_connection():
    true, stamps, moments = arrivals(2000, delay_s=0.35, jitter_s=0.02)
    clock = StreamClock()
    told(clock, stamps[:500], moments[:500], true[:500])
    error = told(clock, stamps[500:1000], moments[500:1000], true[500:1000] + 3600.0) - true[500:1000]
    assert np.abs(error).max() < 0.02
    clock.restart()
    error = placed(clock, stamps[1000:] - stamps[1000], moments[1000:]) - true[1000:]
    assert np.abs(error[50:]).max() < 0.02


def test_a_clock_that_is_set_a_little_moves_time_little_by_little():
    true, stamps, moments = arrivals(2000, delay_s=0.1, jitter_s=0.02)
    says = np.where(np.arange(2000) < 500, true, true - 0.3)
    at = told(StreamClock(), stamps, moments, says)
    steps = np.diff(at) / np.diff(true)
    assert steps.min() > 1 - SLEW - 0.01
    assert steps.max() < 1 + SLEW + 0.01
    assert np.abs(at - says)[900:].max() < 1e-3


def test_a_camera_that_says_its_time_late_does_not_stop_time():
    true, stamps, moments = arrivals(2000, delay_s=0.6, jitter_s=0.02)
    clock = StreamClock()
    at = [*placed(clock, stamps[:500], moments[:500]), *told(clock, stamps[500:], moments[500:], true[500:])]
    assert (np.diff(at) / np.diff(true)).min() > 1 - SLEW - 0.1
    assert np.abs(np.array(at) - true)[1000:].max() < 1e-3


@given(
    st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(0, 100)), min_size=1, max_size=60),
)
def test_time_always_advances_and_is_never_far_in_the_future(steps):
    clock, arrival, last = StreamClock(), BEGAN, float("-inf")
    for stamp, passed in steps:
        arrival += passed
        at, spread = clock.place(stamp, arrival)
        assert at > last
        assert at <= max(arrival + JUMP_S, last + 2 * LEAST_STEP_S)
        assert spread >= -JUMP_S
        last = at


def test_a_frame_looked_back_at_has_the_time_of_its_stamp_and_teaches_nothing():
    true, stamps, moments = arrivals(100)
    clock = StreamClock()
    placed(clock, stamps[:50], moments[:50])
    known = clock.place(stamps[60], moments[60])[0] - true[60]
    clock = StreamClock()
    placed(clock, stamps[:50], moments[:50])
    at = [clock.recall(stamp)[0] for stamp in stamps[50:60]]
    assert np.abs(np.array(at) - true[50:60] - known).max() < 0.02
    assert clock.resets == 0
    assert clock.place(stamps[60], moments[60])[0] > at[-1]
