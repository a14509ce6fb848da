"""Which crops make up a batch: P identities with K crops each, from as many cameras as possible."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


def identity_batches(
    identities: np.ndarray, cameras: np.ndarray, people: int, crops: int, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Endless batches of `people * crops` indices; every identity comes once before any comes again.

    The crops of one identity are drawn camera by camera in random order, so that a batch holds the pairs that are hard:
    the same person seen by different cameras. An identity with fewer crops than asked for repeats some.

    Args:
        identities: (N,) int64; -1 (nobody knows) is never drawn.
        cameras: (N,) int64.
        people: identities in a batch (P), at most the number of identities.
        crops: crops of each (K).
        rng: source of randomness.
    """
    known = np.unique(identities[identities >= 0])
    people = min(people, len(known))
    by_person = {int(p): _by_camera(np.flatnonzero(identities == p), cameras) for p in known}
    waiting: list[int] = []
    while True:
        if len(waiting) < people:
            left = set(waiting)
            waiting += [int(p) for p in rng.permutation(known) if int(p) not in left]
        chosen, waiting = waiting[:people], waiting[people:]
        yield np.concatenate([_spread(by_person[p], crops, rng) for p in chosen])


def index_batches(count: int, size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Endless batches of `size` indices below `count`, each index once before any comes again."""
    waiting = np.zeros(0, np.int64)
    while True:
        while len(waiting) < size:
            waiting = np.concatenate([waiting, rng.permutation(count)])
        yield waiting[:size]
        waiting = waiting[size:]


def _by_camera(index: np.ndarray, cameras: np.ndarray) -> list[np.ndarray]:
    return [index[cameras[index] == c] for c in np.unique(cameras[index])]


def _spread(by_camera: list[np.ndarray], count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` indices, going round the cameras in random order, each crop once before any is repeated."""
    queues = [rng.permutation(by_camera[c]) for c in rng.permutation(len(by_camera))]
    longest = max(len(q) for q in queues)
    rounds = [q[r] for r in range(longest) for q in queues if r < len(q)]
    return np.resize(np.array(rounds, np.int64), count)
