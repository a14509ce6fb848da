"""Readers of person re-identification data sets: pictures, who is on them, and who is searched among whom.

Layouts, found by looking (or named with ``layout``):

- ``market``: files ``pppp_cCsS_FFFFFF_NN.jpg`` in ``query/`` and ``bounding_box_test/`` (or ``gallery/``), or in one
  folder without that division. Person -1 is junk and 0000 a distractor, as Market-1501 publishes them (Zheng et al.,
  ICCV 2015).
- ``msmt17``: ``list_query.txt`` and ``list_gallery.txt`` ("path person" a line) beside ``test/`` or ``mask_test_v2/``;
  the camera is the third field of the file name (Wei et al., CVPR 2018).
- ``cameras``: one folder per person, files ``<camera>_*.png``.
- ``people``: one folder per person, cameras unknown.
- ``csv``: a file with the columns ``path,person,camera[,sequence][,frame]``; paths relative to the file.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from perdure.errors import InputError
from perdure.types import Bools, Ints

Layout = Literal["market", "msmt17", "cameras", "people", "csv"]

JUNK = -1
"""Person number of pictures that count neither as right nor as wrong."""
DISTRACTOR = 0
"""Person number of pictures of nobody in particular: always wrong."""

MARKET_NAME = re.compile(r"^(-?\d+)_c(\d+)(?:s(\d+))?_(\d+)")
PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
GALLERY_FOLDERS = ("bounding_box_test", "gallery")


@dataclass(frozen=True, slots=True, eq=False)
class PictureSet:
    """Labelled pictures in parallel arrays of length N."""

    paths: tuple[Path, ...]
    person: Ints
    """(N,) int64; people from 1, ``DISTRACTOR`` 0, ``JUNK`` -1."""
    camera: Ints
    """(N,) int64 from 0; a negative number is an unknown camera, different for every picture."""
    sequence: Ints
    """(N,) int64; 0 where the layout has none."""
    frame: Ints
    """(N,) int64; the position in its folder where the layout has none."""

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, rows: Ints | Bools) -> PictureSet:
        chosen = np.arange(len(self))[rows]
        return PictureSet(
            tuple(self.paths[i] for i in chosen),
            self.person[chosen],
            self.camera[chosen],
            self.sequence[chosen],
            self.frame[chosen],
        )


@dataclass(frozen=True, slots=True, eq=False)
class DataSet:
    """Pictures and the two groups of a retrieval test, which may overlap."""

    layout: Layout
    pictures: PictureSet
    query: Ints
    """Rows of ``pictures`` that are searched for."""
    gallery: Ints
    """Rows of ``pictures`` that are searched among."""


def read(root: Path, layout: Layout | None = None) -> DataSet:
    """The data set at ``root``: a folder, or a CSV file.

    Raises:
        InputError: nothing there, no known layout (what was found and what is expected), or a name that does not fit.
    """
    if layout is not None and layout not in get_args(Layout):
        raise InputError(f"unknown layout {layout!r}; known: {', '.join(get_args(Layout))}")
    if not root.exists():
        raise InputError(f"no data set at {root}: no such file or folder")
    found = layout or _layout_of(root)
    return _READERS[found](root)


def query_each(person: Ints, camera: Ints, seed: int = 0) -> Ints:
    """(Q,) rows: one random picture per person and camera, in order of person and camera; nobody below 1."""
    place = np.where(camera < 0, -1, camera)
    rows = np.flatnonzero(person > DISTRACTOR)
    shuffled = np.random.default_rng(seed).permutation(rows)
    _, first = np.unique(np.column_stack([person[shuffled], place[shuffled]]), axis=0, return_index=True)
    return np.asarray(shuffled[first], np.int64)


def _layout_of(root: Path) -> Layout:
    if root.is_file():
        if root.suffix.lower() == ".csv":
            return "csv"
        raise InputError(f"{root} is a file; expected a folder of pictures or a .csv with path,person,camera")
    if (root / "list_query.txt").exists() or (root / "list_gallery.txt").exists():
        return "msmt17"
    if (root / "query").is_dir() or any((root / name).is_dir() for name in GALLERY_FOLDERS):
        return "market"
    if any(MARKET_NAME.match(path.name) for path in _pictures_in(root)):
        return "market"
    people = [folder for folder in sorted(root.iterdir()) if folder.is_dir() and _pictures_in(folder)]
    if not people:
        raise InputError(f"{root}: {_inventory(root)}; {_EXPECTED}")
    return "cameras" if _cameras_of(people) is not None else "people"


_EXPECTED = (
    "expected query/ and bounding_box_test/ or one folder of pppp_cCsS_FFFFFF_NN.jpg (Market-1501), list_query.txt "
    "and list_gallery.txt (MSMT17), one folder per person, or a .csv with path,person,camera"
)


def _inventory(root: Path) -> str:
    """What lies in a folder, in a few words, for an error message."""
    entries = sorted(root.iterdir())
    if not entries:
        return "the folder is empty"
    folders, pictures = sum(entry.is_dir() for entry in entries), len(_pictures_in(root))
    return (
        f"found {folders} folders, {pictures} pictures and {len(entries) - folders - pictures} other files, e.g. "
        + (", ".join(entry.name for entry in entries[:3]))
    )


def _pictures_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURE_SUFFIXES)


def _read_market(root: Path) -> DataSet:
    gallery_folder = next((root / name for name in GALLERY_FOLDERS if (root / name).is_dir()), None)
    if (root / "query").is_dir() != (gallery_folder is not None):
        present = "query/" if gallery_folder is None else f"{gallery_folder.name}/"
        raise InputError(f"{root} has {present} alone; expected query/ and bounding_box_test/ (or gallery/) together")
    if gallery_folder is None:
        return _undivided("market", _market_pictures(_pictures_in(root), root))
    query = _market_pictures(_pictures_in(root / "query"), root / "query")
    gallery = _market_pictures(_pictures_in(gallery_folder), gallery_folder)
    return _divided("market", query, gallery)


def _market_pictures(paths: Sequence[Path], root: Path) -> PictureSet:
    rows = []
    for path in paths:
        match = MARKET_NAME.match(path.name)
        if match is None:
            raise InputError(f"{path} is not named like Market-1501; expected pppp_cCsS_FFFFFF_NN.jpg")
        rows.append([int(part or 0) for part in match.groups()])
    if not rows:
        raise InputError(f"{root} holds no pictures; {_EXPECTED}")
    person, camera, sequence, frame = np.asarray(rows, np.int64).T
    return PictureSet(tuple(paths), person, camera, sequence, frame)


def _read_msmt17(root: Path) -> DataSet:
    folder = next((root / name for name in ("test", "mask_test_v2") if (root / name).is_dir()), None)
    if folder is None:
        raise InputError(f"{root} has MSMT17 lists but neither test/ nor mask_test_v2/ with the pictures")
    return _divided("msmt17", *(_msmt17_list(root / f"list_{part}.txt", folder) for part in ("query", "gallery")))


def _msmt17_list(listing: Path, folder: Path) -> PictureSet:
    paths, rows = [], []
    for number, line in enumerate(_lines(listing), start=1):
        if not line.strip():
            continue
        match = re.match(r"^(\S+)\s+(\d+)\s*$", line)
        fields = Path(match[1]).stem.split("_") if match else []
        if match is None or len(fields) < 3 or not fields[2].isdigit():
            raise InputError(
                f"{listing}:{number}: expected 'person/person_nnn_CC_....jpg person', found {line.strip()!r}"
            )
        paths.append(folder / match[1])
        rows.append((int(match[2]) + 1, int(fields[2])))  # its people count from 0, which is a distractor here
    if not rows:
        raise InputError(f"{listing} names no pictures")
    person, camera = np.asarray(rows, np.int64).T
    return PictureSet(tuple(paths), person, camera, np.zeros_like(person), _positions(paths))


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}: {error}") from error


def _read_people(root: Path) -> DataSet:
    return _person_folders(root, "people")


def _read_cameras(root: Path) -> DataSet:
    return _person_folders(root, "cameras")


def _person_folders(root: Path, layout: Layout) -> DataSet:
    folders = [folder for folder in sorted(root.iterdir()) if folder.is_dir() and _pictures_in(folder)]
    if not folders:
        raise InputError(f"{root}: {_inventory(root)}; expected one folder per person with pictures in it")
    paths = [path for folder in folders for path in _pictures_in(folder)]
    person = np.repeat(np.arange(1, len(folders) + 1), [len(_pictures_in(folder)) for folder in folders])
    if layout == "cameras":
        names = _cameras_of(folders)
        if names is None:
            raise InputError(f"{root}: expected <person>/<camera>_*.png with at least two cameras in all")
        camera = _numbered(names)
    else:
        camera = -1 - np.arange(len(paths))
    pictures = PictureSet(tuple(paths), person, camera, np.zeros(len(paths), np.int64), _positions(paths))
    return _undivided(layout, pictures)


def _cameras_of(folders: Sequence[Path]) -> list[str] | None:
    """The camera in the name of each picture, or None where the names do not tell: no underscore, the person's own
    name in front, one prefix for all, or prefixes that never recur from person to person.
    """
    names: list[str] = []
    seen_with: dict[str, int] = {}
    for folder in folders:
        mine = []
        for path in _pictures_in(folder):
            market = MARKET_NAME.match(path.name)
            prefix, underscore, _ = path.stem.partition("_")
            mine.append(market[2] if market else prefix)
            if not market and (not underscore or prefix == folder.name):
                return None
        names += mine
        for name in set(mine):
            seen_with[name] = seen_with.get(name, 0) + 1
    recur = len(folders) == 1 or max(seen_with.values(), default=0) > 1
    return names if len(seen_with) > 1 and recur else None


def _read_csv(path: Path) -> DataSet:
    lines = csv.DictReader(_lines(path))
    header = [name.strip() for name in lines.fieldnames or []]
    missing = [name for name in ("path", "person", "camera") if name not in header]
    if missing:
        raise InputError(
            f"{path} lacks the column(s) {', '.join(missing)}; its header is {','.join(header) or 'empty'}"
        )
    lines.fieldnames = header
    rows = list(lines)
    if not rows:
        raise InputError(f"{path} has a header but no rows")
    paths = [path.parent / _cell(row, "path", path, number) for number, row in enumerate(rows, start=2)]
    person = _people([_cell(row, "person", path, number) for number, row in enumerate(rows, start=2)])
    camera = _numbered([_cell(row, "camera", path, number) for number, row in enumerate(rows, start=2)])
    sequence = _numbers(rows, "sequence", path) if "sequence" in header else np.zeros(len(rows), np.int64)
    frame = _numbers(rows, "frame", path) if "frame" in header else _positions(paths)
    return _undivided("csv", PictureSet(tuple(paths), person, camera, sequence, frame))


def _cell(row: dict[str, str], column: str, path: Path, number: int) -> str:
    value = (row[column] or "").strip()
    if not value:
        raise InputError(f"{path}:{number}: the column {column} is empty")
    return value


def _numbers(rows: Sequence[dict[str, str]], column: str, path: Path) -> Ints:
    values = []
    for number, row in enumerate(rows, start=2):
        try:
            values.append(int(_cell(row, column, path, number)))
        except ValueError as error:
            raise InputError(f"{path}:{number}: {column} {row[column]!r} is not a whole number") from error
    return np.asarray(values, np.int64)


def _people(names: Sequence[str]) -> Ints:
    """Person numbers from 1; "-1" stays junk and "0", "0000" distractors, as in Market-1501."""
    numbers = _numbered(names) + 1
    special = {"-1": JUNK, "0": DISTRACTOR, "0000": DISTRACTOR}
    return np.asarray([special.get(name, number) for name, number in zip(names, numbers, strict=True)], np.int64)


def _numbered(names: Sequence[str]) -> Ints:
    """Each name's place among the sorted different names."""
    return np.asarray(np.unique(np.asarray(names), return_inverse=True)[1], np.int64)


