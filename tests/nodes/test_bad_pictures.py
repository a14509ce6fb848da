"""Pictures that no camera should give, through the whole run."""

from __future__ import annotations

import av
import numpy as np
import pytest

from perdure import assemble
from perdure.cli.progress import Silent
from perdure.config import parse
from perdure.gallery.calibrate import Calibration
from perdure.nodes.recorded import Plan, run
from perdure.types import Detections
from tests.nodes.clips import COLOURS, ColourDetector, ColourEmbedder


@pytest.fixture(autouse=True)
def colours(monkeypatch):
    """Models that see colours."""
    monkeypatch.setattr(assemble, "models", lambda config: (ColourDetector(), ColourEmbedder()))
    monkeypatch.setattr(assemble, "calibration_of", lambda name: Calibration(20.0, -8.0, 0.0, 0.3, 0.7))


def walking(index, size):
    width, height = size
    picture = np.full((height, width, 3), 128, np.uint8)
    x = 2 + (width - 20) * index // 40
    picture[height // 4 : height // 4 + 40, x : x + 16] = COLOURS["red"]
    return picture


def film(path, sizes, frames=40):
    """One stream of MPEG-TS parts, each of its own size; red walks through all of them."""
    content = b""
    for part, size in enumerate(sizes):
        piece = path.with_suffix(f".{part}.ts")
        with av.open(str(piece), "w", format="mpegts") as container:
            stream = container.add_stream("libx264", rate=10, options={"g": "10", "preset": "ultrafast"})
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            for index in range(frames):
                frame = av.VideoFrame.from_ndarray(walking(index, size), format="bgr24")
                frame.pts = part * frames + index
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        content += piece.read_bytes()
    path.write_bytes(content)
    return path


def result_of(tmp_path, clip, every=1):
    settings = {"cameras": {"hall": {"source": str(clip)}}, "detection": {"every": every}}
    return run(Plan(parse(settings), tmp_path / "out"), Silent())


def test_a_stream_whose_size_changes_goes_on(tmp_path):
    result = result_of(tmp_path, film(tmp_path / "a.ts", [(160, 120), (320, 240), (160, 120)]))
    (camera,) = result.cameras
    assert camera.broken == ""
    assert camera.frames >= 115
    assert len(result.identities) == 1


@pytest.mark.parametrize("size", [(3840, 2160), (64, 64)])
def test_very_large_and_very_small_pictures(tmp_path, size):
    result = result_of(tmp_path, film(tmp_path / "a.ts", [size], frames=4), every=2)
    assert result.cameras[0].broken == ""
    assert result.cameras[0].frames == 4
    assert result.cameras[0].looked_at > 0


class Thousands:
    """A detector that sees people everywhere, and boxes that are none."""

    name = "thousands"

    def detect(self, images):
        random = np.random.default_rng(0)
        corner = random.uniform(0, 150, (3000, 2))
        boxes = np.concatenate([corner, corner + random.uniform(-2, 60, (3000, 2))], axis=1)
        boxes[::97] = np.nan
        return [Detections.of(boxes, random.uniform(0, 1, 3000)) for _ in images]


def test_thousands_of_boxes_are_survived(tmp_path, monkeypatch):
    monkeypatch.setattr(assemble, "models", lambda config: (Thousands(), ColourEmbedder()))
    result = result_of(tmp_path, film(tmp_path / "a.ts", [(160, 120)], frames=4), every=2)
    assert result.cameras[0].looked_at == 2
