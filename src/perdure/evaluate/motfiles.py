"""MOTChallenge folders: TRUTH/<sequence>/gt/gt.txt against RESULT/<sequence>.txt, or one file against another.

Format: https://motchallenge.net/instructions/, and TrackEval ``datasets/mot_challenge_2d_box.py`` for what counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from perdure.errors import InputError
from perdure.evaluate.tracks import Tracks, Truth
from perdure.interop.mot import Info, read_info
from perdure.interop.numberfile import read_numbers, whole
from perdure.types import Float64s

Protocol = Literal["auto", "mot15", "mot17", "mot20"]
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)
COLUMNS = ("frame", "id", "left", "top", "width", "height")
PEDESTRIAN = 1
DISTRACTORS = (2, 7, 8, 12)
"""Person on vehicle, static person, distractor, reflection."""
NON_MOT_VEHICLE = 6
CLASSES = range(1, 14)


@dataclass(frozen=True, slots=True, eq=False)
class Sequence:
    """One sequence to be evaluated."""

    name: str
    truth: Truth
    result: Tracks


def named_protocol(name: str) -> Protocol:
    """The protocol of this name.

    Raises:
        InputError: there is none; lists those there are.
    """
    for protocol in PROTOCOLS:
        if protocol == name:
            return protocol
    raise InputError(f"no protocol {name!r}; there are {', '.join(PROTOCOLS)}")


def read_sequences(truth: Path, result: Path, protocol: Protocol = "auto") -> Iterator[Sequence]:
    """Every sequence of two folders, or the one of two files.

    A truth folder holds <sequence>/gt/gt.txt or <sequence>.txt, a result folder <sequence>.txt.

    Raises:
        InputError: missing, of different sequences, or a file is not as documented.
    """
    for name, (truth_file, result_file) in paired_files(truth, result).items():
        info = info_of(truth_file)
        yield Sequence(name, read_truth(truth_file, protocol), read_result(result_file, info.length if info else None))


def paired_files(truth: Path, result: Path) -> dict[str, tuple[Path, Path]]:
    """Truth file and result file by sequence.

    Raises:
        InputError: missing, of different sequences, or a file against a folder.
    """
    for path, role in ((truth, "truth"), (result, "result")):
        if not path.exists():
            raise InputError(f"no {role} at {path}")
    if truth.is_file() and result.is_file():
        return {result.stem: (truth, result)}
    if truth.is_file() or result.is_file():
        file, folder = (truth, result) if truth.is_file() else (result, truth)
        raise InputError(f"{file} is a file but {folder} is a folder: give two folders or two files")
    truths = {p.parents[1].name: p for p in sorted(truth.glob("*/gt/gt.txt"))} or {
        p.stem: p for p in sorted(truth.glob("*.txt"))
    }
    results = {p.stem: p for p in sorted(result.glob("*.txt"))}
    if not truths:
        raise InputError(f"no ground truth in {truth}: expected <sequence>/gt/gt.txt or <sequence>.txt")
    if truths.keys() != results.keys():
        raise InputError(
            f"truth and result are of different sequences: {truth} has {', '.join(truths)}; "
            f"{result} has {', '.join(results) or 'no .txt file'}"
        )
    return {name: (truths[name], results[name]) for name in truths}


def info_of(truth_file: Path) -> Info | None:
    """The seqinfo.ini beside <sequence>/gt/gt.txt, None where there is none.

    Raises:
        InputError: it is not as documented.
    """
    return read_info(truth_file.parent.parent / "seqinfo.ini") if truth_file.name == "gt.txt" else None


def read_result(path: Path, length: int | None = None) -> Tracks:
    """The tracks of a result file; columns after the box are not looked at.

    Raises:
        InputError: see ``read_numbers``; an id is in a frame twice; a frame is after the last one (``length``).
    """
    tracks = _tracks(read_numbers(path, COLUMNS), path)
    if length is not None and len(tracks) and tracks.frames[-1] > length:
        raise InputError(f"{path}: has frame {tracks.frames[-1]}, but the sequence ends with frame {length}")
    return tracks


def read_truth(path: Path, protocol: Protocol = "auto") -> Truth:
    """The ground truth of a file.

    ``mot15``: a row counts where column 7 is not 0. ``mot17`` (and MOT16): and where column 8 is a pedestrian; classes
    of people nobody need track distract. ``mot20``: vehicles distract too. ``auto``: 9 columns, which is box, flag,
    class and visibility, are ``mot17``; else there is no class column and it is ``mot15``.

    Raises:
        InputError: see ``read_numbers``; an id is in a frame twice; a class that does not exist.
    """
    rows = read_numbers(path, COLUMNS)
    if protocol == "auto":
        protocol = "mot17" if rows.shape[1] == 9 else "mot15"
    tracks = _tracks(rows, path)
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    counted = np.ones(len(rows), np.bool_) if rows.shape[1] < 7 else rows[:, 6].astype(np.int64) != 0
    if protocol == "mot15":
        return Truth.of(tracks, counted)
    if len(rows) and rows.shape[1] < 8:
        raise InputError(f"{path}: has {rows.shape[1]} columns, but protocol {protocol} needs the class in column 8")
    classes = rows[:, 7].astype(np.int64) if len(rows) else np.zeros(0, np.int64)
    unknown = np.setdiff1d(classes, CLASSES)
    if len(unknown):
        raise InputError(f"{path}: class {unknown[0]} in column 8; known are 1 to 13 (protocol mot15 has no classes)")
    distractors = (*DISTRACTORS, NON_MOT_VEHICLE) if protocol == "mot20" else DISTRACTORS
    return Truth.of(tracks, counted & (classes == PEDESTRIAN), np.isin(classes, distractors))


def _tracks(rows: Float64s, path: Path) -> Tracks:
    frames, ids = whole(rows[:, 0], path, "frame"), whole(rows[:, 1], path, "id")
    return Tracks.of(frames, ids, np.column_stack([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]]), str(path))
