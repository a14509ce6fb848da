"""MOTChallenge text: detections and ground truth in, tracks out.

One box a line, ``frame, id, left, top, width, height, score or flag, ...``; frames count from 1, and pixels too, but
left and top are used as they are (as every tracker and TrackEval do). Format: https://motchallenge.net/instructions/
"""

from __future__ import annotations

import configparser
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile, is_zipfile

import numpy as np

from perdure.errors import InputError
from perdure.interop.numberfile import line_of, read_numbers, unit_rows, whole
from perdure.types import Detections, Float32s, Float64s, Ints, Tracklet

_COLUMNS = ("frame", "id", "left", "top", "width", "height", "score")
_DEFAULT_RATE = 30.0


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """The lines of one MOTChallenge file, in order of frame; lines of one frame keep their order."""

    frames: Ints
    """(N,) int64, from 1."""
    ids: Ints
    """(N,) int64; -1 in detection files."""
    boxes: Float64s
    """(N, 4) xyxy, px."""
    scores: Float64s
    """(N,) of a detection; in ground truth whether the line counts (0 or 1)."""
    lines: Ints
    """(N,) int64: which line of the file, from 0, blank lines not counted."""

    def __len__(self) -> int:
        return len(self.frames)

    def rows(self, frame: int) -> slice:
        """The rows of one frame."""
        first, last = np.searchsorted(self.frames, [frame, frame + 1])
        return slice(int(first), int(last))

    def detections(self, frame: int) -> Detections:
        """The boxes of one frame as a tracker takes them; scores are cut to [0, 1]."""
        rows = self.rows(frame)
        return Detections.of(self.boxes[rows], np.clip(self.scores[rows], 0, 1))


@dataclass(frozen=True, slots=True, eq=False)
class Sequence:
    """What is tracked: the boxes of a camera and what is known of it."""

    name: str
    boxes: Boxes
    length: int
    """Frames in all."""
    rate_fps: float
    size: tuple[int, int]
    """Width, height in px."""


def read_boxes(path: Path) -> Boxes:
    """One file of MOTChallenge text (detections or ground truth); at least seven columns, comma or space.

    Raises:
        InputError: see ``read_numbers``; a frame or id has a fraction, or a frame is below 1; names file:line.
    """
    values = read_numbers(path, _COLUMNS)
    frames, ids = whole(values[:, 0], path, "frame"), whole(values[:, 1], path, "id")
    early = np.flatnonzero(frames < 1)
    if len(early):
        line = line_of(path.read_text(encoding="utf-8"), int(early[0]))
        raise InputError(f"{path}:{line}: frame is {frames[early[0]]}, but frames count from 1")
    order = np.argsort(frames, kind="stable")
    corners = np.concatenate([values[:, 2:4], values[:, 2:4] + values[:, 4:6]], axis=1)
    return Boxes(frames[order], ids[order], corners[order], values[order, 6], order)


def read_sequence(path: Path, rate_fps: float | None = None, size: tuple[int, int] | None = None) -> Sequence:
    """The detections of a sequence folder (det/det.txt, seqinfo.ini), or of one file.

    Rate and size come from the caller, else from seqinfo.ini, else 30 fps and the smallest picture around all boxes.

    Raises:
        InputError: see ``read_boxes``; no det/det.txt in the folder; seqinfo.ini is not as documented; a box is in a
            frame after the last one.
    """
    file = path / "det" / "det.txt" if path.is_dir() else path
    if not file.is_file():
        expected = "a MOTChallenge sequence folder holds det/det.txt" if path.is_dir() else "no such file"
        raise InputError(f"no detections at {file}: {expected}")
    boxes = read_boxes(file)
    last = int(boxes.frames[-1]) if len(boxes) else 0
    info = read_info(file.parent.parent / "seqinfo.ini") if file.name == "det.txt" else None
    name = file.parent.parent.resolve().name if info or path.is_dir() else file.stem
    length = info.length if info else last
    if last > length:
        raise InputError(f"{file}: has frame {last}, but by seqinfo.ini the sequence ends with frame {length}")
    reach = np.ceil(np.maximum(boxes.boxes[:, 2:].max(axis=0, initial=1.0), 1.0)).astype(int).tolist()
    rate = rate_fps or (info.rate_fps if info else None) or _DEFAULT_RATE
    return Sequence(name, boxes, length, rate, size or (info.size if info else None) or (reach[0], reach[1]))


