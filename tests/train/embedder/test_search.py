"""A search among small shapes on synthetic people."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
import yaml

torch = pytest.importorskip("torch")

from perdure.errors import ConfigError, InputError  # noqa: E402
from perdure.train.embedder import search as module  # noqa: E402

SMALL = {"stem": 8, "widths": [8, 16], "depths": [1, 1], "parts": 0, "dim": 8}
LARGE = {"stem": 32, "widths": [96, 192], "depths": [3, 3], "parts": 0, "dim": 8}


@pytest.fixture
def base(tmp_path):
    folder = tmp_path / "people"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for person in range(1, 9):
        colour = rng.integers(30, 220, 3)
        for camera in (1, 2):
            for k in range(2):
                crop = np.clip(colour + rng.normal(0, 6, (32, 16, 3)), 0, 255).astype(np.uint8)
                cv2.imwrite(str(folder / f"{person:04d}_c{camera}s1_{k:06d}_00.png"), crop)
    return {
        "name": "tiny",
        "labelled": [{"layout": "market1501", "path": str(folder)}],
        "validation_identities": 3,
        "size_hw": [32, 16],
        "source_hw": [32, 16],
        "people_per_batch": 3,
        "crops_per_person": 2,
        "phases": [{"name": "clean", "epochs": 1}],
        "validate_every": 5,
        "folder": str(tmp_path / "out"),
    }


def _file(tmp_path, base, **changes):
    content = {"base": base, "candidates": [LARGE, SMALL], "repeats": 3, "proxy": {"name": "proxy", "epochs": 1}}
    path = tmp_path / "search.yaml"
    path.write_text(yaml.safe_dump(content | changes))
    return path


def test_only_candidates_within_the_budget_are_trained_and_the_best_come_first(tmp_path, base, monkeypatch):
    monkeypatch.setattr(module, "median_ms", lambda sessions, repeats: [5.0, 1.0])
    monkeypatch.setattr(module, "export_onnx", lambda *_: None)
    monkeypatch.setattr(module, "open_on_one_thread", lambda _: None)
    found = module.search(_file(tmp_path, base, budget_ms=2.0))
    assert [c.shape.stem for c in found] == [8, 32]
    assert found[0].mean_ap is not None
    assert found[1].mean_ap is None
    kept = json.loads((tmp_path / "out" / "tiny-search.json").read_text())
    assert kept["budget_ms"] == 2.0
    assert kept["candidates"][0]["milliseconds"] == 1.0


def test_the_budget_may_be_a_share_of_another_network(tmp_path, base):
    from perdure.train.embedder.config import parse
    from perdure.train.embedder.export import export_onnx
    from perdure.train.embedder.nets import BodyNet, NetShape

    net = BodyNet(NetShape(stem=64, widths=(128, 256), depths=(4, 4), parts=0, dim=8)).eval()
    export_onnx(net, (32, 16), tmp_path / "big.onnx", torch.rand(2, 3, 32, 16) * 255)
    path = _file(tmp_path, base, reference=str(tmp_path / "big.onnx"), share=0.5)
    candidates, budget = module.times(parse(module.SearchConfig, path))
    large, small = candidates
    assert large.milliseconds > small.milliseconds > 0
    assert budget > small.milliseconds
    assert large.parameters > 10 * small.parameters


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({}, ConfigError, "one of them"),
        ({"budget_ms": 1.0, "reference": "x.onnx"}, ConfigError, "one of them"),
        ({"budget_ms": 1e-6}, ConfigError, "no candidate is within"),
        ({"reference": "gone.onnx"}, InputError, "gone.onnx"),
        ({"budget_ms": 1.0, "candidates": [SMALL]}, ConfigError, "candidates"),
    ],
)
def test_a_search_that_cannot_be_made_is_told(tmp_path, base, monkeypatch, changes, error, said):
    monkeypatch.setattr(module, "export_onnx", lambda *_: None)
    opened = module.open_on_one_thread
    monkeypatch.setattr(module, "open_on_one_thread", lambda path: opened(path) if path.name == "gone.onnx" else None)
    monkeypatch.setattr(module, "median_ms", lambda sessions, repeats: [5.0, 1.0])
    with pytest.raises(error, match=said):
        module.search(_file(tmp_path, base, **changes))
