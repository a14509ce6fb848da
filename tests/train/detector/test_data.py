"""COCO labels in, pictures out, and clear errors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from perdure.errors import InputError
from perdure.train.detector.data import read_coco, read_image


def write(path: Path, **changes: object) -> Path:
    told = {
        "images": [{"id": 7, "file_name": "street/a.png", "width": 100, "height": 80}],
        "annotations": [
            {"image_id": 7, "bbox": [-5, 10, 25, 40], "iscrowd": 0},
            {"image_id": 7, "bbox": [50, 50, 90, 90], "iscrowd": 1},
            {"image_id": 7, "bbox": [99.8, 10, 30, 40], "iscrowd": 0},
        ],
    }
    path.write_text(json.dumps({**told, **changes}))
    return path


def test_people_regions_and_subset_are_read_and_clipped(tmp_path: Path) -> None:
    (picture,) = read_coco(write(tmp_path / "train.json"))
    assert picture.path == tmp_path / "street" / "a.png"
    assert picture.subset == "street"
    assert picture.boxes.tolist() == [[0, 10, 20, 50]]
    assert picture.ignore.tolist() == [[50, 50, 100, 80]]
    assert picture.boxes.dtype == np.float32


def test_pictures_may_lie_in_a_folder_of_the_files_name(tmp_path: Path) -> None:
    (tmp_path / "test").mkdir()
    (picture,) = read_coco(write(tmp_path / "test.json"))
    assert picture.path == tmp_path / "test" / "street" / "a.png"


def test_wrong_labels_are_told_by_name(tmp_path: Path) -> None:
    for broken in ({"annotations": [{"image_id": 99, "bbox": [0, 0, 1, 1]}]}, {"images": [{"id": 1}]}, {"images": 3}):
        with pytest.raises(InputError, match=r"broken\.json: not a COCO"):
            read_coco(write(tmp_path / "broken.json", **broken))
    (tmp_path / "text.json").write_text("not json")
    with pytest.raises(InputError, match=r"text\.json"):
        read_coco(tmp_path / "text.json")
    with pytest.raises(InputError, match="cannot read the labels"):
        read_coco(tmp_path / "absent.json")


def test_a_broken_picture_is_told_by_name(tmp_path: Path) -> None:
    (tmp_path / "half.jpg").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(InputError, match=r"half\.jpg"):
        read_image(tmp_path / "half.jpg")
