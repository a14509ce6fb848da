"""What tests of streams are made of."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from perdure.evaluate.embeddings import Embeddings
from perdure.evaluate.stream_calibration import fit_calibration
from perdure.gallery.calibrate import Calibration


def _pictures_of(people: int = 16, spread: float = 0.35, seed: int = 0, per_stay: int = 3) -> Embeddings:
    """People before three cameras in two sequences, ``per_stay`` pictures each time, 10 frames apart."""
    rng = np.random.default_rng(seed)
    person, camera, sequence, shot = (
        axis.ravel() for axis in np.meshgrid(range(1, people + 1), range(1, 4), (1, 2), range(per_stay), indexing="ij")
    )
    begin = rng.integers(0, 5000, (people + 1, 4, 3))[person, camera, sequence]
    looks = rng.normal(size=(people + 1, 24))[person] + 0.5 * rng.normal(size=(4, 24))[camera]
    vectors = looks + spread * rng.normal(size=looks.shape)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    names = tuple(f"{n}.jpg" for n in range(len(person)))
    return Embeddings(
        "made-up",
        vectors.astype(np.float32),
        person,
        camera,
        sequence,
        begin + 10 * shot + 1,
        np.ones(len(person), np.float32),
        names,
    )


@pytest.fixture(scope="session")
def pictures_of() -> Callable[..., Embeddings]:
    """Makes labelled embeddings up."""
    return _pictures_of


@pytest.fixture(scope="session")
def calibration() -> Calibration:
    """Of such embeddings, of other people."""
    return fit_calibration(_pictures_of(40, seed=9))
