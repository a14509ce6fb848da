"""Pictures of people for training: readers of the usual layouts into one plain type."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from perdure.embed.crop import resize
from perdure.errors import InputError

PICTURES = (".jpg", ".jpeg", ".png", ".bmp")
MARKET_NAME = re.compile(r"^(-?\d+)_c(\d+)s(\d+)_(\d+)_(\d+)")
MARS_NAME = re.compile(r"^(\d{4})C(\d+)T(\d+)F(\d+)")
CUHK03_NAME = re.compile(r"^(\d+)_(\d+)_(\d)_(\d+)")
MSMT17_NAME = re.compile(r"^(\d+)_(\d+)_(\d+)_")


@dataclass(frozen=True)
class Crops:
    """Person crops held in memory at one size, with who they show and which camera took them.

    Attributes:
        pixels: (N, H, W, 3) uint8 BGR.
        identities: (N,) int64, -1 where nobody knows.
        cameras: (N,) int64, -1 where nobody knows.
        names: N unique strings, the file (and box) each crop came from.
        context: share of the person's box that the pictures show beyond it on every side.
    """

    pixels: np.ndarray
    identities: np.ndarray
    cameras: np.ndarray
    names: tuple[str, ...]
    context: float = 0.0

    def __len__(self) -> int:
        return len(self.names)

    def take(self, index: np.ndarray) -> Crops:
        """The crops at `index`, (M,) integers or (N,) bool."""
        at = np.flatnonzero(index) if index.dtype == bool else index
        names = tuple(self.names[i] for i in at)
        return replace(
            self, pixels=self.pixels[at], identities=self.identities[at], cameras=self.cameras[at], names=names
        )

    def within_boxes(self) -> np.ndarray:
        """(N, h, w, 3) uint8: what lies inside the people's boxes, without the context; a view."""
        height, width = self.pixels.shape[1:3]
        top, left = (round(side * self.context / (1 + 2 * self.context)) for side in (height, width))
        return self.pixels[:, top : height - top, left : width - left]

    def widened(self, border: float) -> Crops:
        """The same pictures, of boxes that are wider by a share of their sides on each side, as far as they show it."""
        border = min(border, self.context)
        return replace(self, context=(self.context - border) / (1 + 2 * border))

    def with_context(self, size_hw: tuple[int, int], context: float) -> Crops:
        """The same crops, their boxes at `size_hw`, the edge repeated outwards for `context`; they must have none."""
        top, left = round(size_hw[0] * context), round(size_hw[1] * context)
        border = cv2.BORDER_REPLICATE
        pixels = [cv2.copyMakeBorder(resize(p, *size_hw), top, top, left, left, border) for p in self.pixels]
        return replace(self, pixels=np.stack(pixels), context=context)


@dataclass(frozen=True)
class _Entry:
    path: Path
    identity: int
    camera: int


def read_crops(layout: str, path: Path, size_hw: tuple[int, int]) -> Crops:
    """Read a labelled set: layout `market1501 | msmt17 | cuhk03 | mars | folders | csv`.

    Junk and distractors (Market identity -1 and 0000) are left out. Every picture is resized to `size_hw` pixels.

    Raises:
        InputError: the path is missing, no picture matches the layout, or a picture cannot be read.
    """
    readers = {
        "market1501": _market1501,
        "msmt17": _msmt17,
        "cuhk03": _cuhk03,
        "mars": _mars,
        "folders": _folders,
        "csv": _csv,
    }
    if layout not in readers:
        raise InputError(f"layout {layout!r} is unknown: use one of {', '.join(sorted(readers))}")
    if not path.exists():
        raise InputError(f"{path} does not exist: give the folder (or CSV file) of a {layout} set")
    entries = [e for e in readers[layout](path) if e.identity > 0 or layout not in ("market1501", "mars")]
    if not entries:
        raise InputError(f"{path} holds no picture named as in the {layout} layout")
    pixels = np.stack([read_picture(e.path, size_hw) for e in entries])
    folder = path if path.is_dir() else path.parent
    names = tuple(str(e.path.relative_to(folder) if e.path.is_relative_to(folder) else e.path) for e in entries)
    return Crops(
        pixels,
        np.array([e.identity for e in entries], np.int64),
        np.array([e.camera for e in entries], np.int64),
        names,
    )


