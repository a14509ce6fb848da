from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import av
import numpy as np
import pytest

from perdure.types import Frame, Image
from perdure.video.doze import QUIET_AFTER_S, Doze, Skipped
from perdure.video.files import open_video

RATE_FPS, GROUP = 10, 20
WIDTH, HEIGHT = 320, 240
random = np.random.default_rng(3)
WALL = random.integers(60, 200, (HEIGHT // 8, WIDTH // 8)).repeat(8, 0).repeat(8, 1)


def scene(person_x: int | None) -> Image:
    """A wall with sensor noise, and maybe a dark person."""
    picture = WALL + random.normal(0, 1.5, WALL.shape)
    if person_x is not None:
        picture[100:200, person_x : person_x + 40] = 20
    return np.clip(picture, 0, 255).astype(np.uint8)[:, :, None].repeat(3, 2)


def film(path: Path, scenes: Iterable[Image], options: dict[str, str] | None = None) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE_FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"g": str(GROUP), "sc_threshold": "0", "crf": "23", **(options or {})}
        for picture in scenes:
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")):
                container.mux(packet)
        container.mux(stream.encode(None))
    return path


def walk(first: int, last: int, count: int) -> Iterable[Image]:
    """Somebody crosses during frames [first, last)."""
    for index in range(count):
        inside = first <= index < last
        yield scene(10 + (WIDTH - 60) * (index - first) // (last - first) if inside else None)


def read(path: Path, start: int = 0, *, doze: bool = True) -> list[Frame]:
    return list(open_video("c", path).frames(start, QUIET_AFTER_S if doze else None))


def indices(frames: Iterable[Frame]) -> list[int]:
    return [frame.index for frame in frames]


def test_quiet_footage_is_read_by_key_frames_and_its_frames_are_those_of_the_whole(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", walk(0, 0, 300))
    dozed, whole = read(path), read(path, doze=False)
    assert indices(f for f in dozed if 90 < f.index < 280) == list(range(100, 280, GROUP))
    assert indices(dozed)[:20] == list(range(20))
    for frame in dozed:
        assert frame.at == whole[frame.index].at
        np.testing.assert_array_equal(frame.image(), whole[frame.index].image())


@pytest.mark.parametrize("enters", [201, 210, 219])
def test_everything_since_the_last_quiet_key_frame_is_seen_when_somebody_comes(tmp_path: Path, enters: int) -> None:
    path = film(tmp_path / "a.mp4", walk(enters, enters + 60, 400))
    dozed = read(path)
    assert set(range(201, enters + 60)) <= set(indices(dozed))
    assert not set(range(161, 180)) & set(indices(dozed))
    whole = read(path, doze=False)
    assert all(np.array_equal(f.luma(), whole[f.index].luma()) and f.at == whole[f.index].at for f in dozed)


def test_somebody_who_comes_and_goes_between_two_key_frames_is_seen(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", walk(204, 216, 300))
    dozed = indices(read(path))
    assert set(range(201, 220)) <= set(dozed)
    assert not set(range(161, 180)) & set(dozed)


def test_reading_from_the_middle_gives_what_reading_the_whole_gives(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", walk(204, 216, 300))
    whole = indices(read(path))
    assert indices(read(path, 150)) == [index for index in whole if index >= 150]


@pytest.mark.parametrize("options", [{"bf": "2"}, {"bf": "0"}], ids=["b-frames", "no-b-frames"])
def test_frames_shown_in_another_order_than_they_come_in_keep_their_places(
    tmp_path: Path, options: dict[str, str]
) -> None:
    path = film(tmp_path / "a.mkv", walk(210, 240, 300), options)
    dozed, whole = read(path), read(path, doze=False)
    assert len(dozed) < 250
    assert all(f.at == whole[f.index].at and np.array_equal(f.luma(), whole[f.index].luma()) for f in dozed)


def test_groups_that_lean_on_each_other_are_decoded_whole(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", walk(0, 0, 300), {"bf": "2", "x264-params": "open-gop=1"})
    assert indices(read(path)) == list(range(300))


def test_without_time_stamps_everything_is_decoded(tmp_path: Path) -> None:
    path = film(tmp_path / "a.h264", walk(0, 0, 200))
    assert indices(read(path)) == list(range(200))


def test_a_damaged_group_wakes_it_up_and_the_rest_is_read(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", walk(260, 280, 320))
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(video=0) if p.size]
        place, size = packets[200].pos, packets[200].size
    content = bytearray(path.read_bytes())
    content[place + 4 : place + size] = bytes(size - 4)
    path.write_bytes(content)
    dozed = indices(read(path))
    assert set(range(262, 278)) <= set(dozed)


def given_by(path: Path, *, is_live: bool) -> list[tuple[int, int, bool]]:
    """After how many packets each frame was given, its index, and whether it had been kept."""
    given: list[tuple[int, int, bool]] = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        doze = Doze(container, stream, QUIET_AFTER_S, is_live=is_live)
        for count, packet in enumerate(container.demux(stream)):
            given.extend(
                (count, round(float(frame.pts * frame.time_base) * RATE_FPS), doze.looks_back)
                for frame in doze.take(packet)
                if not isinstance(frame, Skipped)
            )
    return given


def test_a_live_camera_wakes_up_before_the_next_key_frame(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", walk(203, 240, 300), {"bf": "0"})
    live, recorded = given_by(path, is_live=True), given_by(path, is_live=False)
    first = {name: min(count for count, index, _ in given if index == 201) for name, given in
             (("live", live), ("recorded", recorded))}  # fmt: skip
    assert first["live"] < 215 < 220 <= first["recorded"]
    assert {index for _, index, _ in live} >= set(range(201, 240))
    past = {index for _, index, is_past in live if is_past}
    assert past == set(range(201, max(past) + 1))
    assert max(past) < 215


def test_a_live_camera_sleeps_through_noise(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", walk(0, 0, 300))
    assert [index for _, index, _ in given_by(path, is_live=True) if 90 < index < 280] == list(range(100, 280, GROUP))
