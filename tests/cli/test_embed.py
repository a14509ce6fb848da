"""perdure embed and perdure search on small pictures, with the embedder that needs no file."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from perdure.cli import app
from perdure.errors import InputError
from perdure.evaluate.embeddings import load

COLOURS = {"red": (0, 0, 200), "green": (0, 200, 0), "blue": (200, 0, 0)}


@pytest.fixture
def people(tmp_path):
    folder = tmp_path / "people"
    rng = np.random.default_rng(0)
    for number, (name, colour) in enumerate(COLOURS.items(), start=1):
        (folder / name).mkdir(parents=True)
        for camera in (1, 2):
            crop = np.full((80, 36, 3), colour) + rng.normal(0, 8, (80, 36, 3))
            path = folder / name / f"{number:04d}_c{camera}s1_000001_00.png"
            cv2.imwrite(str(path), np.clip(crop, 0, 255).astype(np.uint8))
    return folder


def _run(*words):
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=True)


def test_a_folder_becomes_an_npz_of_nobody_in_particular(people, tmp_path):
    done = _run("embed", people, "--out", tmp_path / "e.npz", "--embedder", "baseline")
    assert done.exit_code == 0, done.output
    made = load(tmp_path / "e.npz")
    assert len(made) == 6
    assert set(made.person.tolist()) == {-1}
    assert len(set(made.camera.tolist())) == 6
    assert all(path.endswith(".png") for path in made.paths)


def test_labels_come_with_a_layout_and_colour_the_map(people, tmp_path):
    page = tmp_path / "map.html"
    done = _run(
        "embed", people, "--layout", "cameras", "--out", tmp_path / "e.npz", "--embedder", "baseline", "--map", page
    )
    assert done.exit_code == 0, done.output
    assert sorted(set(load(tmp_path / "e.npz").person.tolist())) == [1, 2, 3]
    assert "How far clusters overlap" in page.read_text()


def test_a_broken_picture_is_told_of_and_stops_nothing(people, tmp_path):
    (people / "red" / "broken.jpg").write_text("no picture")
    (people / "red" / "empty.png").write_bytes(b"")
    done = _run("embed", people, "--out", tmp_path / "e.npz", "--embedder", "baseline")
    assert done.exit_code == 2
    assert "broken.jpg" in done.stderr
    assert "empty.png" in done.stderr
    assert len(load(tmp_path / "e.npz")) == 6


def test_one_pixel_grey_and_wide_pictures_are_embedded(tmp_path):
    folder = tmp_path / "odd"
    folder.mkdir()
    for name, shape in {"one": (1, 1, 3), "grey": (60, 30), "wide": (20, 3000, 3), "tall": (4000, 40, 3)}.items():
        cv2.imwrite(str(folder / f"{name}.png"), np.full(shape, 120, np.uint8))
    assert _run("embed", folder, "--out", tmp_path / "e.npz", "--embedder", "baseline").exit_code == 0
    made = load(tmp_path / "e.npz")
    assert len(made) == 4
    assert np.isfinite(made.vectors).all()
    assert made.quality[[path.endswith("one.png") for path in made.paths]] == 0


@pytest.mark.parametrize(("make", "said"), [(False, "no such file"), (True, "holds no pictures")])
def test_nothing_to_embed_is_told(tmp_path, make, said):
    folder = tmp_path / "nothing"
    if make:
        folder.mkdir()
    done = _run("embed", folder, "--out", tmp_path / "e.npz", "--embedder", "baseline")
    assert isinstance(done.exception, InputError)
    assert said in str(done.exception)


def test_only_broken_pictures_are_told(tmp_path):
    (tmp_path / "a.jpg").write_text("x")
    done = _run("embed", tmp_path, "--out", tmp_path / "e.npz", "--embedder", "baseline")
    assert isinstance(done.exception, InputError)
    assert "none of 1" in str(done.exception)


def test_the_same_colour_is_found_first_in_a_folder_and_in_its_npz(people, tmp_path):
    asked = people / "green" / "0002_c1s1_000001_00.png"
    _run("embed", people, "--out", tmp_path / "e.npz", "--embedder", "baseline")
    for among in (people, tmp_path / "e.npz"):
        done = _run("search", asked, "--in", among, "--embedder", "baseline", "--json", "--top", "2")
        assert done.exit_code == 0, done.output
        answer = json.loads(done.stdout)
        assert answer["hits"][0]["path"].endswith("green/0002_c2s1_000001_00.png")
        assert len(answer["hits"]) == 2


def test_a_search_is_a_table_and_a_sheet(people, tmp_path):
    asked, page = people / "blue" / "0003_c1s1_000001_00.png", tmp_path / "sheet.html"
    done = _run("search", asked, "--in", people, "--embedder", "baseline", "--html", page)
    assert "similarity" in done.stdout
    assert page.read_text().count("data:image/jpeg") == 6  # the one asked for, and five found


def test_a_search_with_another_model_is_told(people, tmp_path):
    _run("embed", people, "--out", tmp_path / "e.npz", "--embedder", "baseline")
    asked = people / "blue" / "0003_c1s1_000001_00.png"
    done = _run("search", asked, "--in", tmp_path / "e.npz", "--embedder", "perdure-s")
    assert isinstance(done.exception, InputError)
    assert "two models" in str(done.exception)


def test_a_search_for_no_picture_or_too_small_a_one_is_told(people, tmp_path):
    (tmp_path / "no.jpg").write_text("x")
    cv2.imwrite(str(tmp_path / "dot.png"), np.zeros((1, 1, 3), np.uint8))
    for name, said in (("no.jpg", "not a picture"), ("dot.png", "shows nobody"), ("gone.png", "cannot read")):
        done = _run("search", tmp_path / name, "--in", people, "--embedder", "baseline")
        assert isinstance(done.exception, InputError)
        assert said in str(done.exception)
