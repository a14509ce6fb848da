from __future__ import annotations

import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest

from perdure.config import CameraConfig
from perdure.errors import SourceError
from perdure.types import Frame
from perdure.video.merge import batches, merge
from perdure.video.open import open_source
from perdure.video.source import Source

pytestmark = pytest.mark.real

CLIPS = [
    ("pets09-s2l1/view1.mp4", 795, 0.1),
    ("epfl-laboratory/Single1.mp4", 220, 1 / 29.97),
    ("epfl-laboratory/Double1.mp4", 98, 1 / 29.97),
    ("intel/people-detection.264", 596, 1 / 24),
    ("intel/one-by-one-person-detection.mp4", 1394, 0.1),
    ("intel/car-detection.mp4", 377, 0.08),
]


def clip(shared: Path, name: str, camera: str = "c", **how: object) -> Source:
    return open_source(camera, CameraConfig(source=str(shared / "data/video" / name), **how))  # type: ignore[arg-type]


def never(camera: str, error: SourceError) -> None:
    raise AssertionError(f"{camera}: {error}")


@pytest.mark.parametrize(("name", "count", "period_s"), CLIPS)
def test_every_frame_is_there_at_its_time(shared: Path, name: str, count: int, period_s: float) -> None:
    source = clip(shared, name)
    at = [f.at for f in source.frames()]
    assert at == pytest.approx([i * period_s for i in range(count)], abs=1e-4)
    assert source.length in (count, None)


@pytest.mark.parametrize(("name", "count", "period_s"), CLIPS[:4])
def test_pictures_are_what_opencv_reads(shared: Path, name: str, count: int, period_s: float) -> None:
    capture = cv2.VideoCapture(str(shared / "data/video" / name))
    for frame in clip(shared, name).frames():
        assert capture.grab()
        if frame.index % 40:
            continue
        _, theirs = capture.retrieve()
        assert np.abs(frame.image().astype(int) - theirs).mean() < 1
        # Two luma equations (BT.601 and 709) and OpenCV's own rounding: alike, not equal.
        grey = cv2.cvtColor(theirs, cv2.COLOR_BGR2GRAY)
        assert np.abs(frame.luma().astype(int) - grey).mean() < 4
        assert np.corrcoef(frame.luma().ravel(), grey.ravel())[0, 1] > 0.99
    assert not capture.grab()
    capture.release()


def test_pets_runs_at_its_real_rate_when_told(shared: Path) -> None:
    last: Frame | None = None
    for last in clip(shared, CLIPS[0][0], rate_fps=7.0).frames(790):  # noqa: B007 - the last one counts
        pass
    assert last is not None
    assert (last.index, last.at) == (794, 794 / 7.0)


def test_two_cameras_of_one_room_are_merged_in_step(shared: Path) -> None:
    sources = [clip(shared, CLIPS[1][0], "a"), clip(shared, CLIPS[2][0], "b", offset_s=1.0)]
    frames = list(merge(sources, {}, never))
    assert len(frames) == 220 + 98
    assert all(later.at >= earlier.at for earlier, later in itertools.pairwise(frames))
    grouped = list(batches(frames, 0.02))
    assert sum(len(batch) == 2 for batch in grouped) == 98
    assert len(grouped) == 220


def test_starting_in_the_middle_gives_the_same_frames(shared: Path) -> None:
    source = clip(shared, CLIPS[3][0])
    whole = {f.index: f for f in source.frames() if f.index in (400, 401, 595)}
    for frame in source.frames(400):
        if frame.index in whole:
            assert frame.at == whole[frame.index].at
            assert np.array_equal(frame.luma(), whole[frame.index].luma())


def test_a_folder_of_mot17_pictures(shared: Path) -> None:
    folders = sorted((shared / "data/mot/MOT17").glob("*/img1"))
    source = open_source("mot", CameraConfig(source=str(folders[0]), rate_fps=30.0))
    frames = list(source.frames())
    assert [f.index for f in frames] == list(range(len(frames)))
    assert len(frames) == source.length > 0
    assert frames[0].image().shape == (frames[0].height, frames[0].width, 3)


def test_a_cut_off_copy_gives_what_it_has(shared: Path, tmp_path: Path) -> None:
    whole = (shared / "data/video" / CLIPS[3][0]).read_bytes()
    (tmp_path / "cut.264").write_bytes(whole[: len(whole) // 2])
    count = sum(1 for _ in open_source("c", CameraConfig(source=str(tmp_path / "cut.264"))).frames())
    assert 200 < count < 400
