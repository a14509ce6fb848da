from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.detect.fit import INPUT_AREA_PX2, MOST_DISTORTED, MOST_ENLARGED, blob, plan
from perdure.models.card import ModelInput

FREE = ModelInput.model_validate({"tensor": "x", "colour": "bgr", "fit": "rectangle"})
SQUARE = ModelInput.model_validate({"tensor": "x", "colour": "bgr", "fit": "letterbox", "height": 416, "width": 416})
STRETCH = ModelInput.model_validate({"tensor": "x", "colour": "bgr", "fit": "stretch", "height": 320, "width": 544})


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [
        (1080, 1920, (384, 672)),
        (360, 480, (416, 576)),
        (480, 640, (416, 576)),
        (1920, 1080, (672, 384)),
        (240, 320, (320, 416)),
    ],
)
def test_a_free_input_takes_the_shape_of_the_picture(height: int, width: int, expected: tuple[int, int]) -> None:
    fit = plan(height, width, FREE)
    assert (fit.height, fit.width) == expected
    assert (fit.inner_height, fit.inner_width) == expected, "nothing is padded"


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_any_picture_fits(height: int, width: int) -> None:
    fit = plan(height, width, FREE)
    assert fit.height % 32 == fit.width % 32 == 0
    assert 1 <= fit.inner_height <= fit.height
    assert 1 <= fit.inner_width <= fit.width
    if min(height, width) >= 128 and max(height, width) <= 4 * min(height, width):
        assert fit.height * fit.width <= 1.35 * INPUT_AREA_PX2
        assert max(fit.scale_x, fit.scale_y) <= MOST_ENLARGED * 1.15
        assert max(fit.scale_x, fit.scale_y) <= MOST_DISTORTED * min(fit.scale_x, fit.scale_y) * 1.02


@given(st.integers(8, 3000), st.integers(8, 3000), st.sampled_from([FREE, SQUARE, STRETCH]))
def test_the_whole_picture_comes_back(height: int, width: int, given_input: ModelInput) -> None:
    fit = plan(height, width, given_input)
    box = np.array([[0, 0, fit.inner_width, fit.inner_height]], np.float32)
    np.testing.assert_allclose(fit.to_picture(box), [[0, 0, width, height]], rtol=1e-4)


def test_a_letterbox_pads_and_a_stretch_does_not() -> None:
    box = plan(200, 400, SQUARE)
    assert (box.inner_height, box.inner_width) == (208, 416)
    full = plan(200, 400, STRETCH)
    assert (full.inner_height, full.inner_width) == (320, 544)


def test_the_pad_value_fills_what_the_picture_leaves() -> None:
    white = np.full((200, 400, 3), 255, np.uint8)
    tensor = blob([white], [plan(200, 400, SQUARE)], SQUARE)
    assert tensor.shape == (1, 3, 416, 416)
    assert (tensor[0, :, :208] == 255).all()
    assert (tensor[0, :, 208:] == SQUARE.pad).all()


def test_a_picture_of_the_right_size_is_taken_as_it_is() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (384, 640, 3), np.uint8)
    tensor = blob([picture, picture], [plan(384, 640, FREE)] * 2, FREE)
    assert (tensor == picture.transpose(2, 0, 1)).all()


def test_a_large_picture_is_averaged_not_sampled() -> None:
    stripes = np.zeros((1536, 2560, 3), np.uint8)
    stripes[::2] = 200
    tensor = blob([stripes], [plan(1536, 2560, FREE)], FREE)
    assert np.abs(tensor - 100).max() <= 2
