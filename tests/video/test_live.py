from __future__ import annotations

import time
from pathlib import Path

import av
import numpy as np
import pytest

from perdure.config import CameraConfig
from perdure.errors import SourceError
from perdure.simulate.rtsp import RtspCamera, RtspServer
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


def until(cameras, done, timeout_s=120.0):
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


QUIET_AFTER_S = 1.0
GROUP, RATE, ENTERS, LEAVES, LENGTH = 10, 20, 83, 100, 120


def quiet_film(path: Path) -> Path:
    """An H.264 film of a wall with noise at 20 frames a second, key frames half a second apart; somebody crosses."""
    random = np.random.default_rng(0)
    wall = random.integers(60, 200, (30, 40)).repeat(8, 0).repeat(8, 1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        stream.options = {"g": str(GROUP), "sc_threshold": "0", "crf": "23", "bf": "0"}
        for index in range(LENGTH):
            picture = wall + random.normal(0, 1.5, wall.shape)
            if ENTERS <= index < LEAVES:
                picture[60:200, 14 * (index - ENTERS) : 14 * (index - ENTERS) + 50] = 10
            grey = np.clip(picture, 0, 255).astype(np.uint8)[:, :, None].repeat(3, 2)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="bgr24")))
        container.mux(stream.encode(None))
    return path


def sees_somebody(frame):
    return (frame.luma()[60:200] < 40).mean() > 0.05


@pytest.fixture(params=["file", "rtsp"])
def quiet_camera(request, tmp_path):
    """One of a room that is quiet most of the time: a file that is played, or a network camera."""
    path = quiet_film(tmp_path / "quiet.mp4")
    if request.param == "file":
        yield CameraConfig(source=str(path))
        return
    with RtspServer([RtspCamera("quiet", path)], port=0) as server:
        yield CameraConfig(source=server.urls["quiet"])


def entry(frames):
    """Place of the first frame with somebody after one without, where the camera slept before; None: not yet."""
    steps = np.diff([frame.index for frame in frames])
    for place in range(4, len(frames)):
        # Two frames or none are of the group that was looked back at; those before are key frames.
        slept = (steps[place - 4 : place - 2] >= GROUP).all()
        # A stream that began late on a busy machine has no settled time yet: the next entry will do.
        passed_s = frames[place - 2].at - frames[place - 3].at
        settled = abs(passed_s - steps[place - 3] / RATE) < 0.02
        if slept and settled and sees_somebody(frames[place]) and not sees_somebody(frames[place - 1]):
            return place
    return None


def test_a_quiet_camera_is_decoded_by_key_frames_and_nobodys_entry_is_lost(quiet_camera):
    """It sleeps, wakes up when somebody comes, and hands over what it passed over first."""
    with LiveCameras(
        {"a": quiet_camera}, silent_after_s=20.0, frozen_after_s=60.0, quiet_after_s=QUIET_AFTER_S
    ) as live:
        frames = until(live, lambda f: entry(f) is not None, timeout_s=200.0)
        health = live.health()["a"]
    assert 0 < health.asleep < health.frames
    first = entry(frames)
    indices, times = np.array([f.index for f in frames]), np.array([f.at for f in frames])
    # She was on her way for a fifth of a second at most when she was first seen: nothing of it was lost to the sleep.
    left = np.flatnonzero(frames[first].luma()[100] < 40).min()
    assert left <= 14 * 4, left
    assert indices[first] - indices[first - 1] <= 4
    assert (np.diff(times) > 0).all()
    back = slice(first - 1, first + 1)  # both were looked back at: their stamps say how far apart they are
    assert np.diff(times[back]) == pytest.approx(np.diff(indices[back]) / RATE, abs=0.02)


def test_damage_in_a_stream_is_passed_over_and_the_camera_goes_on(tmp_path):
    path = quiet_film(tmp_path / "a.mp4")
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(video=0) if p.size]
    content = bytearray(path.read_bytes())
    for packet in packets[12:18]:
        content[packet.pos + 4 : packet.pos + packet.size] = bytes(packet.size - 4)
    path.write_bytes(content)
    limits = {"silent_after_s": 20.0, "frozen_after_s": 60.0, "quiet_after_s": QUIET_AFTER_S}
    with LiveCameras({"a": CameraConfig(source=str(path))}, **limits) as live:
        until(live, lambda f: f and f[-1].index > 30, timeout_s=120.0)
        assert live.health()["a"].connections == 1
        assert live.health()["a"].state == "streaming"


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
