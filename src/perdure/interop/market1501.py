"""The layout of Market-1501: one folder of crops named by person, camera, sequence and frame.

``pppp_cCsS_FFFFFF_NN.jpg``, in ``bounding_box_train/``, and held-out people in ``query/`` (one picture for each person
and camera) and ``bounding_box_test/`` (Zheng et al., "Scalable person re-identification: a benchmark", ICCV 2015).
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from perdure.errors import StoreError

TRAIN, QUERY, TEST = "bounding_box_train", "query", "bounding_box_test"


@dataclass(frozen=True, slots=True)
class Crop:
    """One picture of one person."""

    source: Path
    person: int
    """From 1."""
    camera: int
    """From 1."""
    sequence: int
    """From 1."""
    frame: int


def name_of(crop: Crop, number: int) -> str:
    """Its file name; ``number`` tells crops apart that are alike in everything else."""
    return f"{crop.person:04d}_c{crop.camera}s{crop.sequence}_{crop.frame:06d}_{number:02d}.jpg"


def write(out: Path, crops: Sequence[Crop], held_out: Collection[int] = ()) -> dict[str, int]:
    """Copy crops to where they belong; how many went into each folder.

    Args:
        out: exists.
        crops: in the order in which they are numbered.
        held_out: people who are not trained on.

    Raises:
        StoreError: a picture cannot be read or written.
    """
    counts = dict.fromkeys((TRAIN, QUERY, TEST) if held_out else (TRAIN,), 0)
    for folder in counts:
        (out / folder).mkdir(parents=True, exist_ok=True)
    asked: set[tuple[int, int]] = set()
    used: set[tuple[int, int, int, int, int]] = set()
    for crop in crops:
        folder = TRAIN
        if crop.person in held_out:
            place = crop.person, crop.camera
            folder = TEST if place in asked else QUERY
            asked.add(place)
        key, number = (crop.person, crop.camera, crop.sequence, crop.frame), 1
        while (*key, number) in used:
            number += 1
        used.add((*key, number))
        try:
            shutil.copyfile(crop.source, out / folder / name_of(crop, number))
        except OSError as error:
            raise StoreError(f"cannot copy {crop.source} to {out / folder}: {error.strerror}") from error
        counts[folder] += 1
    return counts
