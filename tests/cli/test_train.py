from __future__ import annotations

import importlib.util
import sys

import pytest

from perdure import cli
from perdure.cli import train
from perdure.errors import ConfigError


@pytest.mark.parametrize("what", ["detector", "teach", "embedder"])
def test_a_missing_configuration_is_one_sentence(what, tmp_path, capsys, monkeypatch):
    pytest.importorskip("torch", reason="needs perdure[train]")
    monkeypatch.setattr(sys, "argv", ["perdure", "train", what, "--config", str(tmp_path / "no.yaml")])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 2
    err = capsys.readouterr().err
    assert "no.yaml" in err
    assert "Traceback" not in err


def test_without_torch_it_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'perdure\[train\]'"):
        train.detector(tmp_path / "x.yaml")
