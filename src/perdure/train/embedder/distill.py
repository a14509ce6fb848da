"""Targets from a larger embedder: the teacher's vector of every training crop, computed once and kept in a file."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort

from perdure.embed.crop import resize
from perdure.errors import ModelError
from perdure.train.embedder.augment import shift_box
from perdure.train.embedder.data import Crops

log = logging.getLogger(__name__)

MOVED = 0.1  # share of its sides by which a box is moved and scaled at most before it is described
TOLD_EVERY_S = 30.0  # how often the log says how far the teacher has come


def teacher_vectors(
    model: Path,
    crops: Crops,
    cache: Path,
    threads: int = 1,
    mirrored: bool = True,
    moved: int | None = None,
    batch: int = 16,
) -> np.ndarray:
    """The teacher's unit vectors, (N, D) float32: of each crop and, where `mirrored`, its mirror image, added.

    Adding the mirror image gives the student a target that does not depend on which way the person faces, at twice the
    time. With a seed in `moved` the teacher looks at a box moved by up to 10 %, every second one mirrored: a student
    that cannot know which learns the mean over boxes, which does not depend on the detector's error so much. The
    result is kept in `cache` (npz) and read back when all of this is the same.

    Raises:
        ModelError: the model cannot be read, or is not of the form `(N, 3, H, W) BGR 0..255 -> (N, D)`.
    """
    key = _fingerprint(model, crops, moved)
    if cache.is_file():
        with np.load(cache) as kept:
            if str(kept["key"]) == key:
                return np.asarray(kept["vectors"], np.float32)
    session, name, size_hw = open_teacher(model, threads)
    within = crops.within_boxes()
    starts = _told(range(0, len(crops), batch), cache.stem)
    parts = (within[i : i + batch] if moved is None else _moved_boxes(crops, i, i + batch, moved) for i in starts)
    vectors = np.concatenate([_embed(session, name, size_hw, p, mirrored) for p in parts])
    cache.parent.mkdir(parents=True, exist_ok=True)
    np.savez(cache, key=key, vectors=vectors)
    return vectors


def agreed(teachers: Sequence[np.ndarray]) -> np.ndarray:
    """What several teachers say of the same pictures as (N, D) unit vectors in the space of the first, itself if alone.

    Their vectors side by side are one teacher with less noise of its own ("ensemble distillation", Hinton et al. 2015).
    The D directions that hold most of them (principal components about zero, which keep cosines) are turned until they
    agree best with the first (orthogonal Procrustes, Schönemann 1966): a student of the first goes on where it is.

    Args:
        teachers: of each (N, E) unit vectors, not fewer than D pictures; those of the first are (N, D).
    """
    first = teachers[0]
    if len(teachers) == 1:
        return first
    beside = np.concatenate(teachers, axis=1)
    directions = np.linalg.eigh((beside.T @ beside).astype(np.float64))[1][:, -first.shape[1] :]
    left, _, right = np.linalg.svd((beside @ directions).T @ first)
    return np.asarray(_unit(beside @ (directions @ left @ right)), np.float32)


def evening(vectors: np.ndarray, power: float) -> np.ndarray:
    """(D, D) by which vectors are multiplied so that their weak directions count for more.

    Principal directions about zero are divided by their variance to `power`, and stay where they are (0: nothing
    changes; 0.5: all have the same variance, "ZCA whitening", Bell and Sejnowski 1997). Lengths stay as they are on
    average.

    Args:
        vectors: (N, D) unit vectors that span the space.
        power: 0 to 0.5.
    """
    second = vectors.T.astype(np.float64) @ vectors / len(vectors)
    variance, directions = np.linalg.eigh(second)
    evened = directions * np.maximum(variance, 1e-9) ** -power @ directions.T
    return np.asarray(evened / np.sqrt(np.trace(evened @ second @ evened)))


def _moved_boxes(crops: Crops, first: int, last: int, seed: int) -> np.ndarray:
    """What lies inside the moved boxes of the crops `first` to `last`; that of crop `i` is drawn from `(seed, i)`."""
    size_hw = crops.within_boxes().shape[1:3]
    seen = []
    for i, crop in enumerate(crops.pixels[first:last], start=first):
        rng = np.random.default_rng((seed, i))
        seen.append(shift_box(crop, size_hw, MOVED, MOVED, rng.random() < 0.5, rng, crops.context))
    return np.stack(seen)


def _told(steps: range, what: str) -> Iterator[int]:
    """The steps; now and then the log says how far they have come and how long the rest will take."""
    began = last = time.monotonic()
    for done, step in enumerate(steps):
        now = time.monotonic()
        if done and now - last > TOLD_EVERY_S:
            left_min = (now - began) / done * (len(steps) - done) / 60
            log.info("%s: %.0f %% described, %.1f min left", what, 100 * done / len(steps), left_min)
            last = now
        yield step


def open_teacher(model: Path, threads: int) -> tuple[ort.InferenceSession, str, tuple[int, int]]:
    """The session, the name of its input, and the height and width it takes; raises as `teacher_vectors` does."""
    if not model.is_file():
        raise ModelError(f"teacher {model} does not exist: give the ONNX file of a body embedder")
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    shape = session.get_inputs()[0].shape
    if len(shape) != 4 or not all(isinstance(side, int) for side in shape[1:]):
        raise ModelError(f"teacher {model} takes {shape}, not pictures (N, 3, H, W) of a fixed size")
    return session, session.get_inputs()[0].name, (int(shape[2]), int(shape[3]))


def _embed(
    session: ort.InferenceSession, name: str, size_hw: tuple[int, int], pixels: np.ndarray, mirrored: bool
) -> np.ndarray:
    height, width = size_hw
    big = np.stack([resize(p, height, width) for p in pixels])
    planes = big.transpose(0, 3, 1, 2).astype(np.float32)
    vectors = _unit(session.run(None, {name: planes})[0])
    if mirrored:
        vectors = _unit(vectors + _unit(session.run(None, {name: planes[..., ::-1].copy()})[0]))
    return np.asarray(vectors, np.float32)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))


def _fingerprint(model: Path, crops: Crops, moved: int | None) -> str:
    digest = hashlib.sha256(f"{model.name} {moved} bicubic".encode())
    digest.update(str(crops.pixels.shape).encode())
    if crops.context:
        digest.update(str(crops.context).encode())
    digest.update("\n".join(crops.names).encode())
    digest.update(crops.pixels[:: max(1, len(crops) // 256)].tobytes())  # made anew, they may look new
    return digest.hexdigest()
