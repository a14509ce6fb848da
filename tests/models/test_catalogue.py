from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from perdure.errors import ModelError
from perdure.models import catalogue


def card_of(content: bytes, name: str = "tiny", file: str = "tiny.onnx") -> str:
    return json.dumps(
        {
            "name": name,
            "task": "embedder",
            "file": file,
            "sha256": hashlib.sha256(content).hexdigest(),
            "size_bytes": len(content),
            "input": {"tensor": "images", "height": 64, "width": 32, "colour": "rgb", "fit": "stretch"},
            "output": {"decoder": "vector", "vector": "out", "dim": 8},
            "licence": "Apache-2.0",
            "source": "here",
            "trained_on": "nothing",
        }
    )


def test_a_missing_file_tells_where_to_get_it_and_its_sha256(bare: Path) -> None:
    with pytest.raises(ModelError) as caught:
        catalogue.find("osnet-x0.25-msmt17")
    told = str(caught.value)
    card = next(card for card in catalogue.cards() if card.name == "osnet-x0.25-msmt17")
    assert card.sha256 is not None
    assert card.sha256 in told
    assert card.where_to_get in told
    assert "PERDURE_MODELS" in told


def test_the_folders_are_searched_in_order(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, beside = bare / "first", bare / "second", bare / "checkout" / "shared" / "models"
    package = catalogue.PACKAGE
    monkeypatch.setenv("PERDURE_MODELS", os.pathsep.join([str(first), str(second)]))
    expected = [package, first, second, catalogue.user_folder(), beside]
    assert catalogue.folders()[:5] == expected
    for folder in reversed(expected):
        folder.mkdir(parents=True)
        (folder / "yolox_nano.onnx").write_bytes(b"x")
        assert catalogue.find("yolox-nano")[1] == folder / "yolox_nano.onnx"


def test_a_source_checkout_looks_beside_itself(bare: Path) -> None:
    root = catalogue.PACKAGE.parents[2]
    assert root.parent / "shared" / "models" not in catalogue.folders()
    root.mkdir(parents=True, exist_ok=True)
    (root / "pyproject.toml").write_text("")
    assert catalogue.folders()[-1] == root.parent / "shared" / "models"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("yolox-nanoo", "did you mean 'yolox-nano'"),
        ("osnet", "did you mean 'osnet-x0.25-msmt17'?"),
        ("osnett", "did you mean 'osnet-x0.25-msmt17'?"),
        ("qqqq", "known: "),
        ("./nowhere.onnx", "no such model file"),
    ],
)
def test_an_unknown_name_lists_the_near_ones(bare: Path, name: str, told: str) -> None:
    with pytest.raises(ModelError, match=r"unknown model|no such") as caught:
        catalogue.find(name)
    assert told in str(caught.value)


def test_a_model_of_the_wrong_task_is_refused(bare: Path) -> None:
    with pytest.raises(ModelError, match=r"'yolox-nano' is for another task \(detector, not embedder\)") as caught:
        catalogue.find("yolox-nano", "embedder")
    assert "osnet-x0.25-msmt17" in str(caught.value)
    assert "retail-0013" not in str(caught.value)


