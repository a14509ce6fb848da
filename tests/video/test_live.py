from __future__ import annotations

import time
from pathlib import Path

import av
import numpy as np
import pytest

from perdure.config import CameraConfig
from perdure.errors import SourceError
from perdure.video.live import LiveCameras, address, redacted

LIMITS = {"silent_after_s": 3.0, "frozen_after_s": 1.0}


def film(path: Path, frames: int, *, still: bool = False) -> str:
    """A film of 64 x 48 at 20 frames a second, whose brightness rises."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=20)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(frames):
            grey = np.full((48, 64, 3), 90 if still else 40 + 4 * (number % 40), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="bgr24")))
        container.mux(stream.encode(None))
    return str(path)


def until(cameras, done, timeout_s=30.0):
    """Frames, until somebody is content."""
    frames, end = [], time.monotonic() + timeout_s
    while time.monotonic() < end:
        frames += cameras.newest(0.1)
        if done(frames):
            return frames
    raise AssertionError(f"not within {timeout_s} s: {cameras.health()}")


def test_a_file_is_played_as_if_it_were_a_camera_and_begins_anew(tmp_path):
    camera = CameraConfig(source=film(tmp_path / "a.mp4", 20))
    with LiveCameras({"a": camera}, **LIMITS) as cameras:
        frames = until(cameras, lambda _: cameras.health()["a"].connections == 2)
        lag = cameras.now() - frames[-1].at
    assert (frames[0].width, frames[0].height) == (64, 48)
    assert 30 < frames[0].image().mean() < 210
    assert [f.index for f in frames] == sorted({f.index for f in frames})
    assert (np.diff([f.at for f in frames]) > 0).all()
    assert lag < 5.0


def test_a_camera_that_does_not_answer_does_not_hold_the_others(tmp_path):
    there, gone = CameraConfig(source=film(tmp_path / "a.mp4", 60)), CameraConfig(source="rtsp://me:pw@127.0.0.1:9/x")
    with LiveCameras({"there": there, "gone": gone}, **LIMITS) as cameras:
        frames = until(cameras, lambda f: len(f) > 10 and cameras.health()["gone"].state == "unreachable")
        error = cameras.health()["gone"].error
    assert {f.camera for f in frames} == {"there"}
    assert error
    assert "pw" not in error


def test_a_reader_that_dies_is_begun_anew_and_no_index_comes_twice(tmp_path, monkeypatch):
    monkeypatch.setattr("perdure.video.live._BEGIN_AGAIN_S", 0.5)
    with LiveCameras({"a": CameraConfig(source=film(tmp_path / "a.mp4", 200))}, **LIMITS) as cameras:
        before = until(cameras, lambda f: len(f) > 5)
        cameras._processes["a"].process.kill()
        after = until(cameras, lambda f: len(f) > 5)
        assert cameras.health()["a"].connections >= 2
    assert after[0].index > before[-1].index
    assert after[0].at > before[-1].at


def test_a_picture_that_stands_still_is_noticed(tmp_path):
    camera = CameraConfig(source=film(tmp_path / "a.mp4", 100, still=True))
    with LiveCameras({"a": camera}, **LIMITS) as cameras:
        until(cameras, lambda _: cameras.health()["a"].state == "frozen")
        assert "has not changed" in cameras.health()["a"].error


def test_cameras_come_and_go_while_it_runs(tmp_path):
    film(tmp_path / "a.mp4", 200)
    camera = CameraConfig(source=str(tmp_path / "a.mp4"), rotate_deg=90)
    with LiveCameras({}, **LIMITS) as cameras:
        assert cameras.newest(0.01) == []
        cameras.add("a", camera)
        frames = until(cameras, len)
        assert (frames[0].width, frames[0].height) == (48, 64)
        cameras.remove("a")
        assert cameras.health() == {}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("gopher://somewhere/x", "gopher:// is not spoken"),
        ("rtsp:///stream", "names no host"),
        ("rtsp://cam:port/x", "not valid"),
        ("nowhere.mp4", "neither an address"),
    ],
)
def test_an_address_that_cannot_work_is_said_at_once(source, said):
    with pytest.raises(SourceError, match=said):
        address("a", CameraConfig(source=source))


def test_an_error_never_repeats_a_password():
    with pytest.raises(SourceError) as caught:
        address("a", CameraConfig(source="gopher://me:secret@somewhere/x"))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("rtsp://me:secret@cam:554/live?token=secret", "rtsp://cam:554/live"),
        ("film.mp4", "film.mp4"),
        ("http://[me:secret", "http://..."),
    ],
)
def test_a_source_is_shown_without_its_secrets(source, shown):
    assert redacted(source) == shown