def _positions(paths: Iterable[Path]) -> Ints:
    """The place of each picture among those of its folder, in the order given."""
    counts: dict[Path, int] = {}
    places = []
    for path in paths:
        places.append(counts.get(path.parent, 0))
        counts[path.parent] = places[-1] + 1
    return np.asarray(places, np.int64)


def _undivided(layout: Layout, pictures: PictureSet) -> DataSet:
    query = query_each(pictures.person, pictures.camera)
    return DataSet(layout, pictures, query, np.arange(len(pictures)))


def _divided(layout: Layout, query: PictureSet, gallery: PictureSet) -> DataSet:
    joined = PictureSet(
        query.paths + gallery.paths,
        np.concatenate([query.person, gallery.person]),
        np.concatenate([query.camera, gallery.camera]),
        np.concatenate([query.sequence, gallery.sequence]),
        np.concatenate([query.frame, gallery.frame]),
    )
    return DataSet(layout, joined, np.arange(len(query)), np.arange(len(query), len(joined)))


def without_junk(data: DataSet) -> DataSet:
    """The data set without pictures that can change no figure, so that nobody pays for embedding them."""
    keep = data.pictures.person != JUNK
    renumbered = np.cumsum(keep) - 1
    query, gallery = data.query[keep[data.query]], data.gallery[keep[data.gallery]]
    return replace(data, pictures=data.pictures[keep], query=renumbered[query], gallery=renumbered[gallery])


_READERS: dict[Layout, Callable[[Path], DataSet]] = {
    "market": _read_market,
    "msmt17": _read_msmt17,
    "cameras": _read_cameras,
    "people": _read_people,
    "csv": _read_csv,
}
