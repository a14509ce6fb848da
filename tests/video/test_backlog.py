from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.video.backlog import CATCHES_UP_IN_S, MOST, STEP_S, Backlog


def drained(backlog: Backlog[int], now: float = 0.0) -> list[int]:
    taken = []
    while (item := backlog.take(now)) is not None:
        taken.append(item)
    return taken


def test_usually_only_the_newest_waits() -> None:
    backlog: Backlog[int] = Backlog()
    assert backlog.take(0.0) is None
    for index in range(5):
        backlog.put(index / 10, index)
    assert drained(backlog) == [4]


def test_a_quick_taker_gets_all_that_was_looked_back_at_in_order_then_the_newest_again() -> None:
    backlog: Backlog[int] = Backlog()
    backlog.put(0.0, 0)
    for index in range(1, 6):
        backlog.put(index * STEP_S, index, is_past=True)
    backlog.put(6 * STEP_S, 6)
    assert drained(backlog, 6 * STEP_S) == [0, 1, 2, 3, 4, 5, 6]
    backlog.put(7 * STEP_S, 7)
    backlog.put(8 * STEP_S, 8)
    assert drained(backlog) == [8]


@pytest.mark.parametrize("each_s", [0.15, 0.25, 0.5])
def test_a_slow_taker_sees_the_past_thinned_and_has_caught_up_in_time(each_s: float) -> None:
    backlog: Backlog[int] = Backlog()
    for index in range(20):  # two seconds were kept when the camera woke up
        backlog.put(index * STEP_S, index, is_past=True)
    now, newest, taken = 2.0, 19, []
    while now < 2.0 + CATCHES_UP_IN_S + 2 * each_s:
        item = backlog.take(now)
        assert item is not None
        taken.append((now, item * STEP_S))
        now += each_s
        while (newest + 1) * STEP_S < now:
            newest += 1
            backlog.put(newest * STEP_S, newest)
    times = [at for _, at in taken]
    assert times[0] == 0.0
    assert times == sorted(times)
    assert max(b - a for a, b in pairwise(times)) < 6 * each_s  # thinned evenly: nobody is jumped over
    assert taken[-1][0] - taken[-1][1] <= STEP_S + 1e-6  # the newest, as it comes


@settings(deadline=None)
@given(st.lists(st.floats(0.01, 0.5), min_size=1, max_size=200))
def test_never_many_wait_and_the_first_is_kept(steps: list[float]) -> None:
    backlog: Backlog[int] = Backlog()
    at, times = 0.0, []
    for index, step in enumerate(steps):
        at += step
        times.append(at)
        backlog.put(at, index, is_past=True)
    taken = drained(backlog, at)
    assert len(taken) <= MOST
    assert taken[:1] == [0]
    assert all(times[b] - times[a] > 0.9 * STEP_S for a, b in pairwise(taken))
