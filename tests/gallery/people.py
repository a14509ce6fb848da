"""Made-up people: well-apart unit vectors, seen with noise."""

from __future__ import annotations

import numpy as np

from perdure.gallery.calibrate import Calibration
from perdure.gallery.decide import Posterior
from perdure.gallery.gallery import Gallery
from perdure.gallery.scoring import CentredLinkage
from perdure.types import Began, Ended, Exemplars, Tracklet

DIM = 32
CALIBRATION = Calibration(slope=20.0, offset=-8.0, impostor_mean=0.0, impostor_std=0.2, threshold=0.5)


def faces(people: int, seed: int = 0) -> np.ndarray:
    """(people, DIM) orthogonal-ish unit vectors."""
    rng = np.random.default_rng(seed)
    return np.linalg.qr(rng.normal(size=(DIM, DIM)))[0][:people]


def tracklet(
    id: str,
    look: np.ndarray,
    start: float = 0.0,
    end: float = 1.0,
    box: tuple[float, float, float, float] = (0, 0, 10, 20),
    *,
    revision: int = 0,
    ended: Ended = "left",
    began: Began = "appeared",
    supersedes: str | None = None,
    seed: int = 0,
    noise: float = 0.05,
) -> Tracklet:
    """A tracklet of three pictures at 10 frames per second; the camera is what stands before the slash of ``id``."""
    rng = np.random.default_rng([seed, *id.encode()])
    vectors = look + noise * rng.normal(size=(3, DIM))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    frames = np.arange(round(start * 10), round(end * 10) + 1)
    path = np.column_stack([frames / 10, frames, np.tile(box, (len(frames), 1)), np.full(len(frames), 0.9)])
    pictures = tuple(f"{id}-{i}.jpg" for i in range(3))
    at = np.linspace(start, end, 3)
    body = Exemplars("m", vectors.astype(np.float32), np.full(3, 0.8, np.float32), at, pictures)
    return Tracklet(
        id, revision, id.split("/")[0], start, end, path, (body,), began=began, ended=ended, supersedes=supersedes
    )


def gallery(**options: object) -> Gallery:
    """An empty one with the default policy."""
    return Gallery("m", DIM, CentredLinkage(CALIBRATION), Posterior(CALIBRATION, 0.88), **options)