def join_crops(sets: Iterable[Crops]) -> Crops:
    """A mixture: identities and cameras of the later sets are shifted so that none of two sets is the same."""
    parts: list[Crops] = []
    identity_from = camera_from = 0
    for number, crops in enumerate(sets):
        known = crops.identities >= 0
        identities = np.where(known, crops.identities + identity_from, -1)
        cameras = np.where(crops.cameras >= 0, crops.cameras + camera_from, -1)
        identity_from = max(identity_from, int(identities.max(initial=-1)) + 1)
        camera_from = max(camera_from, int(cameras.max(initial=-1)) + 1)
        parts.append(Crops(crops.pixels, identities, cameras, tuple(f"{number}/{n}" for n in crops.names)))
    return Crops(
        np.concatenate([p.pixels for p in parts]),
        np.concatenate([p.identities for p in parts]),
        np.concatenate([p.cameras for p in parts]),
        tuple(n for p in parts for n in p.names),
    )


def hold_out(crops: Crops, identities: int) -> tuple[Crops, Crops]:
    """Split off the last `identities` identities in sorted order: (training, validation), no identity in both.

    Raises:
        InputError: there are not more identities than that.
    """
    known = np.unique(crops.identities[crops.identities >= 0])
    if identities >= len(known):
        raise InputError(f"cannot hold out {identities} of {len(known)} identities: lower `validation_identities`")
    held = np.isin(crops.identities, known[len(known) - identities :])
    return crops.take(~held), crops.take(held)


def read_people(source: Path, size_hw: tuple[int, int], min_height_px: int = 56, context: float = 0.0) -> Crops:
    """Cut people out of pictures: crops without identities, for the teacher's targets only.

    Boxes lower than `min_height_px`, crowds, people more than two thirds hidden, and boxes far from the shape of a
    standing person (height over width outside 1.2 to 5) are left out. The boxes are resized to `size_hw`; `context`
    shows that share of the box beyond it on every side, the edge of the picture repeated where there is nothing.

    Args:
        source: a COCO detection JSON, or a folder of MOTChallenge sequences (`img1`, `gt/gt.txt`).
        size_hw: of the boxes.
        min_height_px: in the picture.
        context: share of the box.

    Raises:
        InputError: the source or a picture cannot be read, or no box is left.
    """
    found = _people_in_sequences(source) if source.is_dir() else _coco(source)[1]
    height, width = (side + 2 * round(side * context) for side in size_hw)
    pixels: list[np.ndarray] = []
    names: list[str] = []
    for path, boxes in found.items():
        kept = [(x, y, w, h) for x, y, w, h in boxes if h >= min_height_px and w >= 8 and 1.2 <= h / w <= 5.0]
        picture = _read(path) if kept else None
        for x, y, w, h in kept:
            assert picture is not None
            pixels.append(resize(cut_wide(picture, (x, y, w, h), context), height, width))
            names.append(f"{path.relative_to(_root(source))}@{round(x)},{round(y)},{round(w)},{round(h)}")
    if not pixels:
        raise InputError(f"{source} has no person of at least {min_height_px} px")
    nobody = np.full(len(pixels), -1, np.int64)
    return Crops(np.stack(pixels), nobody, nobody.copy(), tuple(names), context)


def read_places(source: Path, count: int, size_hw: tuple[int, int], rng: np.random.Generator, context: float) -> Crops:
    """Cut anything out of the pictures of a COCO detection JSON: crops of nobody in particular, shaped like a person's.

    Args:
        source: the JSON; pictures without people count too.
        count: how many.
        size_hw: of the boxes, as in `read_people`.
        rng: picks pictures, places and sizes.
        context: as in `read_people`.

    Raises:
        InputError: the source or a picture cannot be read, or there is none.
    """
    files, _ = _coco(source)
    if not files:
        raise InputError(f"{source} lists no picture")
    height, width = (side + 2 * round(side * context) for side in size_hw)
    pixels, names = np.empty((count, height, width, 3), np.uint8), list[str]()
    for i, times in zip(*np.unique(rng.integers(len(files), size=count), return_counts=True), strict=True):
        picture = _read(files[i])
        tall, wide = picture.shape[:2]
        for _ in range(times):
            h = float(np.exp(rng.uniform(np.log(min(48, tall)), np.log(tall))))
            w = min(h / rng.uniform(1.5, 3.2), wide)
            x, y = rng.uniform(0, wide - w), rng.uniform(0, tall - h)
            pixels[len(names)] = resize(cut_wide(picture, (x, y, w, h), 0.0), height, width)
            names.append(f"{files[i].relative_to(source.parent)}@{x:.1f},{y:.1f},{w:.1f},{h:.1f}")
    nobody = np.full(count, -1, np.int64)
    return Crops(pixels, nobody, nobody.copy(), tuple(names), context)


def _root(source: Path) -> Path:
    return source if source.is_dir() else source.parent


