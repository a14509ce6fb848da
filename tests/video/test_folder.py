from __future__ import annotations

import logging
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.video.conftest import number_of, painted

from perdure.errors import SourceError
from perdure.video.folder import open_pictures


def store(path: Path, number: int, size: tuple[int, int] = (96, 64)) -> None:
    assert cv2.imwrite(str(path), painted(number, *size))


def test_pictures_come_in_natural_order_one_per_period(tmp_path: Path) -> None:
    for number, name in enumerate(["1.png", "2.jpg", "9.bmp", "10.webp", "a2.PNG", "a10.jpeg"]):
        store(tmp_path / name, number)
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "deeper.jpg").mkdir()
    source = open_pictures("yard", tmp_path, offset_s=2.0)
    frames = list(source.frames())
    assert source.length == 6
    assert [f.index for f in frames] == list(range(6))
    assert [number_of(f) for f in frames] == list(range(6))
    assert [f.at for f in frames] == pytest.approx([2.0 + i / 25 for i in range(6)])
    assert {f.at_std_s for f in frames} == {1 / 25}
    assert {f.camera for f in frames} == {"yard"}


def test_a_configured_rate_is_believed(tmp_path: Path) -> None:
    for number in range(3):
        store(tmp_path / f"{number}.png", number)
    frames = list(open_pictures("yard", tmp_path, rate_fps=7.0).frames())
    assert [f.at for f in frames] == [0.0, 1 / 7, 2 / 7]
    assert {f.at_std_s for f in frames} == {0.0}


def test_starting_later_changes_nothing(tmp_path: Path) -> None:
    for number in range(5):
        store(tmp_path / f"{number}.png", number)
    source = open_pictures("yard", tmp_path)
    assert [(f.index, f.at, number_of(f)) for f in source.frames(3)] == [(3, 3 / 25, 3), (4, 4 / 25, 4)]
    assert list(source.frames(5)) == []


def test_sizes_may_differ_and_a_turn_is_applied(tmp_path: Path) -> None:
    store(tmp_path / "1.png", 1, (96, 64))
    store(tmp_path / "2.png", 2, (33, 65))
    first, second = open_pictures("yard", tmp_path, rotate_deg=90).frames()
    assert (first.width, first.height) == (64, 96)
    assert (second.width, second.height) == (65, 33)
    assert np.array_equal(first.image(), cv2.rotate(painted(1), cv2.ROTATE_90_CLOCKWISE))
    assert first.luma().shape == (96, 64)


def test_a_damaged_picture_keeps_its_index_and_time(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(4):
        store(tmp_path / f"{number}.png", number)
    (tmp_path / "1.png").write_bytes(b"no picture")
    (tmp_path / "2.png").write_bytes(b"")
    with caplog.at_level(logging.WARNING):
        frames = list(open_pictures("yard", tmp_path).frames())
    assert [(f.index, f.at) for f in frames] == [(0, 0.0), (3, 3 / 25)]
    assert "1.png is damaged" in caplog.text
    assert "2.png is damaged" in caplog.text


def test_a_picture_taken_away_ends_the_source(tmp_path: Path) -> None:
    for number in range(3):
        store(tmp_path / f"{number}.png", number)
    source = open_pictures("yard", tmp_path)
    (tmp_path / "1.png").unlink()
    frames = source.frames()
    assert next(frames).index == 0
    with pytest.raises(SourceError, match=r"'yard'.*1\.png: No such file"):
        next(frames)


def test_grey_and_deep_pictures_become_bgr(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "1.png"), np.full((8, 9), 77, np.uint8))
    cv2.imwrite(str(tmp_path / "2.png"), np.full((8, 9, 3), 77 * 257, np.uint16))
    for frame in open_pictures("yard", tmp_path).frames():
        assert frame.image().shape == (8, 9, 3)
        assert np.all(frame.luma() == 77)


def test_one_picture_is_a_source_of_one_frame(tmp_path: Path) -> None:
    store(tmp_path / "only.png", 5)
    store(tmp_path / "other.png", 6)
    assert [number_of(f) for f in open_pictures("yard", tmp_path / "only.png").frames()] == [5]


def test_an_empty_folder_and_a_hopeless_one_say_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"'yard'.*holds no pictures; expected .*\.jpg"):
        open_pictures("yard", tmp_path)
    (tmp_path / "1.png").write_bytes(b"no picture")
    with pytest.raises(SourceError, match="none of 1 pictures can be decoded"):
        open_pictures("yard", tmp_path)
