from __future__ import annotations

import numpy as np
import pytest

from perdure.embed.baseline import DIM, ColourStripes
from perdure.embed.open import open_embedder


def dressed(
    top: tuple[int, int, int], legs: tuple[int, int, int], seed: int = 0, size: tuple[int, int] = (120, 50)
) -> np.ndarray:
    picture = np.empty((*size, 3), np.float64)
    picture[: size[0] // 2], picture[size[0] // 2 :] = top, legs
    noise = np.random.default_rng(seed).normal(0, 12, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


RED, BLUE, GREEN, GREY = (30, 30, 200), (190, 60, 30), (40, 160, 40), (120, 120, 120)


def test_the_seam() -> None:
    embedder = open_embedder("baseline")
    assert (embedder.name, embedder.dim) == ("baseline", DIM)
    vectors, quality = embedder.embed(
        [dressed(RED, BLUE), np.zeros((0, 4, 3), np.uint8), np.zeros((90, 40, 3), np.uint8)]
    )
    assert vectors.shape == (3, DIM)
    assert vectors.dtype == quality.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, rtol=1e-5)
    assert quality[0] > 0
    assert quality[1] == 0
    none, empty = embedder.embed([])
    assert none.shape == (0, DIM)
    assert empty.shape == (0,)


@pytest.mark.parametrize("other", [(BLUE, RED), (RED, GREEN), (GREY, GREY)])
def test_the_same_clothes_are_nearer_than_others(other: tuple[tuple[int, int, int], tuple[int, int, int]]) -> None:
    crops = [dressed(RED, BLUE), dressed(RED, BLUE, 1, (180, 70)), dressed(*other, 2)]
    vectors, _ = ColourStripes().embed(crops)
    assert vectors[0] @ vectors[1] > 0.9
    assert vectors[0] @ vectors[2] < vectors[0] @ vectors[1] - 0.05


def test_the_mirror_image_is_the_same() -> None:
    crop = np.random.default_rng(0).integers(0, 256, (96, 48, 3), np.uint8)
    vectors, _ = ColourStripes().embed([crop, crop[:, ::-1]])
    assert vectors[0] @ vectors[1] == pytest.approx(1.0, abs=1e-5)
