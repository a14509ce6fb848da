"""A file of enrolled people: names and vectors, an npz like that of embeddings (docs/formats.md).

Keys: ``vectors`` (N, D), ``person`` (N,) names, ``quality`` (N,), ``camera`` (N,) all -1, ``model``, a name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from perdure.errors import InputError, StoreError
from perdure.interop.numberfile import unit_rows
from perdure.types import Exemplars


@dataclass(frozen=True, slots=True)
class NamedPeople:
    """People by name, in order of name, with what one model says of their pictures."""

    model: str
    people: Mapping[str, Exemplars]


def write_people(named: NamedPeople, path: Path) -> None:
    """Replace the file, as a whole.

    Raises:
        StoreError: it cannot be written.
    """
    parts = sorted(named.people.items())
    dim = parts[0][1].vectors.shape[1] if parts else 0
    count = sum(len(exemplars) for _, exemplars in parts)
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            np.savez(
                file,
                vectors=np.concatenate([np.zeros((0, dim), np.float32), *(e.vectors for _, e in parts)]),
                person=np.array([name for name, e in parts for _ in range(len(e))], np.str_),
                quality=np.concatenate([np.zeros(0, np.float32), *(e.quality for _, e in parts)]),
                camera=np.full(count, -1, np.int64),
                model=np.asarray(named.model),
            )
        part.replace(path)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}") from error


def read_people(path: Path) -> NamedPeople:
    """The people of a file.

    Raises:
        InputError: it cannot be read, or is no such file: says what is missing.
    """
    try:
        with path.open("rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as content:
            arrays = {key: np.asarray(content[key]) for key in content.files}
    except OSError as error:
        raise InputError(f"cannot read the people of {path}: {error.strerror or error}") from error
    except (ValueError, BadZipFile) as error:
        raise InputError(f"{path} is no file of people: {error}") from error
    if missing := [key for key in ("vectors", "person", "model") if key not in arrays]:
        raise InputError(f"{path} is no file of people: it lacks {', '.join(missing)}")
    vectors, names = arrays["vectors"], arrays["person"].astype(np.str_)
    if vectors.ndim != 2 or vectors.dtype.kind != "f" or names.shape != (len(vectors),):
        raise InputError(f"{path}: vectors of shape {vectors.shape} for {names.shape} names")
    quality = arrays.get("quality", np.ones(len(vectors), np.float32)).astype(np.float32)
    unit = unit_rows(vectors.astype(np.float32), path) if len(vectors) else vectors.astype(np.float32)
    model, people = str(arrays["model"]), {}
    for name in np.unique(names).tolist():
        rows = np.flatnonzero(names == name)
        nothing = ("",) * len(rows)
        people[str(name)] = Exemplars(model, unit[rows], quality[rows], np.zeros(len(rows)), nothing)
    return NamedPeople(model, people)
