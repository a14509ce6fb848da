from __future__ import annotations

import numpy as np
import pytest

from perdure.track.album import MOST_PICTURES, Album, SimilarityScale, similarity
from perdure.types import Crops


def unit(*values: float) -> np.ndarray:
    vector = np.array(values, np.float32)
    return vector / np.linalg.norm(vector)


def crop(vector: np.ndarray, quality: float = 0.5, model: str = "m", part: str = "body") -> Crops:
    return Crops(np.array([0]), model, vector[None], np.array([quality], np.float32), ("p.jpg",), part)  # type: ignore[arg-type]


def test_of_alike_pictures_the_worse_goes_and_the_different_stays() -> None:
    album = Album()
    album.add(crop(unit(0, 0, 1), 0.01), 0, 0.0)
    for i in range(MOST_PICTURES + 20):
        album.add(crop(unit(1, 0.001 * i, 0), i / 100), 0, 1.0 + i)
    (kept,) = album.exemplars()
    assert len(kept) == len(album) == MOST_PICTURES
    assert kept.at[0] == 0.0
    assert np.all(np.diff(kept.at) > 0)
    assert kept.quality[1:].mean() > 0.27


def test_models_and_parts_never_meet() -> None:
    album = Album()
    album.add(crop(unit(1, 0), model="a"), 0, 0.0)
    album.add(crop(unit(1, 0, 0), model="b"), 0, 0.0)
    album.add(crop(unit(0, 1), model="a", part="face"), 0, 0.0)
    assert [(e.model, e.part, len(e)) for e in album.exemplars()] == [
        ("a", "body", 1),
        ("b", "body", 1),
        ("a", "face", 1),
    ]
    assert album.body("c") is None


def test_an_heir_recognises_but_does_not_tell_again() -> None:
    album = Album()
    album.add(crop(unit(1, 0)), 0, 0.0)
    heir = album.heirs()
    assert heir.exemplars() == ()
    np.testing.assert_array_equal(heir.body("m"), [[1, 0]])
    heir.add(crop(unit(0, 1)), 0, 1.0)
    np.testing.assert_array_equal(heir.body("m"), [[1, 0], [0, 1]])


def test_similarity_is_the_mean_of_the_three_most_alike() -> None:
    album = np.stack([unit(1, 0), unit(1, 0), unit(0, 1), unit(-1, 0)])
    assert similarity(album, unit(1, 0)[None])[0] == pytest.approx(2 / 3)
    assert similarity(album[:1], unit(1, 0)[None])[0] == pytest.approx(1)


def test_scale_learns_the_model() -> None:
    """Cosines that mean "different" for one model mean "same" for another: only what was seen on site can tell."""
    high, low = SimilarityScale(), SimilarityScale()
    rng = np.random.default_rng(0)
    high.learn(rng.normal(0.7, 0.05, 800), same=False)
    high.learn(rng.normal(0.9, 0.05, 800), same=True)
    low.learn(rng.normal(0.1, 0.1, 800), same=False)
    low.learn(rng.normal(0.6, 0.1, 800), same=True)
    at = np.array([0.7])
    assert high.llr(at, np.ones(1))[0] < -2
    assert low.llr(at, np.ones(1))[0] > 2
    grid = np.linspace(-1, 1, 50)
    assert np.all(np.diff(high.llr(grid, np.ones(50))) >= 0)
    assert np.abs(high.llr(grid, np.ones(50))).max() <= 6
    np.testing.assert_allclose(high.llr(at, np.array([0.5])), high.llr(at, np.ones(1)) / 2)