def test_auto_is_our_model_where_its_file_is_in_the_package(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert catalogue.choose("auto", "detector") == "baseline"
    assert catalogue.choose("auto", "embedder") == "baseline"
    assert catalogue.choose("yolox-nano", "detector") == "yolox-nano"
    catalogue.PACKAGE.mkdir(parents=True)
    (catalogue.PACKAGE / "perdure_det.onnx").write_bytes(b"x")
    assert catalogue.choose("auto", "detector") == "perdure-det"
    assert catalogue.find("auto", "detector")[1] == catalogue.PACKAGE / "perdure_det.onnx"


def test_the_baselines_need_no_file(bare: Path) -> None:
    for task in ("detector", "embedder"):
        card, _ = catalogue.find("baseline", task)
        assert (card.task, card.file) == (task, None)
        assert "Weak" in " ".join(card.limits)


def test_a_file_takes_the_card_beside_it_or_that_of_its_content(bare: Path) -> None:
    file = bare / "mine.onnx"
    file.write_bytes(b"network")
    with pytest.raises(ModelError, match=r"has no card.*mine\.card\.json"):
        catalogue.find(str(file))
    (bare / "mine.json").write_text(card_of(b"network", "from-json"))
    assert catalogue.find(str(file))[0].name == "from-json"
    (bare / "mine.card.json").write_text(card_of(b"network", "from-card-json"))
    assert catalogue.find(str(file)) == (catalogue.read_card(bare / "mine.card.json"), file)
    with pytest.raises(ModelError, match=r"is for another task \(embedder, not detector\)"):
        catalogue.find(str(file), "detector")


def test_an_added_model_is_found_by_name_and_by_content(bare: Path) -> None:
    file, card = bare / "mine.onnx", bare / "mine.card.json"
    file.write_bytes(b"network")
    card.write_text(card_of(b"network"))
    added = catalogue.add(file, card)
    assert catalogue.find("tiny") == (added, catalogue.user_folder() / "tiny.onnx")
    card.unlink()
    assert catalogue.find(str(file)) == (added, file)


@pytest.mark.parametrize(
    ("content", "name", "told"),
    [(b"other..", "tiny", "sha256"), (b"longer content", "tiny", "bytes"), (b"network", "yolox-nano", "another name")],
)
def test_what_is_not_as_its_card_says_is_not_added(bare: Path, content: bytes, name: str, told: str) -> None:
    file, card = bare / "mine.onnx", bare / "mine.card.json"
    file.write_bytes(content)
    card.write_text(card_of(b"network", name))
    with pytest.raises(ModelError, match=told):
        catalogue.add(file, card)
    assert not catalogue.user_folder().exists()


def test_adding_needs_a_file_and_a_place(bare: Path) -> None:
    card = bare / "mine.card.json"
    card.write_text(card_of(b"network"))
    with pytest.raises(ModelError, match="no such file"):
        catalogue.add(bare / "none.onnx", card)
    (bare / "mine.onnx").write_bytes(b"network")
    (bare / "data").write_text("in the way")
    with pytest.raises(ModelError, match="cannot keep the model"):
        catalogue.add(bare / "mine.onnx", card)


def test_one_damaged_card_hides_no_other(bare: Path) -> None:
    catalogue.user_folder().mkdir(parents=True)
    (catalogue.user_folder() / "hurt.card.json").write_text("{")
    (catalogue.user_folder() / "tiny.card.json").write_text(card_of(b"network"))
    sound, broken = catalogue.read_cards()
    assert {"tiny", "yolox-nano"} <= {card.name for card in sound}
    assert len(broken) == 1
    with pytest.raises(ModelError, match=r"hurt\.card\.json is not JSON"):
        catalogue.find("hurt")


def test_verify_accepts_the_right_file_and_cards_without_one(bare: Path) -> None:
    file = bare / "tiny.onnx"
    file.write_bytes(b"network")
    (bare / "tiny.json").write_text(card_of(b"network"))
    catalogue.verify(*catalogue.find(str(file)))
    catalogue.verify(*catalogue.find("baseline", "embedder"))


def test_vectors_of_other_weights_of_a_name_are_told_apart(bare: Path) -> None:
    """A gallery that holds vectors of the weights before must not be compared with those of now."""
    folder = catalogue.user_folder()
    folder.mkdir(parents=True)
    (folder / "tiny.onnx").write_bytes(b"x")
    (folder / "tiny.card.json").write_text(json.dumps({**json.loads(card_of(b"x")), "weights": 2}))
    card, _ = catalogue.find("tiny")
    assert card.vectors == "tiny@2"
    assert catalogue.find("tiny@2")[0] == card
    with pytest.raises(ModelError, match="tiny@1, but the weights here are tiny@2"):
        catalogue.find("tiny@1")
