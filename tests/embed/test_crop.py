from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.embed.crop import borders, cut, resize, stack, usable
from perdure.types import Flag

PICTURE = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)


def test_a_crop_is_the_pixels_of_its_box() -> None:
    inside, clipped = cut(PICTURE, np.array([[10.4, 5.6, 30.4, 45.6], [-10, 50, 20, 90]], np.float32))
    assert (inside == PICTURE[6:46, 10:30]).all()
    assert (clipped == PICTURE[50:60, 0:20]).all()
    assert inside.base is not None, "a view, not a copy"


def test_a_border_is_a_share_of_the_box() -> None:
    (wide,) = cut(PICTURE, np.array([[20, 10, 40, 50]], np.float32), border=0.1)
    assert (wide == PICTURE[6:54, 18:42]).all()


def test_crowded_boxes_are_cut_tight() -> None:
    boxes = np.tile(np.array([20, 10, 40, 50], np.float32), (3, 1))
    flags = np.array([Flag.NONE, Flag.CROWDED | Flag.TRUNCATED, Flag.TRUNCATED], np.uint8)
    assert [crop.shape[:2] for crop in cut(PICTURE, boxes, borders(flags, 0.1))] == [(48, 24), (40, 20), (48, 24)]
    assert cut(PICTURE, boxes[:0], borders(flags[:0], 0.1)) == []


@given(st.lists(st.tuples(*[st.floats(-1e6, 1e6, width=32)] * 4), max_size=5))
def test_any_box_gives_a_crop_inside_the_picture(boxes: list[tuple[float, ...]]) -> None:
    crops = cut(PICTURE, np.array(boxes, np.float32).reshape(-1, 4))
    assert len(crops) == len(boxes)
    assert all(crop.shape[0] <= 60 and crop.shape[1] <= 80 and crop.shape[2] == 3 for crop in crops)


def test_boxes_that_hold_nothing_give_empty_crops() -> None:
    boxes = [[200, 10, 220, 40], [40, 40, 20, 20], [np.nan, 0, 10, np.nan], [5, 5, 5, 5]]
    for crop in cut(PICTURE, np.array(boxes, np.float32)):
        assert crop.size == 0
        assert not usable(crop)


def test_shrinking_averages_instead_of_aliasing() -> None:
    stripes = np.zeros((256, 128, 3), np.uint8)
    stripes[::2] = 200
    small = resize(stripes, 32, 16)
    assert abs(small.astype(int) - 100).max() <= 2


def test_an_enlarged_edge_is_steeper_than_between_two_pixels() -> None:
    """Bilinear, a step of 100 over one pixel rises by a quarter of it per pixel at four times the size."""
    step = np.full((8, 8, 3), 60, np.uint8)
    step[:, 4:] = 160
    across = resize(step, 32, 32)[16, :, 0].astype(int)
    assert np.diff(across).max() > 25
    assert across.max() > 160 > 60 > across.min()


def test_the_right_size_is_taken_as_it_is() -> None:
    assert resize(PICTURE, 60, 80) is PICTURE


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_stack_has_one_size(count: int) -> None:
    assert stack([PICTURE[: 20 + i] for i in range(count)], 64, 32).shape == (count, 64, 32, 3)
