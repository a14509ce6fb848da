from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.video.backlog import LONGEST_LAG_S, MOST, STEP_S, Backlog


def drained(backlog: Backlog[int]) -> list[int]:
    taken = []
    while (item := backlog.take()) is not None:
        taken.append(item)
    return taken


def test_usually_only_the_newest_waits() -> None:
    backlog: Backlog[int] = Backlog()
    assert backlog.take() is None
    for index in range(5):
        backlog.put(index / 10, index)
    assert drained(backlog) == [4]


def test_what_was_looked_back_at_comes_first_and_in_order_then_the_newest_again() -> None:
    backlog: Backlog[int] = Backlog()
    backlog.put(0.0, 0)
    for index in range(1, 6):
        backlog.put(index * STEP_S, index, is_past=True)
    backlog.put(6 * STEP_S, 6)
    assert drained(backlog) == [0, 1, 2, 3, 4, 5, 6]
    backlog.put(7 * STEP_S, 7)
    backlog.put(8 * STEP_S, 8)
    assert drained(backlog) == [8]


def test_who_is_too_far_behind_is_given_the_newest() -> None:
    backlog: Backlog[int] = Backlog()
    backlog.put(0.0, 0, is_past=True)
    backlog.put(LONGEST_LAG_S, 1)
    backlog.put(LONGEST_LAG_S + 1, 2)
    assert drained(backlog) == [2]


@settings(deadline=None)
@given(st.lists(st.floats(0.01, 0.5), min_size=1, max_size=200))
def test_never_many_wait_and_the_first_is_kept(steps: list[float]) -> None:
    backlog: Backlog[int] = Backlog()
    at, times = 0.0, []
    for index, step in enumerate(steps):
        if at + step > LONGEST_LAG_S:
            break
        at += step
        times.append(at)
        backlog.put(at, index, is_past=True)
    taken = drained(backlog)
    assert len(taken) <= MOST
    assert taken[:1] == [0]
    assert all(times[b] - times[a] > 0.9 * STEP_S for a, b in pairwise(taken))
