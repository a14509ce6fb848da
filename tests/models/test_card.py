from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from perdure.errors import ModelError
from perdure.models import card as card_module
from perdure.models.card import Card, read_card
from perdure.models.catalogue import CARDS

PACKAGED = sorted(CARDS.glob("*.json"))
EMBEDDER: dict[str, Any] = {
    "name": "tiny",
    "task": "embedder",
    "file": "tiny.onnx",
    "sha256": "0" * 64,
    "size_bytes": 10,
    "input": {"tensor": "images", "height": 64, "width": 32, "colour": "rgb", "fit": "stretch"},
    "output": {"decoder": "vector", "vector": "out", "dim": 8},
    "licence": "Apache-2.0",
    "source": "here",
    "trained_on": "nothing",
}
DETECTOR: dict[str, Any] = {
    **EMBEDDER,
    "task": "detector",
    "input": {"tensor": "images", "colour": "bgr", "fit": "rectangle"},
    "output": {"decoder": "yolox", "tensors": ["out"]},
}


def changed(base: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    content = copy.deepcopy(base)
    at = content
    *path, last = key.split(".")
    for part in path:
        at = at[part]
    if value is None:
        del at[last]
    else:
        at[last] = value
    return content


def written(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "mine.card.json"
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize("path", PACKAGED, ids=lambda path: path.stem)
def test_every_packaged_card_is_sound_and_named_as_its_file(path: Path) -> None:
    card = read_card(path)
    assert path.stem in (card.name, f"{card.name}-{card.task}")
    assert card.limits, "a card says where its model fails"
    assert card.where_to_get


def test_the_packaged_cards_name_each_model_once() -> None:
    keys = [(card.task, card.name) for card in map(read_card, PACKAGED)]
    assert len(keys) == len(set(keys))


def test_every_field_is_described() -> None:
    parts = [part for part in vars(card_module).values() if isinstance(part, type) and issubclass(part, BaseModel)]
    assert len(parts) > 5
    for part in parts:
        for name, field in part.model_fields.items():
            assert field.description, f"{part.__name__}.{name}"


def test_the_page_tells_every_key() -> None:
    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
    for part in vars(card_module).values():
        if isinstance(part, type) and issubclass(part, BaseModel):
            for name in part.model_fields:
                assert f"`{name}`" in page, f"docs/models.md does not tell {part.__name__}.{name}"


@pytest.mark.parametrize("base", [EMBEDDER, DETECTOR])
def test_a_card_survives_the_file(tmp_path: Path, base: dict[str, Any]) -> None:
    card = Card.model_validate(base)
    path = tmp_path / "again.json"
    path.write_text(card.model_dump_json())
    assert read_card(path) == card


@pytest.mark.parametrize(
    ("base", "key", "value", "told"),
    [
        (EMBEDDER, "colour_order", "rgb", "unknown key 'colour_order'"),
        (EMBEDDER, "input.depth", 3, "unknown key 'input.depth'"),
        (EMBEDDER, "output.vektor", "x", "unknown key 'output.vektor'"),
        (EMBEDDER, "licence", None, "licence: Field required"),
        (EMBEDDER, "output.dim", 1, "output.dim: "),
        (EMBEDDER, "output.decoder", "magic", "output: "),
        (EMBEDDER, "input.colour", "BGR", "input.colour: "),
        (EMBEDDER, "input.std", [1.0, 0.0, 1.0], "input: Value error, every std must be above 0"),
        (EMBEDDER, "input.width", None, "both fixed or both free"),
        (EMBEDDER, "sha256", "abc", "sha256: "),
        (EMBEDDER, "sha256", None, "needs its sha256"),
        (EMBEDDER, "output", None, "needs input and output"),
        (EMBEDDER, "task", "detector", "is not one of a detector"),
        (EMBEDDER, "name", "Not A Name", "name: "),
        (DETECTOR, "input.fit", "letterbox", "needs a free height and width"),
        (DETECTOR, "output.person_class", 1, "person_class 1 is not among 1 classes"),
        (DETECTOR, "output.decoder", "ssd-boxes", "reads 2 tensor(s), the card names 1"),
    ],
)
def test_what_is_wrong_is_told_with_card_and_key(
    tmp_path: Path, base: dict[str, Any], key: str, value: Any, told: str
) -> None:
    path = written(tmp_path, changed(base, key, value))
    with pytest.raises(ModelError) as caught:
        read_card(path)
    assert told in str(caught.value)
    assert str(path) in str(caught.value)


def test_no_file_and_no_json(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot read the card"):
        read_card(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(ModelError, match="is not JSON"):
        read_card(tmp_path / "bad.json")
    with pytest.raises(ModelError, match="valid dictionary"):
        read_card(written(tmp_path, [1]))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"told": [0.0, 0.5]}, "same number of points"),
        ({"told": [0.1, 0.5, 0.7]}, "starts at 0 and rises"),
        ({"told": [0.0, 0.5, 0.5]}, "starts at 0 and rises"),
        ({"first": [0.0, 0.9, 0.8]}, "never falls"),
        ({"first": [0.0, 0.9, 1.1]}, "in .0, 1."),
        ({"error": 1.5}, "less than or equal to 1"),
    ],
)
def test_a_scale_of_quality_rises(change: dict[str, object], told: str) -> None:
    block = {
        "told": [0.0, 0.5, 0.7],
        "first": [0.0, 0.8, 0.9],
        "identities": 50,
        "error": 0.03,
        "fitted_on": "x",
        "source": "y",
    }
    assert Card.model_validate({**EMBEDDER, "quality": block}).quality is not None
    with pytest.raises(ValidationError, match=told):
        Card.model_validate({**EMBEDDER, "quality": {**block, **change}})


CALIBRATED: dict[str, object] = {
    "slope": 20.0,
    "offset": -12.0,
    "impostor_mean": 0.4,
    "impostor_std": 0.1,
    "threshold": 0.7,
    "fitted_on": "x",
    "same_pairs": 1,
    "different_pairs": 1,
    "source": "y",
}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"gain": [0.5, 1.0]}, "same number of points"),
        ({"quality": [0.5, 0.5, 0.9]}, "in .0, 1. and rises"),
        ({"quality": [0.5, 0.9, 1.1]}, "in .0, 1. and rises"),
        ({"gain": [0.0, 0.7, 1.0]}, "gain is above 0"),
        ({"shift": [0.2, 0.1, 0.1]}, "shift 0"),
        ({"same": [0.1, 1.2, 1.0]}, "same lies in"),
    ],
)
def test_what_poor_pictures_are_worth_ends_at_the_usual_ones(change: dict[str, object], told: str) -> None:
    poor = {"quality": [0.3, 0.6, 0.9], "gain": [0.5, 0.7, 1.0], "shift": [0.2, 0.1, 0.0], "same": [0.1, 0.4, 1.0]}
    card = Card.model_validate({**EMBEDDER, "calibration": {**CALIBRATED, "poor": poor}})
    assert card.calibration is not None
    assert card.calibration.poor is not None
    with pytest.raises(ValidationError, match=told):
        Card.model_validate({**EMBEDDER, "calibration": {**CALIBRATED, "poor": {**poor, **change}}})


def test_a_calibration_says_where_it_comes_from() -> None:
    block = dict(CALIBRATED)
    calibration = Card.model_validate({**EMBEDDER, "calibration": block}).calibration
    assert calibration is not None
    assert calibration.threshold == 0.7
    del block["source"]
    with pytest.raises(ValidationError, match="source"):
        Card.model_validate({**EMBEDDER, "calibration": block})
