from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from perdure.errors import InputError
from perdure.evaluate.datasets import read
from perdure.evaluate.embeddings import embed_pictures, load, of_pictures, people, save
from perdure.types import Float32s, Image


class Brightness:
    """An embedder whose vector is the mean colour."""

    name = "brightness"
    dim = 3
    border = 0.0

    def embed(self, crops: Sequence[Image]) -> tuple[Float32s, Float32s]:
        vectors = np.stack([crop.reshape(-1, 3).mean(0) for crop in crops]).astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.full(len(crops), 0.5, np.float32)


def write(path: Path, **changes: Any) -> Path:
    arrays: dict[str, Any] = {
        "vectors": np.eye(4, dtype=np.float32) * 3,
        "person": np.array([3, 3, 0, -1]),
        "camera": np.array([1, 2, 1, 1]),
    } | changes
    np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
    return path


def test_a_minimal_file_gets_defaults_and_unit_vectors(tmp_path: Path) -> None:
    found = load(write(tmp_path / "some.npz"))
    np.testing.assert_array_equal(found.vectors, np.eye(4))
    assert found.model == "some"
    assert found.quality.tolist() == [1, 1, 1, 1]
    assert found.paths == ("",) * 4
    assert people(found).tolist() == [3]


def test_names_of_people_and_cameras_become_numbers(tmp_path: Path) -> None:
    found = load(write(tmp_path / "a.npz", person=np.array(list("bbac")), camera=np.array(list("xyxx"))))
    assert found.person.tolist() == [2, 2, 1, 3]
    assert found.camera.tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"person": None, "camera": None}, r"lacks person, camera \(it has vectors\)"),
        ({"vectors": np.zeros(4, np.float32)}, "must be \\(N, D\\) floats"),
        ({"vectors": np.zeros((4, 2), np.float32)}, "4 vectors are zero or not finite, the first in row 0"),
        ({"vectors": np.full((4, 2), np.nan)}, "not finite"),
        ({"camera": np.zeros(3, np.int64)}, "camera has shape"),
        ({"person": np.zeros(4)}, "whole numbers or names"),
        ({"quality": np.array([0, 1, 2, 0.5])}, "quality must be numbers in"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(write(tmp_path / "a.npz", **changes))


def test_something_that_is_no_npz(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_text("hello")
    np.save(tmp_path / "b.npy", np.zeros(3))
    for path, said in (("a.npz", "not an npz file"), ("b.npy", "not an npz file"), ("absent.npz", "No such file")):
        with pytest.raises(InputError, match=said):
            load(tmp_path / path)


def test_embedding_a_folder_saving_loading_and_joining_by_path(tmp_path: Path) -> None:
    folder = tmp_path / "crops"
    folder.mkdir()
    for number in range(5):
        image = np.full((8, 4, 3), (40 * number, 255 - 40 * number, 9), np.uint8)
        cv2.imwrite(str(folder / f"000{number % 2 + 1}_c{number}s1_000001_00.png"), image)
    data = read(folder)
    heard: list[int] = []
    made = embed_pictures(data.pictures, Brightness(), heard.append, batch=2)
    assert heard == [2, 4, 5]
    assert made.model == "brightness"
    save(made, tmp_path / "e.npz")
    again = load(tmp_path / "e.npz")
    np.testing.assert_allclose(again.vectors, made.vectors, atol=1e-7)
    assert (again.model, again.paths, again.quality.tolist()) == (made.model, made.paths, [0.5] * 5)
    backwards = again[np.arange(5)[::-1]]
    joined = of_pictures(backwards, data.pictures, tmp_path / "e.npz")
    np.testing.assert_array_equal(joined.vectors, again.vectors)
    with pytest.raises(InputError, match="lacks 1 of 5 pictures"):
        of_pictures(again[np.arange(4)], data.pictures, tmp_path / "e.npz")
    with pytest.raises(InputError, match="names one picture twice"):
        of_pictures(again[np.array([0, 0, 1, 2, 3, 4])], data.pictures, tmp_path / "e.npz")
    with pytest.raises(InputError, match="has no paths"):
        of_pictures(load(write(tmp_path / "n.npz")), data.pictures, tmp_path / "n.npz")


def test_a_broken_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "0001_c1s1_000001_00.jpg").write_bytes(b"no picture")
    (tmp_path / "0001_c2s1_000001_00.jpg").touch()
    data = read(tmp_path)
    for row in range(2):
        with pytest.raises(InputError, match=f"c{row + 1}s1_000001_00.jpg is not a picture"):
            embed_pictures(data.pictures[np.array([row])], Brightness())
    (tmp_path / "0001_c2s1_000001_00.jpg").unlink()
    with pytest.raises(InputError, match="cannot read the picture"):
        embed_pictures(data.pictures[np.array([1])], Brightness())
    with pytest.raises(InputError, match="cannot write"):
        save(load(write(tmp_path / "n.npz")), tmp_path / "absent" / "e.npz")
