from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from perdure.cli.eval import app
from perdure.errors import ConfigError, InputError, PerdureError


def output(*arguments: str) -> str:
    found = CliRunner().invoke(app, list(arguments), catch_exceptions=False, env={"COLUMNS": "120"})
    assert found.exit_code == 0, found.output
    return found.stdout


@pytest.fixture
def npz(tmp_path: Path) -> Path:
    """40 people, easily told apart, two pictures in each of three cameras."""
    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(1, 41), 6)
    vectors = rng.normal(size=(41, 16))[person] + 0.3 * rng.normal(size=(240, 16))
    path = tmp_path / "some.npz"
    np.savez(path, vectors=vectors.astype(np.float32), person=person, camera=np.tile([0, 0, 1, 1, 2, 2], 40))
    return path


def test_retrieval_from_an_npz_as_table_json_and_page(npz: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    table = output("retrieval", "--embeddings", str(npz), "--rerank", "all", "--html", str(page))
    assert "ca-jaccard" in table
    assert "<svg" in page.read_text()
    exact = json.loads(output("retrieval", "--embeddings", str(npz), "--json"))
    assert exact["queries"] == 120
    assert exact["rerank"]["none"]["rank-1"] > 0.95
    assert exact["rerank"]["none"]["queries_counted"] == 120
    few = json.loads(output("retrieval", "--embeddings", str(npz), "--last-people", "10", "--json"))
    assert (few["queries"], few["gallery"]) == (30, 60)


def test_retrieval_of_a_folder_with_the_built_in_baseline(tmp_path: Path) -> None:
    folder = tmp_path / "crops"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for person in (1, 2, 3):
        coat, trousers = rng.integers(30, 220, 3), rng.integers(30, 220, 3)
        for camera in (1, 2):
            image = np.vstack([np.full((64, 64, 3), coat), np.full((64, 64, 3), trousers)]).astype(np.uint8)
            cv2.imwrite(str(folder / f"{person:04d}_c{camera}s1_{camera:06d}_00.png"), image)
    kept = tmp_path / "kept.npz"
    options = ["retrieval", "--data", str(folder), "--json"]
    exact = json.loads(output(*options, "--embedder", "baseline", "--save", str(kept)))
    assert exact["rerank"]["none"]["rank-1"] == 1
    again = json.loads(output(*options, "--embeddings", str(kept)))
    assert again == exact


def test_openset_from_an_npz(npz: Path) -> None:
    exact = json.loads(output("openset", "--embeddings", str(npz), "--dealings", "2", "--json"))
    assert exact["operating_points"][-1]["tpir"] > 0.9
    assert "as the gallery grows" in output("openset", "--embeddings", str(npz), "--dealings", "2").lower()


def test_simulator_from_an_npz(npz: Path) -> None:
    exact = json.loads(output("simulator", "--embeddings", str(npz), "--json"))
    assert exact["scores"]["same person, other camera"]["gap_simulated"] < 0.3


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ([], ConfigError, "give --data"),
        (["--embedder", "baseline", "--embeddings", "x.npz"], ConfigError, "not both"),
        (["--embeddings", "absent.npz"], InputError, "absent.npz"),
        (["--data", "absent"], InputError, "no data set at absent"),
    ],
)
def test_mistakes_are_named(options: list[str], error: type[PerdureError], message: str) -> None:
    with pytest.raises(error, match=message):
        output("retrieval", *options)
