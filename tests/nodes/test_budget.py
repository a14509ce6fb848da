from __future__ import annotations

import pytest

from perdure.config import parse
from perdure.errors import SourceError
from perdure.nodes.budget import USABLE, Need, measure
from tests.nodes.clips import write_clip


def test_a_quiet_camera_needs_less_than_a_busy_one(tmp_path):
    busy = write_clip(tmp_path / "busy.mp4", {"red": (0, 150), "green": (10, 140)}, frames=150)
    quiet = write_clip(tmp_path / "quiet.mp4", {}, frames=150)
    cameras = {"busy": {"source": str(busy)}, "quiet": {"source": str(quiet)}}
    loud, still = measure(parse({"cameras": cameras, "device": "cpu"}), most_s=60.0)
    assert (loud.camera, loud.width, loud.height, loud.frames) == ("busy", 160, 120, 150)
    assert loud.footage_s == pytest.approx(15.0, abs=0.1)
    assert loud.looks > 3 * still.looks
    assert still.looks >= 7
    assert loud.stages_s["detect"] > still.stages_s["detect"] > 0
    assert {"decode", "convert", "track"} <= set(loud.stages_s)
    assert loud.carried(2) <= still.carried(2)


def test_only_so_much_footage_is_read(tmp_path):
    clip = write_clip(tmp_path / "a.mp4", {}, frames=150)
    (need,) = measure(parse({"cameras": {"a": {"source": str(clip)}}}), most_s=3.0)
    assert need.footage_s == pytest.approx(3.0, abs=0.2)


def test_what_is_too_short_is_refused(tmp_path):
    clip = write_clip(tmp_path / "a.mp4", {}, frames=1)
    with pytest.raises(SourceError, match="too short"):
        list(measure(parse({"cameras": {"a": {"source": str(clip)}}}), most_s=3.0))


def test_cameras_carried_by_a_machine():
    need = Need("a", "a.mp4", 640, 480, 10.0, 250, 250, 50, {"decode": 1.0, "detect": 1.5}, 20.0)
    assert need.cores == pytest.approx(0.25)
    assert need.carried(4) == int(USABLE * 4 / 0.25)
