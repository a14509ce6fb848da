from __future__ import annotations

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from perdure.errors import StoreError
from perdure.simulate.material import MOST_TOGETHER, Material, _scenes, _spread, render_material
from perdure.simulate.plan import Plan
from perdure.simulate.reading import parse
from perdure.train.detector.data import read_coco
from perdure.train.embedder.data import read_crops


@pytest.fixture(scope="module")
def tiny(tiny_text: str) -> Plan:
    return parse(tiny_text.replace("width: 128, height: 96", "width: 256, height: 192"))


@pytest.fixture(scope="module")
def made(tiny: Plan, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Material]:
    out = tmp_path_factory.mktemp("material")
    return out, render_material(tiny, out, people=6, scenes_each=3)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_same_seed_same_bytes_and_another_seed_others(tiny: Plan, made: tuple[Path, Material], tmp_path: Path) -> None:
    assert render_material(tiny, tmp_path / "again", people=6, scenes_each=3) == made[1]
    assert files(tmp_path / "again") == files(made[0])
    render_material(tiny, tmp_path / "other", people=6, scenes_each=3, seed=1)
    assert files(tmp_path / "other") != files(made[0])


def test_both_trainings_read_it(made: tuple[Path, Material]) -> None:
    out, told = made
    crops = read_crops("market1501", out / "crops", (64, 32))
    assert len(crops) == told.crops >= 6
    assert set(crops.identities) <= set(range(1, 7))
    assert set(crops.cameras) <= {1, 2}
    pictures = read_coco(out / "labels.json")
    assert len(pictures) == told.pictures
    assert {picture.subset for picture in pictures} == {"rendered"}
    assert all(cv2.imread(str(picture.path)).shape == (192, 256, 3) for picture in pictures)
    assert sum(len(picture.boxes) for picture in pictures) >= told.crops


def test_a_crop_is_its_box_in_its_picture(made: tuple[Path, Material]) -> None:
    out, _ = made
    listing = json.loads((out / "labels.json").read_text(encoding="utf-8"))
    for crop in sorted((out / "crops").iterdir()):
        found = re.fullmatch(r"\d{4}_c(\d)s1_(\d{6})_01\.jpg", crop.name)
        assert found
        name = f"pictures/{'ab'[int(found[1]) - 1]}-{found[2]}.jpg"
        (picture,) = [image for image in listing["images"] if image["file_name"] == name]
        whole, part = (cv2.imread(str(path)).astype(int) for path in (out / name, crop))
        boxes = [a["bbox"] for a in listing["annotations"] if a["image_id"] == picture["id"] and not a["iscrowd"]]
        cuts = [whole[round(y) : round(y + h), round(x) : round(x + w)] for x, y, w, h in boxes]
        assert min(np.abs(cut - part).mean() for cut in cuts if cut.shape == part.shape) < 5


def test_everybody_is_in_as_many_scenes_in_other_company() -> None:
    scenes = list(_scenes(20, 4, np.random.default_rng(0)))
    people, counts = np.unique(np.concatenate(scenes), return_counts=True)
    assert people.tolist() == list(range(1, 21))
    assert set(counts) == {4}
    assert max(map(len, scenes)) <= MOST_TOGETHER
    assert all(len(set(scene)) == len(scene) for scene in scenes)


def test_people_stand_apart_where_there_is_room() -> None:
    places = np.stack(np.meshgrid(np.arange(0, 4, 0.25), np.arange(0, 4, 0.25)), -1).reshape(-1, 2)
    spread = _spread(places, 6, np.random.default_rng(1))
    apart = np.hypot(*(spread[:, None] - spread).transpose(2, 0, 1))[np.triu_indices(6, 1)]
    assert apart.min() > 0.45
    assert len(_spread(places[:1], 3, np.random.default_rng(1))) == 3


def test_a_folder_that_cannot_be_written_is_said(tiny: Plan, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot write to"):
        render_material(tiny, tmp_path / "file", people=1, scenes_each=1)
