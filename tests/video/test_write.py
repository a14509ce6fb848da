from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from tests.video.conftest import number_of, painted

from perdure.errors import StoreError
from perdure.types import Image
from perdure.video import write
from perdure.video.files import open_video
from perdure.video.write import VideoWriter


def gradient(width: int, height: int) -> Image:
    """(H, W, 3) uint8: smooth colours, different in every channel."""
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return np.stack([x, y, 255 - x], axis=2).astype(np.uint8)


def test_what_is_written_is_read_again_at_its_rate(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    with VideoWriter(path, 12.5, (96, 64)) as writer:
        for number in range(30):
            writer.write(painted(number))
        assert not path.exists()
    assert list(tmp_path.iterdir()) == [path]
    source = open_video("c", path)
    frames = list(source.frames())
    assert [number_of(f) for f in frames] == list(range(30))
    assert [f.at for f in frames] == pytest.approx([i / 12.5 for i in range(30)], abs=1e-4)
    assert source.rate_fps == pytest.approx(12.5, rel=1e-3)
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        assert container.duration / 1e6 == pytest.approx(30 / 12.5, abs=0.02)


def test_times_are_kept_and_start_at_once(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    times = [1e9, 1e9 + 0.04, 1e9 + 0.1, 1e9 + 3.0, 1e9 + 3.0005, 1e9 + 10.0]
    with VideoWriter(path, 10.0, (96, 64)) as writer:
        for number, at in enumerate(times):
            writer.write(painted(number), at)
    frames = list(open_video("c", path).frames())
    assert [number_of(f) for f in frames] == list(range(6))
    assert [f.at for f in frames] == pytest.approx([t - 1e9 for t in times], abs=1e-4)


def test_times_that_do_not_increase_lose_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    with VideoWriter(path, 10.0, (96, 64)) as writer:
        for number, at in enumerate([5.0, 5.0, 4.0, 5.2]):
            writer.write(painted(number), at)
    frames = list(open_video("c", path).frames())
    assert [number_of(f) for f in frames] == [0, 1, 2, 3]
    assert frames[-1].at == pytest.approx(0.2, abs=1e-4)


def test_colours_survive_and_mean_the_same_to_others(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    want = gradient(128, 96)
    with VideoWriter(path, 10.0, (128, 96)) as writer:
        for _ in range(5):
            writer.write(want)
    frame = list(open_video("c", path).frames())[-1]
    assert np.abs(frame.image().astype(int) - want).mean() < 4
    capture = cv2.VideoCapture(str(path))
    alive, theirs = capture.read()
    capture.release()
    assert alive
    assert np.abs(theirs.astype(int) - want).mean() < 4


def test_odd_sides_are_padded_and_other_sizes_fitted_on_black(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    with VideoWriter(path, 10.0, (95, 63)) as writer:
        writer.write(np.full((63, 95, 3), 200, np.uint8))
        writer.write(np.full((63, 30, 3), 200, np.uint8))
        writer.write(np.full((630, 950, 3), 200, np.uint8))
    frames = list(open_video("c", path).frames())
    assert [(f.width, f.height) for f in frames] == [(96, 64)] * 3
    assert frames[0].luma().min() > 190
    assert frames[1].luma()[:, :28].max() < 20
    assert frames[1].luma()[:, 36:60].min() > 180
    assert frames[2].luma().min() > 190


def test_a_read_only_picture_and_a_view_can_be_written(tmp_path: Path) -> None:
    picture = gradient(64, 64)
    picture.flags.writeable = False
    with VideoWriter(tmp_path / "out.mp4", 10.0, (32, 64)) as writer:
        writer.write(picture[:, ::2])
    assert (tmp_path / "out.mp4").exists()


def test_a_failure_leaves_the_older_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    path.write_bytes(b"older")

    def fail() -> None:
        with VideoWriter(path, 10.0, (96, 64)) as writer:
            writer.write(painted(1))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert path.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [path]


def test_ctrl_c_keeps_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"

    def interrupted() -> None:
        with VideoWriter(path, 10.0, (96, 64)) as writer:
            for number in range(7):
                writer.write(painted(number))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [number_of(f) for f in open_video("c", path).frames()] == list(range(7))


def test_no_pictures_no_file(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "out.mp4", 10.0, (96, 64)):
        pass
    assert list(tmp_path.iterdir()) == []


def test_closing_twice_is_closing_once(tmp_path: Path) -> None:
    writer = VideoWriter(tmp_path / "out.mp4", 10.0, (96, 64))
    writer.write(painted(0))
    writer.close()
    writer.close()
    writer.discard()
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]


def test_where_one_cannot_write_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"cannot write the video .*nowhere.out\.mp4: No such file.*check that"):
        VideoWriter(tmp_path / "nowhere" / "out.mp4", 10.0, (96, 64))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
def test_a_full_disk_is_told(tmp_path: Path) -> None:
    (tmp_path / "out.mp4.part").symlink_to("/dev/full")
    rng = np.random.default_rng(0)

    def fill() -> None:
        with VideoWriter(tmp_path / "out.mp4", 10.0, (320, 240)) as writer:
            for _ in range(60):
                writer.write(rng.integers(0, 256, (240, 320, 3), dtype=np.uint8))

    with pytest.raises(StoreError, match="No space left on device"):
        fill()
    assert not (tmp_path / "out.mp4").exists()


def test_without_x264_the_next_best_encoder_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "_ENCODERS", ("no such encoder", "mpeg4"))
    path = tmp_path / "out.mp4"
    with VideoWriter(path, 10.0, (96, 64)) as writer:
        for number in range(5):
            writer.write(painted(number), number * 0.25)
    frames = list(open_video("c", path).frames())
    assert [f.at for f in frames] == pytest.approx([0, 0.25, 0.5, 0.75, 1.0], abs=1e-3)
