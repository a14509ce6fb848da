"""A folder of pictures, each of one person, as embeddings; a broken picture is told of and left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from perdure.embed.embedder import Embedder
from perdure.errors import InputError
from perdure.evaluate.datasets import JUNK, PICTURE_SUFFIXES, Layout, PictureSet, read
from perdure.evaluate.embeddings import Embeddings, picture
from perdure.types import Bools

BATCH = 32


def pictures_of(root: Path, layout: Layout | None) -> PictureSet:
    """Every picture under `root` in order of path: with labels where a layout is named, else of nobody in particular.

    Raises:
        InputError: nothing there, no picture, or names that do not fit the layout.
    """
    if layout is not None:
        return read(root, layout).pictures
    if root.is_file():
        paths: tuple[Path, ...] = (root,)
    elif root.is_dir():
        paths = tuple(sorted(p for p in root.rglob("*") if p.suffix.lower() in PICTURE_SUFFIXES and p.is_file()))
    else:
        raise InputError(f"no pictures at {root}: no such file or folder")
    if not paths:
        raise InputError(f"{root} holds no pictures ({', '.join(sorted(PICTURE_SUFFIXES))})")
    count = len(paths)
    nobody = np.full(count, JUNK, np.int64)
    return PictureSet(paths, nobody, -1 - np.arange(count), np.zeros(count, np.int64), np.arange(count))


def embed_readable(
    pictures: PictureSet, embedder: Embedder, told: Callable[[int], None], broken: Callable[[InputError], None]
) -> Embeddings:
    """Every picture that can be read, embedded, in order.

    Args:
        pictures: what to embed.
        embedder: with what.
        told: hears after each batch how many pictures are done.
        broken: hears of every picture that cannot be read.

    Raises:
        InputError: not one picture can be read.
    """
    vectors, quality = [], []
    good: Bools = np.ones(len(pictures), np.bool_)
    for start in range(0, len(pictures), BATCH):
        crops = []
        for row in range(start, min(start + BATCH, len(pictures))):
            try:
                crops.append(picture(pictures.paths[row]))
            except InputError as error:
                good[row] = False
                broken(error)
        if crops:
            found, how_good = embedder.embed(crops)
            vectors.append(found)
            quality.append(how_good)
        told(min(start + BATCH, len(pictures)))
    if not vectors:
        raise InputError(f"none of {len(pictures)} pictures can be read, e.g. {pictures.paths[0]}")
    kept = pictures[good]
    return Embeddings(
        embedder.name,
        np.concatenate(vectors),
        kept.person,
        kept.camera,
        kept.sequence,
        kept.frame,
        np.concatenate(quality),
        tuple(str(path) for path in kept.paths),
    )
