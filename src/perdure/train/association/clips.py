"""What the association learns from: recorded boxes whose owners are known."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment

from perdure.errors import InputError
from perdure.evaluate.motfiles import read_truth
from perdure.evaluate.tracks import Tracks, Truth
from perdure.geometry import iou
from perdure.interop.mot import read_sequence
from perdure.train.association.table import Clip
from perdure.types import Float64s, Ints

_OWNED = 0.5
"""Least IoU of a detection with its owner, as MOTChallenge has it."""


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """One camera: a clip of all its frames, and where there is one the truth to score with."""

    name: str
    clip: Clip
    truth: Truth | None = field(default=None)

    @property
    def seconds(self) -> float:
        """From the first frame to the last."""
        return float(self.clip.at[-1] - self.clip.at[0]) if len(self.clip.at) else 0.0

    def shown(self, numbers: Ints) -> Tracks:
        """The boxes a tracker showed under these (B,) numbers, 0 for none; frames count from 1."""
        which = np.flatnonzero(numbers > 0)
        frames = np.repeat(np.arange(1, len(self.clip.at) + 1), np.diff(self.clip.first))
        return Tracks.of(frames[which], numbers[which], self.clip.boxes[which])


def read_recording(folder: Path) -> Recording:
    """A MOTChallenge sequence folder with detections and truth (det/det.txt, gt/gt.txt, seqinfo.ini).

    Raises:
        InputError: a file is missing or not as documented.
    """
    sequence = read_sequence(folder)
    file = folder / "gt" / "gt.txt"
    if not file.is_file():
        raise InputError(f"no truth at {file}: to learn, it must be known whom the boxes show")
    truth = read_truth(file)
    counts = np.bincount(sequence.boxes.frames - 1, minlength=sequence.length)
    boxes = sequence.boxes.boxes.astype(np.float32).astype(np.float64)
    scores = np.clip(sequence.boxes.scores, 0, 1).astype(np.float32).astype(np.float64)
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    size = (float(sequence.size[0]), float(sequence.size[1]))
    at = np.arange(sequence.length) / sequence.rate_fps
    return Recording(sequence.name, Clip(boxes, scores, first, at, size, owners(boxes, first, truth)), truth)


def owners(boxes: Float64s, first: Ints, truth: Truth) -> Ints:
    """(B,) person 0, 1, ... of each box, -1 for nobody: of each frame the best assignment by IoU, of 0.5 or more."""
    tracks = truth.tracks
    counted = np.flatnonzero(truth.counted)
    people = np.unique(tracks.ids[counted], return_inverse=True)[1]
    frames = tracks.frames[counted]
    who = np.full(len(boxes), -1, np.int64)
    for f in range(len(first) - 1):
        here = slice(*np.searchsorted(frames, [f + 1, f + 2]).tolist())
        found = slice(int(first[f]), int(first[f + 1]))
        if here.start == here.stop or found.start == found.stop:
            continue
        shared = iou(tracks.boxes[counted[here]], boxes[found])
        rows, columns = linear_sum_assignment(-np.where(shared >= _OWNED, shared, 0))
        good = shared[rows, columns] >= _OWNED
        who[found.start + columns[good]] = people[here][rows[good]]
    return who


def part(clip: Clip, start: int, stop: int) -> Clip:
    """The frames from ``start`` to before ``stop``."""
    first = clip.first[start : stop + 1]
    rows = slice(int(first[0]), int(first[-1]))
    return Clip(
        np.ascontiguousarray(clip.boxes[rows]),
        clip.scores[rows],
        first - first[0],
        clip.at[start:stop],
        clip.size,
        clip.owner[rows],
    )
