"""Files of numbers, one box or vector a line: read fast, and complained about by file and line."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import numpy as np

from perdure.errors import InputError
from perdure.types import Float32s, Float64s, Ints


def read_numbers(path: Path, names: tuple[str, ...], rest: bool = True) -> Float64s:
    """(N, C) float64 of a comma- or space-separated file; C is what the first line has, 0 rows for an empty file.

    Args:
        path: the file.
        names: of the columns it must have at least; all of these must be finite.
        rest: read further columns too; if not, they may hold anything.

    Raises:
        InputError: no such file, a line with too few, too many or other than numbers, NaN or infinity; names file:line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise InputError(f"cannot read {path}: {reason}") from error
    if not text.strip():
        return np.zeros((0, len(names)))
    first = text.lstrip().split("\n", 1)[0]
    separator = "," if "," in first else None
    try:
        columns = None if rest else range(len(names))
        values = np.loadtxt(StringIO(text), np.float64, delimiter=separator, ndmin=2, comments=None, usecols=columns)
    except ValueError:
        values = _by_line(path, text, separator, None if rest else len(names))
    if values.shape[1] < len(names):
        raise InputError(f"{path}: has {values.shape[1]} columns, needs at least {len(names)}: {', '.join(names)}")
    bad = np.argwhere(~np.isfinite(values[:, : len(names)]))
    if len(bad):
        row, column = bad[0].tolist()
        raise InputError(f"{path}:{line_of(text, row)}: {names[column]} is {values[row, column]}, must be finite")
    return values


def _by_line(path: Path, text: str, separator: str | None, columns: int | None) -> Float64s:
    """As ``read_numbers``, slowly: forgives a separator at the end of a line, names the first line it cannot read."""
    rows: list[list[float]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        fields = line.strip().removesuffix(",").split(separator)[:columns]
        try:
            rows.append([float(field) for field in fields])
        except ValueError as error:
            raise InputError(f"{path}:{number}: not a line of numbers: {line.strip()[:80]!r}") from error
        if len(rows[-1]) != len(rows[0]):
            raise InputError(f"{path}:{number}: {len(rows[-1])} columns where the first line has {len(rows[0])}")
    return np.array(rows)


def line_of(text: str, row: int) -> int:
    """The line number, from 1, of the ``row``-th line that is not blank."""
    return [number for number, line in enumerate(text.split("\n"), start=1) if line.strip()][row]


def whole(values: Float64s, path: Path, name: str) -> Ints:
    """The column as integers.

    Raises:
        InputError: a value has a fraction; names the file and the line.
    """
    numbers = values.astype(np.int64)
    bad = np.flatnonzero(numbers != values)
    if len(bad):
        line = line_of(path.read_text(encoding="utf-8"), int(bad[0]))
        raise InputError(f"{path}:{line}: {name} is {values[bad[0]]}, must be a whole number")
    return numbers


def unit_rows(vectors: Float32s, path: Path) -> Float32s:
    """The rows (N, D) of a file at length 1.

    Raises:
        InputError: one is zero or not finite; says which is the first.
    """
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    bad = np.flatnonzero(~np.isfinite(norms[:, 0]) | (norms[:, 0] == 0))
    if len(bad):
        raise InputError(f"{path}: {len(bad)} vectors are zero or not finite, the first in row {bad[0]}")
    return np.asarray(vectors / norms, np.float32)