def read_looks(path: Path, boxes: Boxes) -> tuple[Float32s, Float32s]:
    """(N, D) unit vectors and (N,) quality in [0, 1] of the boxes, from an npz with one row per line of their file.

    The arrays are ``vectors`` and, where there is one, ``quality`` (else the scores of the boxes, cut to [0, 1]).

    Raises:
        InputError: cannot be read, no ``vectors``, rows of different lengths, another number of rows than lines, a
            vector is zero or not finite.
    """
    try:
        with np.load(path, allow_pickle=False) as content:
            vectors = np.asarray(content["vectors"], np.float32)
            given = np.asarray(content["quality"], np.float32) if "quality" in content else None
    except FileNotFoundError as error:
        raise InputError(f"no embeddings at {path}: no such file") from error
    except KeyError as error:
        raise InputError(f"{path}: has no array 'vectors' (one row per line of the detection file)") from error
    except ValueError as error:
        told = "its arrays are not plain numbers (vectors of different lengths cannot be compared)"
        raise InputError(f"cannot read {path}: {told if is_zipfile(path) else 'not an npz file of arrays'}") from error
    except (OSError, BadZipFile) as error:
        raise InputError(f"cannot read {path}: not an npz file of arrays") from error
    if vectors.ndim != 2 or len(vectors) != len(boxes) or (given is not None and given.shape != (len(boxes),)):
        shapes = f"'vectors' is {vectors.shape}" + ("" if given is None else f", 'quality' is {given.shape}")
        raise InputError(f"{path}: {shapes}; expected one row for each of {len(boxes)} detections")
    quality = boxes.scores if given is None else given[boxes.lines]
    return unit_rows(vectors, path)[boxes.lines], np.nan_to_num(np.clip(quality, 0, 1)).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class TrackRows:
    """Boxes with the number of a track, one row per box."""

    frames: Ints
    """(N,) int64, from 1."""
    numbers: Ints
    """(N,) int64, from 1."""
    boxes: Float64s
    """(N, 4) xyxy, px."""
    scores: Float64s
    """(N,)."""

    @classmethod
    def none(cls) -> TrackRows:
        """No rows."""
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 4)), np.zeros(0))

    @classmethod
    def joined(cls, parts: Iterable[TrackRows]) -> TrackRows:
        """All rows of some (at least one)."""
        kept = list(parts)
        return cls(*(np.concatenate([getattr(p, f) for p in kept]) for f in ("frames", "numbers", "boxes", "scores")))


def write_tracks(path: Path, frames: Ints, numbers: Ints, boxes: Float64s, scores: Float64s) -> None:
    """Write tracks as ten columns, in order of frame (from 1) and number; ``boxes`` are (N, 4) xyxy.

    Raises:
        InputError: the file cannot be written.
    """
    order = np.lexsort((numbers, frames))
    columns = zip(
        frames[order].tolist(),
        numbers[order].tolist(),
        boxes[order].tolist(),
        scores[order].tolist(),
        strict=True,
    )
    lines = [
        f"{frame},{number},{x1:.2f},{y1:.2f},{x2 - x1:.2f},{y2 - y1:.2f},{score:.4f},-1,-1,-1\n"
        for frame, number, (x1, y1, x2, y2), score in columns
    ]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(lines), encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error


def joined_paths(tracklets: Iterable[Tracklet]) -> TrackRows:
    """The paths of told tracklets; parts of one stay share the number of the first.

    Of several revisions of one tracklet the highest counts.
    """
    last: dict[str, Tracklet] = {}
    for tracklet in sorted(tracklets, key=lambda t: t.revision):
        last[tracklet.id] = tracklet
    number: dict[str, int] = {}
    rows = [TrackRows.none()]
    people = 0
    for tracklet in sorted(last.values(), key=lambda t: t.start):
        former = number.get(tracklet.supersedes or "") if tracklet.began == "cut" else None
        if former is None:
            people += 1
        number[tracklet.id] = own = people if former is None else former
        path = tracklet.path
        rows.append(
            TrackRows(path[:, 1].astype(np.int64) + 1, np.full(len(path), own, np.int64), path[:, 2:6], path[:, 6])
        )
    return TrackRows.joined(rows)


@dataclass(frozen=True, slots=True)
class Info:
    """What a seqinfo.ini says."""

    length: int
    """Frames."""
    rate_fps: float | None
    size: tuple[int, int] | None
    """Width, height in px."""


def read_info(path: Path) -> Info | None:
    """A seqinfo.ini, which must say seqLength; None where there is no such file.

    Raises:
        InputError: it is not as documented.
    """
    if not path.is_file():
        return None
    parser = configparser.ConfigParser()
    try:
        parser.read(path, encoding="utf-8")
        section = parser["Sequence"]
        rate, width, height = (section.get(key) for key in ("frameRate", "imWidth", "imHeight"))
        info = Info(
            int(section["seqLength"]),
            float(rate) if rate else None,
            (int(width), int(height)) if width and height else None,
        )
    except (configparser.Error, KeyError, ValueError) as error:
        raise InputError(f"{path}: expected [Sequence] with numbers seqLength, frameRate, imWidth, imHeight") from error
    if not (info.length > 0 and (info.rate_fps is None or info.rate_fps > 0) and min(info.size or (1,)) > 0):
        raise InputError(f"{path}: seqLength, frameRate, imWidth and imHeight must be above 0")
    return info
