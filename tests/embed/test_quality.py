from __future__ import annotations

import cv2
import numpy as np
import pytest

from perdure.embed.quality import Scale, quality


def person(height: int = 160, width: int = 68) -> np.ndarray:
    return cv2.resize(np.random.default_rng(0).integers(0, 256, (40, 17, 3), np.uint8), (width, height))


def test_in_bounds_and_zero_where_there_is_nothing() -> None:
    for crop in (person(), person(4, 4), person(1000, 20), np.zeros((50, 20, 3), np.uint8)):
        assert 0.0 <= quality(crop) <= 1.0
    for nothing in (np.zeros((0, 20, 3), np.uint8), np.zeros((3, 20, 3), np.uint8), np.zeros((20, 0, 3), np.uint8)):
        assert quality(nothing) == 0.0
    assert quality(np.full((160, 68, 3), 128, np.uint8)) == 0.0, "no edges at all"


@pytest.mark.parametrize(
    "worse",
    [
        cv2.GaussianBlur(person(), (0, 0), 9),
        cv2.resize(person(), (17, 40)),
        cv2.resize(person(), (160, 160)),
        cv2.resize(person(), (20, 160)),
    ],
    ids=["blurred", "small", "wide", "narrow"],
)
def test_what_is_worse_gets_less(worse: np.ndarray) -> None:
    assert quality(worse) < 0.85 * quality(person())


def test_size_alone_does_not_look_like_blur() -> None:
    assert quality(person(640, 272)) > quality(person(160, 68))


SCALE = Scale((0.0, 0.5, 0.7), (0.0, 0.6, 0.9))


def test_the_scale_follows_its_points_and_never_falls() -> None:
    assert (np.diff(SCALE(np.linspace(0, 1, 21, dtype=np.float32))) >= 0).all()
    given = np.array([0.25, 0.0, 1.0, 0.6], np.float32)
    np.testing.assert_allclose(SCALE(given), [0.3, 0.0, 0.9, 0.75], atol=1e-6)
    assert SCALE(given).dtype == np.float32


def test_qualities_out_of_bounds_stay_in_bounds() -> None:
    np.testing.assert_allclose(SCALE(np.array([-3.0, 7.0], np.float32)), [0.0, 0.9], atol=1e-6)
