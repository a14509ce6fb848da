from __future__ import annotations

import os
from pathlib import Path

import cv2
import pytest
from tests.video.conftest import Make, painted

from perdure.config import CameraConfig
from perdure.errors import SourceError
from perdure.video import open as opening
from perdure.video.files import VideoFile
from perdure.video.folder import PictureFolder
from perdure.video.open import open_source
from perdure.video.webcam import Webcam


def refusal(source: str) -> str:
    with pytest.raises(SourceError) as caught:
        open_source("gate", CameraConfig(source=source))
    assert "'gate'" in str(caught.value)
    return str(caught.value)


def test_a_file_a_folder_and_a_picture_are_told_apart_with_their_settings(make: Make, tmp_path: Path) -> None:
    clip = make("a.mp4", 3)
    folder = tmp_path / "pictures"
    folder.mkdir()
    cv2.imwrite(str(folder / "1.png"), painted(1))
    for source, kind in ((clip, VideoFile), (folder, PictureFolder), (folder / "1.png", PictureFolder)):
        opened = open_source("gate", CameraConfig(source=str(source), offset_s=3.0, rate_fps=5.0, rotate_deg=90))
        assert isinstance(opened, kind)
        assert opened.camera == "gate"
        frame = next(iter(opened.frames()))
        assert (frame.at, frame.width, frame.height) == (3.0, 64, 96)


def test_a_number_is_a_webcam_unless_there_is_such_a_file(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "open_webcam", lambda camera, number, rotate_deg: Webcam(camera, number, rotate_deg))
    assert open_source("gate", CameraConfig(source="2", rotate_deg=90)) == Webcam("gate", 2, 90)
    monkeypatch.chdir(tmp_path)
    make("a.mp4", 2).rename(tmp_path / "2")
    assert isinstance(open_source("gate", CameraConfig(source="2")), VideoFile)


def test_a_home_folder_is_found(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make("a.mp4", 2)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert open_source("gate", CameraConfig(source="~/a.mp4")).length == 2


def test_what_is_not_there_says_where_it_was_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = refusal("clips/a.mp4")
    assert "clips/a.mp4: no such file or folder" in said
    assert str(tmp_path) in said


@pytest.mark.parametrize("name", ["empty.mp4", "empty.png"])
def test_an_empty_file_says_so(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert "is empty (0 bytes)" in refusal(str(tmp_path / name))


def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    assert "holds no pictures" in refusal(str(tmp_path))


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_may_not_be_read_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    path = tmp_path / "secret"
    if kind == "file":
        path.write_bytes(b"x")
    else:
        path.mkdir()

    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr(Path, "open" if kind == "file" else "iterdir", denied)
    assert "cannot be read: Permission denied; check its rights" in refusal(str(path))


def test_a_stream_is_refused_without_telling_its_password() -> None:
    said = refusal("rtsp://admin:secret@10.0.0.8/live")
    assert "rtsp:// is a live stream: watch it with perdure serve" in said
    assert "secret" not in said


def test_a_name_that_looks_like_a_protocol_is_a_file(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make("a.mp4", 2).rename(tmp_path / "pipe:1.mp4")
    monkeypatch.chdir(tmp_path)
    assert open_source("gate", CameraConfig(source="pipe:1.mp4")).length == 2
