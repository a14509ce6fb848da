from __future__ import annotations

import pytest

from perdure.nodes.pace import LAG_BOUNDS_S, Pace
from perdure.types import Frame


def frame(camera, at):
    return Frame(camera, 0, at, 0.0, 64, 48, None)


def test_lags_are_counted_by_camera_within_their_bounds():
    pace = Pace()
    pace.done([frame("door", 10.0), frame("hall", 9.0)], 10.1)
    pace.done([frame("door", 10.0)], 30.0)
    door = pace.lags["door"]
    assert [count for count in door.counts if count] == [1, 1]
    assert door.counts[0] == door.counts[-1] == 1  # at most 0.1 s, and more than the last bound
    assert door.sum_s == pytest.approx(20.1)
    assert pace.lags["hall"].counts[LAG_BOUNDS_S.index(1.5)] == 1


def test_what_a_stage_uses_is_added_up():
    pace = Pace()
    for _ in range(2):
        with pace.stage("busy"):
            sum(i * i for i in range(300_000))
        with pace.stage("idle"):
            pass
    assert pace.cpu_s["busy"] > 20 * pace.cpu_s["idle"] > 0.0
