from __future__ import annotations

import numpy as np
import pytest

from perdure.video.doze import QUIET_AFTER_S
from perdure.video.files import open_video
from perdure.video.watched import Watched

pytestmark = pytest.mark.real


@pytest.mark.parametrize("name", ["intel/one-by-one-person-detection.mp4", "pets09-s2l1/view1.mp4"])
def test_what_a_sleeping_reader_gives_is_what_a_whole_reading_gives(shared, name):
    video = open_video("c", shared / "data/video" / name)
    whole = {frame.index: (frame.at, frame.luma(8).tobytes()) for frame in video.frames()}
    dozed = {frame.index: (frame.at, frame.luma(8).tobytes()) for frame in video.frames(quiet_after_s=QUIET_AFTER_S)}
    assert all(whole[index] == seen for index, seen in dozed.items())
    assert max(dozed) == max(whole)


def test_an_empty_room_is_quiet_and_everybody_who_comes_is_motion(shared):
    """By eye: nobody before frame 55 nor in 216 to 222; people come at about 60, 226, 502, 745, 921 and 1234."""
    video = open_video("c", shared / "data/video/intel/one-by-one-person-detection.mp4")
    moving = {f.index: f.motion is None or len(f.motion) > 0 for f in Watched(video).frames()}
    assert not any(moving[index] for index in range(1, 55))
    assert not any(moving[index] for index in range(216, 222))
    for enters in (60, 226, 502, 745, 921, 1234):
        assert np.mean([moving[index] for index in range(enters + 2, enters + 12)]) > 0.9
