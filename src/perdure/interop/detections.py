"""Detections made elsewhere: MOTChallenge text, or JSON. docs/formats.md shows both."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perdure.errors import InputError
from perdure.interop.mot import read_boxes
from perdure.types import Float32s, Ints

_WANTED = '[{"frame": 0, "box": [x1, y1, x2, y2], "score": 0.9}, ...]'


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """Boxes in order of frame: frames (N,) int64 from 0, boxes (N, 4) float32 xyxy px, scores (N,) in [0, 1]."""

    frames: Ints
    boxes: Float32s
    scores: Float32s


def read_detections(path: Path) -> Told:
    """One camera's detections of a ``.json`` file, or of MOTChallenge text (frames count from 1 there, from 0 here).

    Raises:
        InputError: no such file, or something in it is not as it should be; names the line or entry.
    """
    if path.suffix.lower() == ".json":
        return _of_json(path)
    told = read_boxes(path)
    return Told(told.frames - 1, told.boxes.astype(np.float32), np.clip(told.scores, 0, 1).astype(np.float32))


def _of_json(path: Path) -> Told:
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise InputError(f"cannot read {path}: {reason}") from error
    except ValueError as error:
        raise InputError(f"{path} is not JSON: {error}") from error
    if not isinstance(entries, list):
        raise InputError(f"{path}: expected {_WANTED}, found a {type(entries).__name__}")
    rows = np.array([_row(path, number, entry) for number, entry in enumerate(entries)], np.float64).reshape(-1, 6)
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    return Told(rows[:, 0].astype(np.int64), rows[:, 1:5].astype(np.float32), rows[:, 5].astype(np.float32))


def _row(path: Path, number: int, entry: object) -> list[float]:
    """Frame, four corners and score of one entry."""
    where = f"{path}: entry {number}"
    if not isinstance(entry, dict) or not {"frame", "box"} <= set(entry):
        raise InputError(f"{where}: expected {_WANTED}")
    frame, box, score = entry["frame"], entry["box"], entry.get("score", 1.0)
    if not isinstance(frame, int) or isinstance(frame, bool) or frame < 0:
        raise InputError(f"{where}: frame is {frame!r}, must be a whole number from 0")
    numbers = [*box, score] if isinstance(box, list) else []
    if len(numbers) != 5 or not all(isinstance(n, int | float) and np.isfinite(n) for n in numbers):
        raise InputError(f"{where}: box is {box!r} and score {score!r}, must be four numbers and one")
    if not 0 <= score <= 1:
        raise InputError(f"{where}: score is {score}, must be in [0, 1]")
    return [frame, *numbers]
