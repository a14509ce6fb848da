from __future__ import annotations

import math

import numpy as np
import pytest

from perdure.config import DetectionConfig
from perdure.detect.schedule import due

SETTINGS = DetectionConfig()
NOBODY = np.zeros((0, 4), np.float32), np.zeros(0, bool)
PERSON = np.array([[100, 100, 150, 250]], np.float32)
SURE, DOUBT = np.ones(1, bool), np.zeros(1, bool)
STILL = np.zeros((0, 4), np.float32)
WITH_PERSON = np.array([[90, 90, 180, 270]], np.float32)
ELSEWHERE = np.array([[400, 100, 500, 300]], np.float32)


def pause_s(motion, people, certain, settings=SETTINGS):
    """The least pause after which a look is due, to the centisecond."""
    return next(k / 100 for k in range(1000) if due(k / 100, motion, people, certain, settings))


@pytest.mark.parametrize(
    ("motion", "people", "certain", "expected"),
    [
        (None, *NOBODY, 0.0),
        (STILL, *NOBODY, SETTINGS.heartbeat_s),
        (ELSEWHERE, *NOBODY, SETTINGS.moving_every_s),
        (STILL, PERSON, SURE, SETTINGS.still_every_s),
        (WITH_PERSON, PERSON, SURE, SETTINGS.steady_every_s),
        (np.concatenate([WITH_PERSON, ELSEWHERE]), PERSON, SURE, SETTINGS.moving_every_s),
        (WITH_PERSON, PERSON, DOUBT, 0.0),
        (STILL, PERSON, DOUBT, 0.0),
    ],
    ids=["unknown", "nothing", "something", "still", "steady", "somebody-else-too", "in-doubt", "in-doubt-still"],
)
def test_compute_goes_where_it_is_needed(motion, people, certain, expected):
    assert pause_s(motion, people, certain) == pytest.approx(expected, abs=0.01)


def test_the_first_frame_is_looked_at_and_without_motion_every_one_is():
    assert due(math.inf, STILL, *NOBODY, SETTINGS)
    assert due(0.0, STILL, PERSON, SURE, DetectionConfig(motion=False))


def test_a_frame_is_not_left_out_for_a_rounded_time_stamp():
    assert due(0.0999, ELSEWHERE, *NOBODY, SETTINGS)
