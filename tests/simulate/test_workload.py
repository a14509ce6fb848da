from __future__ import annotations

import os

import pytest

from perdure.simulate.reading import parse
from perdure.simulate.workload import USED, CameraLoad, Workload, workload


def test_cores_follow_from_rate_and_time() -> None:
    busy = CameraLoad("a", 10.0, 2.0, 1.0, 20.0, 9.0)
    idle = CameraLoad("b", 5.0, 0.0, 1.0, 19.0, 0.0)
    assert busy.cores == pytest.approx(0.3)
    load = Workload("d", "e", (busy, idle), 4)
    assert load.needed_cores == pytest.approx(0.4)
    assert load.cameras_per_machine == int(4 * USED / 0.2)
    assert "2 cameras keep 0.40 cores busy; a machine of 4 cores like this one takes about 16" in str(load)


def test_a_plan_is_measured_on_this_machine(tiny_text: str) -> None:
    sharp = tiny_text.replace("width: 128, height: 96", "width: 320, height: 240")
    load = workload(parse(sharp), embedder="baseline")
    assert [(camera.name, camera.rate_fps) for camera in load.cameras] == [("a", 4.0), ("b", 5.0)]
    assert load.embedder.startswith("baseline")
    assert load.cores == len(os.sched_getaffinity(0))
    for camera in load.cameras:
        assert 0 < camera.decode_ms < camera.detect_ms
        assert (camera.embed_ms > 0) == (camera.people > 0)
    assert load.cameras[0].people > 0  # ann and bob are before it
