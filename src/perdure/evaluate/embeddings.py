"""Embeddings of labelled pictures and the npz file that holds them.

Keys: ``vectors`` (N, D), ``person`` (N,), ``camera`` (N,); optional ``sequence`` ``frame`` ``quality`` ``path`` (N,)
and ``model``, a name. People and cameras are whole numbers or names; person 0 is a distractor and -1 junk.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from perdure.embed.embedder import Embedder
from perdure.errors import InputError
from perdure.evaluate.datasets import DISTRACTOR, JUNK, PictureSet
from perdure.interop.numberfile import unit_rows
from perdure.types import Bools, Float32s, Image, Ints

REQUIRED = ("vectors", "person", "camera")


@dataclass(frozen=True, slots=True, eq=False)
class Embeddings:
    """N embedded pictures of one model with their labels, in parallel arrays."""

    model: str
    vectors: Float32s
    """(N, D) float32, unit norm."""
    person: Ints
    """(N,) int64; people from 1, 0 distractors, -1 junk."""
    camera: Ints
    """(N,) int64; a negative number is an unknown camera, different for every picture."""
    sequence: Ints
    """(N,) int64."""
    frame: Ints
    """(N,) int64."""
    quality: Float32s
    """(N,) float32 in [0, 1]; 1 where the file has none."""
    paths: tuple[str, ...]
    """N paths as written in the file, "" where it has none."""

    def __len__(self) -> int:
        return len(self.vectors)

    def __getitem__(self, rows: Ints | Bools) -> Embeddings:
        chosen = np.arange(len(self))[rows]
        return Embeddings(
            self.model,
            self.vectors[chosen],
            self.person[chosen],
            self.camera[chosen],
            self.sequence[chosen],
            self.frame[chosen],
            self.quality[chosen],
            tuple(self.paths[i] for i in chosen),
        )


def load(path: Path) -> Embeddings:
    """The embeddings in an npz file, scaled to unit norm.

    Raises:
        InputError: cannot be read; not an npz; a missing key (all missing ones are named); arrays of different
            length; a vector that is zero or not finite.
    """
    try:
        with path.open("rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as content:
            arrays = {key: np.asarray(content[key]) for key in content.files}
    except OSError as error:
        raise InputError(f"cannot read the embeddings {path}: {error.strerror or error}") from error
    except (ValueError, BadZipFile) as error:
        raise InputError(f"{path} is not an npz file of plain arrays: {error}") from error
    return _checked(arrays, path)


def _checked(arrays: Mapping[str, npt.NDArray[np.generic]], path: Path) -> Embeddings:
    missing = [key for key in REQUIRED if key not in arrays]
    if missing:
        has = ", ".join(sorted(arrays)) or "nothing"
        raise InputError(f"{path} lacks {', '.join(missing)} (it has {has}); needed are {', '.join(REQUIRED)}")
    vectors = arrays["vectors"]
    if vectors.ndim != 2 or vectors.dtype.kind != "f" or 0 in vectors.shape:
        raise InputError(f"{path}: vectors must be (N, D) floats, found {vectors.dtype} of shape {vectors.shape}")
    count = len(vectors)
    for key in ("person", "camera", "sequence", "frame", "quality", "path"):
        if key in arrays and arrays[key].shape != (count,):
            raise InputError(f"{path}: {key} has shape {arrays[key].shape}, but there are {count} vectors")
    zeros = np.zeros(count, np.int64)
    quality = _floats(arrays["quality"], "quality", path) if "quality" in arrays else np.ones(count, np.float32)
    return Embeddings(
        model=str(arrays["model"]) if "model" in arrays else path.stem,
        vectors=unit_rows(vectors.astype(np.float32), path),
        person=_labels(arrays["person"], "person", path, first=1),
        camera=_labels(arrays["camera"], "camera", path, first=0),
        sequence=_labels(arrays["sequence"], "sequence", path, first=0) if "sequence" in arrays else zeros,
        frame=_labels(arrays["frame"], "frame", path, first=0) if "frame" in arrays else zeros,
        quality=quality,
        paths=tuple(str(name) for name in arrays["path"]) if "path" in arrays else ("",) * count,
    )


def _floats(values: npt.NDArray[np.generic], key: str, path: Path) -> Float32s:
    if values.dtype.kind not in "fiu" or not np.all(
        (values.astype(np.float64) >= 0) & (values.astype(np.float64) <= 1)
    ):
        raise InputError(f"{path}: {key} must be numbers in [0, 1]")
    return values.astype(np.float32)


def _labels(values: npt.NDArray[np.generic], key: str, path: Path, first: int) -> Ints:
    """Whole numbers as they are; names by their place among the sorted different names, from ``first``."""
    if values.dtype.kind in "iu":
        return values.astype(np.int64)
    if values.dtype.kind != "U":
        raise InputError(f"{path}: {key} must be whole numbers or names, found {values.dtype}")
    return np.asarray(np.unique(values, return_inverse=True)[1] + first, np.int64)


def save(embeddings: Embeddings, path: Path) -> None:
    """Writes the npz that ``load`` reads; the ending .npz is added where it is missing.

    Raises:
        InputError: the file cannot be written.
    """
    try:
        np.savez(
            path,
            vectors=embeddings.vectors,
            person=embeddings.person,
            camera=embeddings.camera,
            sequence=embeddings.sequence,
            frame=embeddings.frame,
            quality=embeddings.quality,
            path=np.asarray(embeddings.paths),
            model=np.asarray(embeddings.model),
        )
    except OSError as error:
        raise InputError(f"cannot write the embeddings to {path}: {error.strerror}") from error


def embed_pictures(
    pictures: PictureSet, embedder: Embedder, told: Callable[[int], None] | None = None, batch: int = 64
) -> Embeddings:
    """Every picture embedded, in order; ``told`` hears after each batch how many pictures are done.

    Raises:
        InputError: a picture cannot be read.
    """
    vectors, quality = [], []
    for start in range(0, len(pictures), batch):
        paths = pictures.paths[start : start + batch]
        found, how_good = embedder.embed([picture(path) for path in paths])
        vectors.append(found)
        quality.append(how_good)
        if told is not None:
            told(start + len(paths))
    return Embeddings(
        embedder.name,
        np.concatenate(vectors),
        pictures.person,
        pictures.camera,
        pictures.sequence,
        pictures.frame,
        np.concatenate(quality),
        tuple(str(path) for path in pictures.paths),
    )


def picture(path: Path) -> Image:
    """One picture as (H, W, 3) uint8 BGR; grey ones get three equal channels.

    Raises:
        InputError: cannot be read or decoded, or has more pixels than OpenCV takes.
    """
    import cv2

    try:
        content = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise InputError(f"cannot read the picture {path}: {error.strerror}") from error
    try:
        image = cv2.imdecode(content, cv2.IMREAD_COLOR) if len(content) else None
    except cv2.error as error:
        raise InputError(f"{path} is too large a picture, or damaged: {error.err}") from error
    if image is None:
        raise InputError(f"{path} is not a picture that can be decoded")
    return np.asarray(image, np.uint8)


def of_pictures(embeddings: Embeddings, pictures: PictureSet, source: Path) -> Embeddings:
    """The embeddings of these pictures, in their order and with their labels, found by path.

    A path matches by its ending: the file may have been made from another folder of the same files.

    Raises:
        InputError: a picture is not in the file, or two rows of the file fit one picture.
    """
    depth = min((len(Path(path).parts) for path in embeddings.paths if path), default=0)
    if not depth:
        raise InputError(f"{source} has no paths, so it cannot be joined with a data set; evaluate it without --data")
    for parts in range(1, depth + 1):
        rows = {Path(path).parts[-parts:]: row for row, path in enumerate(embeddings.paths)}
        if len(rows) == len(embeddings.paths):
            break
    else:
        raise InputError(f"{source} names one picture twice")
    chosen = [rows.get(path.parts[-parts:]) for path in pictures.paths]
    absent = [path for path, row in zip(pictures.paths, chosen, strict=True) if row is None]
    if absent:
        raise InputError(f"{source} lacks {len(absent)} of {len(pictures)} pictures of the data set, e.g. {absent[0]}")
    found = embeddings[np.asarray(chosen, np.int64)]
    return replace(
        found,
        person=pictures.person,
        camera=pictures.camera,
        sequence=pictures.sequence,
        frame=pictures.frame,
    )


def people(embeddings: Embeddings) -> Ints:
    """Sorted numbers of the people in it, without distractors and junk."""
    found = np.unique(embeddings.person)
    return np.asarray(found[(found != DISTRACTOR) & (found != JUNK)], np.int64)
