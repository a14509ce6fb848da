from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perdure.cli.models import app
from perdure.errors import ModelError
from perdure.models import catalogue

RUNNER = CliRunner()


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An ONNX file with its card beside it, on a machine with nothing but the package."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("PERDURE_MODELS", raising=False)
    monkeypatch.setattr(catalogue, "folders", lambda: [catalogue.PACKAGE, catalogue.user_folder()])
    content = b"network"
    card = {
        "name": "mine",
        "task": "embedder",
        "file": "mine.onnx",
        "sha256": hashlib.sha256(content).hexdigest(),
        "size_bytes": len(content),
        "input": {"tensor": "images", "height": 64, "width": 32, "colour": "rgb", "fit": "stretch"},
        "output": {"decoder": "vector", "vector": "out", "dim": 8},
        "licence": "Apache-2.0",
        "source": "this test",
        "trained_on": "nothing",
        "limits": ["knows nobody"],
    }
    (tmp_path / "mine.onnx").write_bytes(content)
    (tmp_path / "mine.card.json").write_text(json.dumps(card))
    return tmp_path / "mine.onnx"


def added(mine: Path) -> None:
    result = RUNNER.invoke(app, ["add", str(mine), "--card", str(mine.with_suffix(".card.json"))])
    assert result.exit_code == 0, result.output
    assert "added mine (embedder)" in result.output


def test_list_tells_what_is_here_and_what_auto_takes(mine: Path) -> None:
    added(mine)
    rows = RUNNER.invoke(app, ["list"], env={"COLUMNS": "200"}).output.splitlines()
    (ours,) = [row for row in rows if "perdure-det" in row]
    assert "perdure-det *" in ours
    assert "yes" in ours
    assert "no" in next(row for row in rows if "yolox-nano" in row)
    assert any("mine" in row and "yes" in row for row in rows)


def test_list_as_json_holds_every_card(mine: Path) -> None:
    told = json.loads(RUNNER.invoke(app, ["list", "--json"]).output)
    assert [card["name"] for card in told] == [card.name for card in catalogue.cards()]
    assert next(card["path"] for card in told if card["name"] == "yolox-nano") is None


def test_a_damaged_card_is_told_beside_the_list(mine: Path) -> None:
    added(mine)
    (catalogue.user_folder() / "hurt.card.json").write_text("{")
    result = RUNNER.invoke(app, ["list"])
    assert result.exit_code == 0
    assert "hurt.card.json is not JSON" in result.stderr


def test_info_tells_the_whole_card_even_without_the_file(mine: Path) -> None:
    result = RUNNER.invoke(app, ["info", "osnet-x0.25-msmt17"], env={"COLUMNS": "200"})
    for word in ("MSMT17", "sha256", "0.485, 0.456, 0.406", "slope", "not here"):
        assert word in result.output
    told = json.loads(RUNNER.invoke(app, ["info", str(mine), "--json"]).output)
    assert [card["name"] for card in told] == ["mine"]
    assert {"detector", "embedder"} == {
        c["task"] for c in json.loads(RUNNER.invoke(app, ["info", "baseline", "--json"]).output)
    }


def test_info_of_an_unknown_name_is_a_model_error(mine: Path) -> None:
    assert isinstance(RUNNER.invoke(app, ["info", "nobody"]).exception, ModelError)


def test_verify_finds_a_changed_file(mine: Path) -> None:
    added(mine)
    assert "mine: ok" in RUNNER.invoke(app, ["verify", "mine"]).output
    (catalogue.user_folder() / "mine.onnx").write_bytes(b"changed")
    result = RUNNER.invoke(app, ["verify"])
    assert result.exit_code == 2
    assert "perdure-det: ok" in result.output
    assert "has sha256" in result.output
    told = json.loads(RUNNER.invoke(app, ["verify", "mine", "--json"]).output)
    assert "get it again" in told["mine"]


def test_verify_of_a_missing_file_says_where_to_get_it(mine: Path) -> None:
    result = RUNNER.invoke(app, ["verify", "yolox-nano"])
    assert result.exit_code == 2
    assert "Get it: " in result.output
