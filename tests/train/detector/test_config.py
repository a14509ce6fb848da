"""The configuration file of a training."""

from __future__ import annotations

from pathlib import Path

import pytest

from perdure.errors import ConfigError
from perdure.train.detector.config import read_config

GOOD = "parent: a.onnx\ntrain: b.json\nval: c.json\nout: d\n"


def test_only_the_paths_are_needed(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(GOOD + "sizes: [[288, 512], [320, 320]]\n")
    config = read_config(tmp_path / "t.yaml")
    assert config.sizes == ((288, 512), (320, 320))
    assert config.parent == Path("a.onnx")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (GOOD + "epoch: 3\n", "epoch"),
        (GOOD + "lr: -1\n", "lr"),
        ("parent: a.onnx\n", "train"),
        (GOOD + "sizes: [[300, 512]]\n", "multiples of 32"),
        (GOOD + "plain_sizes: []\n", "plain_sizes: none"),
        (GOOD + "frozen: [neck]\n", "frozen"),
        ("a: [", "not YAML"),
        ("", "the file"),
    ],
)
def test_a_mistake_is_told_by_its_key(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "t.yaml").write_text(text)
    with pytest.raises(ConfigError, match=told):
        read_config(tmp_path / "t.yaml")


def test_paths_may_name_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACE", "somewhere")
    (tmp_path / "t.yaml").write_text(GOOD.replace("b.json", "${PLACE}/b.json"))
    assert read_config(tmp_path / "t.yaml").train == Path("somewhere/b.json")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml"):
        read_config(tmp_path / "none.yaml")