def _coco(path: Path) -> tuple[list[Path], dict[Path, list[list[float]]]]:
    """All pictures of a detection JSON, and the boxes (x, y, w, h) of people in those that have any."""
    try:
        listing = json.loads(path.read_text(encoding="utf-8"))
        files = {p["id"]: path.parent / p["file_name"] for p in listing["images"]}
        wanted = [(files[a["image_id"]], a["bbox"]) for a in listing["annotations"] if not a.get("iscrowd", 0)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is not a COCO detection file: {error!r}") from error
    by_file: dict[Path, list[list[float]]] = {}
    for name, box in wanted:
        by_file.setdefault(name, []).append(box)
    return list(files.values()), by_file


def _people_in_sequences(folder: Path) -> dict[Path, list[list[float]]]:
    """Boxes of class 1 (pedestrian) that count and are visible to a third, in those frames that there are."""
    by_file: dict[Path, list[list[float]]] = {}
    for truth in sorted(folder.glob("*/gt/gt.txt")):
        try:
            rows = np.loadtxt(truth, delimiter=",", ndmin=2)
            rows = rows[(rows[:, 6] == 1) & (rows[:, 7] == 1) & (rows[:, 8] >= 1 / 3)]
        except (ValueError, IndexError) as error:
            raise InputError(f"{truth} is not MOTChallenge ground truth: {error}") from error
        for path in _pictures(truth.parent.parent / "img1"):
            by_file[path] = rows[rows[:, 0] == int(path.stem), 2:6].tolist()
    return by_file


def cut_wide(picture: np.ndarray, box: tuple[float, float, float, float], context: float) -> np.ndarray:
    """The box (x, y, w, h) and `context` of its sides around it; beyond the picture its edge is repeated."""
    x, y, w, h = box
    rows = np.arange(round(y - context * h), max(round(y + (1 + context) * h), round(y) + 1))
    columns = np.arange(round(x - context * w), max(round(x + (1 + context) * w), round(x) + 1))
    height, width = picture.shape[:2]
    return picture[np.clip(rows, 0, height - 1)[:, None], np.clip(columns, 0, width - 1)]


def read_picture(path: Path, size_hw: tuple[int, int]) -> np.ndarray:
    """One picture as (H, W, 3) uint8 BGR; grey pictures get three equal channels.

    Raises:
        InputError: the file is not a picture.
    """
    return resize(_read(path), *size_hw)


def _read(path: Path) -> np.ndarray:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR) if path.is_file() else None
    if picture is None:
        raise InputError(f"{path} is not a picture that can be read: remove it, or repair the file")
    return picture


def _pictures(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in PICTURES)


def _named(folder: Path, pattern: re.Pattern[str]) -> list[_Entry]:
    """Entries of files whose name begins with identity and camera, the first two groups of `pattern`."""
    found = ((p, pattern.match(p.name)) for p in _pictures(folder))
    return [_Entry(p, int(m.group(1)), int(m.group(2))) for p, m in found if m]


def _market1501(folder: Path) -> list[_Entry]:
    return _named(folder, MARKET_NAME)


def _mars(folder: Path) -> list[_Entry]:
    return _named(folder, MARS_NAME)


def _msmt17(folder: Path) -> list[_Entry]:
    """`iiii_nnn_cc_*`: identity, picture number, camera. Identities start at 0 in this set."""
    found = ((p, MSMT17_NAME.match(p.name)) for p in _pictures(folder))
    return [_Entry(p, int(m.group(1)), int(m.group(3))) for p, m in found if m]


def _cuhk03(folder: Path) -> list[_Entry]:
    """`pair_person_camera_picture`, the usual unpacking: a person is a pair of cameras and a number in it."""
    found = ((p, CUHK03_NAME.match(p.name)) for p in _pictures(folder))
    return [_Entry(p, int(m.group(1)) * 10_000 + int(m.group(2)), int(m.group(3))) for p, m in found if m]


def _folders(folder: Path) -> list[_Entry]:
    """One folder per identity, in sorted order; no camera is known."""
    people = sorted(p for p in folder.iterdir() if p.is_dir())
    return [_Entry(picture, number, -1) for number, person in enumerate(people) for picture in _pictures(person)]


def _csv(table: Path) -> list[_Entry]:
    """Columns `path,identity,camera`; paths are relative to the table, the camera may be left empty."""
    with table.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    if not rows or not {"path", "identity"} <= set(rows[0]):
        raise InputError(f"{table} needs a header with the columns path, identity and (optionally) camera")
    numbers = {name: i for i, name in enumerate(sorted({r["identity"] for r in rows}))}
    cameras = {name: i for i, name in enumerate(sorted({r.get("camera") or "" for r in rows} - {""}))}
    return [
        _Entry(table.parent / r["path"], numbers[r["identity"]], cameras.get(r.get("camera") or "", -1)) for r in rows
    ]
