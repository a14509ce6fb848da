from __future__ import annotations

import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.video.conftest import number_of, painted

from perdure.errors import SourceError
from perdure.types import Image
from perdure.video import webcam
from perdure.video.webcam import Webcam, open_webcam


class Device:
    """A camera that gives three pictures and is then unplugged."""

    opened: list[Device]

    def __init__(self, number: int) -> None:
        self.given = 0
        self.released = False
        Device.opened.append(self)

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return True

    def read(self) -> tuple[bool, Image | None]:
        self.given += 1
        return (True, painted(self.given)) if self.given <= 3 else (False, None)

    def release(self) -> None:
        self.released = True


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> type[Device]:
    Device.opened = []
    monkeypatch.setattr(cv2, "VideoCapture", Device)
    monkeypatch.setattr(webcam.sys, "platform", "other")
    return Device


def test_frames_carry_the_time_they_came(device: type[Device]) -> None:
    source = open_webcam("door", 0, rotate_deg=180)
    assert device.opened[0].released
    assert source.length is None
    before = time.time()
    frames = []
    with pytest.raises(SourceError, match=r"'door'.*webcam 0 stopped after 3 frames; check"):
        frames.extend(source.frames(start=40))
    for frame in source.frames(start=40):
        frames.append(frame)
        if frame.index == 42:
            break
    assert [f.index for f in frames[-3:]] == [40, 41, 42]
    assert all(before <= f.at <= time.time() for f in frames)
    assert all(f.at_std_s > 0 for f in frames)
    assert np.array_equal(frames[-3].image(), painted(1)[::-1, ::-1])
    assert {f.camera for f in frames} == {"door"}


def test_closing_gives_the_camera_back(device: type[Device]) -> None:
    frames = Webcam("door", 0).frames()
    assert number_of(next(frames)) == 1
    frames.close()  # type: ignore[attr-defined]
    assert device.opened[0].released


def test_a_camera_in_use_says_so(device: type[Device], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "isOpened", lambda self: False)
    with pytest.raises(SourceError, match="webcam 3 cannot be opened"):
        open_webcam("door", 3)
    assert device.opened[0].released


@pytest.mark.skipif(not Path("/dev").is_dir() or Path("/dev/video61").exists(), reason="needs Linux without camera 61")
def test_no_such_camera_says_so_without_asking_the_driver() -> None:
    with pytest.raises(SourceError, match="neither a /dev/video61 nor a file 61"):
        open_webcam("door", 61)
