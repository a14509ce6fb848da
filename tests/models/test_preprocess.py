from __future__ import annotations

import numpy as np
import pytest

from perdure.models.card import ModelInput
from perdure.models.preprocess import normalise


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("colour", ["rgb", "bgr"])
def test_against_a_plain_loop(layout: str, colour: str) -> None:
    given = ModelInput.model_validate(
        {
            "tensor": "x",
            "layout": layout,
            "height": 8,
            "width": 9,
            "colour": colour,
            "scale": 1 / 255,
            "mean": [0.4, 0.5, 0.6],
            "std": [0.2, 0.3, 0.4],
            "fit": "stretch",
        }
    )
    pictures = np.random.default_rng(0).integers(0, 256, (2, 8, 9, 3), np.uint8)
    found = normalise(pictures, given)
    assert found.dtype == np.float32
    assert found.flags.c_contiguous
    for b, y, x, c in [(0, 0, 0, 0), (1, 7, 8, 2), (1, 3, 4, 1), (0, 5, 1, 2)]:
        raw = pictures[b, y, x, 2 - c if colour == "rgb" else c]
        expected = (raw / 255 - given.mean[c]) / given.std[c]
        assert (found[b, c, y, x] if layout == "NCHW" else found[b, y, x, c]) == pytest.approx(expected, abs=1e-5)


def test_plain_values_stay_as_they_are() -> None:
    given = ModelInput.model_validate({"tensor": "x", "colour": "bgr", "fit": "rectangle"})
    pictures = np.random.default_rng(0).integers(0, 256, (1, 8, 9, 3), np.uint8)
    assert (normalise(pictures, given) == pictures.transpose(0, 3, 1, 2)).all()
