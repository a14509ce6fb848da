"""RTCP sender reports, through FFmpeg to the times of frames."""

from __future__ import annotations

import time

import numpy as np

from perdure.config import CameraConfig
from perdure.simulate.rtsp import RtspCamera, RtspServer
from perdure.video.live import LiveCameras
from perdure.video.write import VideoWriter

LATE_S = 0.4
PICTURES = 100


def test_what_a_camera_says_of_its_time_counts_where_it_can_be_true(tmp_path):
    """Three cameras show the same pictures at the same moments; each says something else of when they were taken."""
    film = tmp_path / "film.mp4"
    with VideoWriter(film, 10.0, (64, 48), key_every_s=1.0) as writer:
        for number in range(PICTURES):
            writer.write(np.full((48, 64, 3), 20 + 2 * number, np.uint8))
    says = {"now": 0.0, "late": -LATE_S, "wrong": 3600.0}
    taken: dict[str, dict[int, float]] = {name: {} for name in says}

    def apart(first, second):
        """Of the same picture, seconds between its times; the newest that both gave."""
        pairs = [taken[first][n] - taken[second][n] for n in taken[first] if n in taken[second]]
        return [pair for pair in pairs if abs(pair) < 5.0][-1:] or [float("nan")]

    def is_as_said():
        ((late,), (wrong,)) = apart("now", "late"), apart("wrong", "now")
        return abs(late - LATE_S) < 0.02 and 0.0 <= wrong < 2.0

    with RtspServer([RtspCamera(name, film, clock_skew_s=skew) for name, skew in says.items()], port=0) as server:
        sources = {name: CameraConfig(source=url) for name, url in server.urls.items()}
        with LiveCameras(sources, silent_after_s=20.0, frozen_after_s=60.0) as cameras:
            end = time.monotonic() + 240.0
            while not is_as_said() and time.monotonic() < end:
                for frame in cameras.newest(0.2):
                    number = round((float(frame.image().mean()) - 20) / 2)
                    taken[frame.camera].pop(number, None)  # the newest comes last
                    taken[frame.camera][number] = frame.at
            assert is_as_said(), {name: list(times.items())[-3:] for name, times in taken.items()}
