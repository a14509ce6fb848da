from __future__ import annotations

import numpy as np
from tests.video.conftest import Make

from perdure.config import CameraConfig
from perdure.video.open import open_source
from perdure.video.watched import Watched


def test_a_watched_source_gives_the_same_frames_and_says_what_moves(make: Make) -> None:
    """Each painted frame is brighter than the last: an exposure that rises, and later nothing that moves."""
    plain = open_source("c", CameraConfig(source=str(make("a.mp4"))))
    watched = Watched(plain)
    assert (watched.camera, watched.length) == (plain.camera, plain.length)
    frames = list(watched.frames())
    assert [(f.index, f.at) for f in frames] == [(f.index, f.at) for f in plain.frames()]
    assert frames[0].motion is None
    assert any(f.motion is not None for f in frames)


def test_reading_from_the_middle_tells_the_same_motion(make: Make) -> None:
    watched = Watched(open_source("c", CameraConfig(source=str(make("a.mp4", 40)))))
    whole = list(watched.frames())[25:]
    for one, other in zip(whole, watched.frames(25), strict=True):
        assert one.index == other.index
        np.testing.assert_array_equal(
            np.zeros(0) if one.motion is None else one.motion, np.zeros(0) if other.motion is None else other.motion
        )
