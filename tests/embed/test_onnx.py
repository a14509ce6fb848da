from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from perdure.embed.embedder import Embedder
from perdure.embed.onnx import MOST_AT_ONCE, OnnxEmbedder
from perdure.embed.open import open_embedder
from perdure.embed.quality import quality as plain_quality
from perdure.errors import ModelError

HEIGHT, WIDTH = 16, 8


def mean_network(batch: int | str = "n", layout: str = "NCHW") -> bytes:
    """``vector`` (N, 3): the mean of each channel; ``quality`` (N, 1): the mean over all of them."""
    shape = [batch, 3, HEIGHT, WIDTH] if layout == "NCHW" else [batch, HEIGHT, WIDTH, 3]
    axes = [2, 3] if layout == "NCHW" else [1, 2]
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["vector"], axes=axes, keepdims=0),
        helper.make_node("ReduceMean", ["vector"], ["quality"], axes=[1], keepdims=1),
        helper.make_node("Shape", ["images"], ["shape"]),
        helper.make_node("Add", ["vector", "zero"], ["again"]),
    ]
    graph = helper.make_graph(
        nodes,
        "mean",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("vector", "quality", "again")],
        [numpy_helper.from_array(np.zeros(1, np.float32), "zero")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def opened(folder: Path, content: bytes | None = None, **changes: Any) -> Embedder:
    content = mean_network() if content is None else content
    card: dict[str, Any] = {
        "name": "mean",
        "task": "embedder",
        "file": "mean.onnx",
        "sha256": hashlib.sha256(content).hexdigest(),
        "size_bytes": len(content),
        "input": {"tensor": "images", "height": HEIGHT, "width": WIDTH, "colour": "bgr", "fit": "stretch"},
        "output": {"decoder": "vector", "vector": "vector", "dim": 3},
        "licence": "Apache-2.0",
        "source": "this test",
        "trained_on": "nothing",
    }
    (folder / "mean.onnx").write_bytes(content)
    (folder / "mean.card.json").write_text(json.dumps({**card, **changes}))
    return open_embedder(str(folder / "mean.onnx"), "cpu", 1)


def plain(colour: tuple[int, int, int], height: int = 40, width: int = 20) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


def test_the_vector_is_what_the_network_says_at_unit_norm(tmp_path: Path) -> None:
    embedder = opened(tmp_path)
    assert isinstance(embedder, OnnxEmbedder)
    assert (embedder.name, embedder.dim, embedder.provider) == ("mean", 3, "CPUExecutionProvider")
    vectors, quality = embedder.embed([plain((30, 40, 0)), plain((0, 0, 7), 9, 300)])
    np.testing.assert_allclose(vectors, [[0.6, 0.8, 0], [0, 0, 1]], atol=1e-6)
    assert vectors.dtype == quality.dtype == np.float32


def test_the_card_says_what_it_wants_around_a_box(tmp_path: Path) -> None:
    given = {"tensor": "images", "height": HEIGHT, "width": WIDTH, "colour": "bgr", "fit": "stretch"}
    assert [opened(tmp_path, input=given | more).border for more in ({}, {"border": 0.1})] == [0.0, 0.1]
    assert open_embedder("baseline").border == 0.0


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_colour_order_scale_mean_and_std_of_the_card(tmp_path: Path, layout: str) -> None:
    given = {
        "tensor": "images",
        "layout": layout,
        "height": HEIGHT,
        "width": WIDTH,
        "colour": "rgb",
        "scale": 0.1,
        "mean": [1, 2, 3],
        "std": [1, 2, 4],
        "fit": "stretch",
    }
    embedder = opened(tmp_path, mean_network(layout=layout), input=given)
    vectors, _ = embedder.embed([plain((50, 60, 70))])
    expected = np.array([(7 - 1) / 1, (6 - 2) / 2, (5 - 3) / 4])
    np.testing.assert_allclose(vectors[0], expected / np.linalg.norm(expected), atol=1e-5)


@pytest.mark.parametrize("batch", ["n", 1])
def test_many_crops_of_any_size_and_none(tmp_path: Path, batch: int | str) -> None:
    embedder = opened(tmp_path, mean_network(batch))
    colours = [(i + 1, 2 * i + 1, 100) for i in range(2 * MOST_AT_ONCE + 3)]
    vectors, quality = embedder.embed([plain(colour, 5 + i, 4 + i) for i, colour in enumerate(colours)])
    expected = np.array(colours, float)
    np.testing.assert_allclose(vectors, expected / np.linalg.norm(expected, axis=1, keepdims=True), atol=1e-5)
    assert quality.shape == (len(colours),)
    nothing, empty = embedder.embed([])
    assert nothing.shape == (0, 3)
    assert empty.shape == (0,)


def test_empty_tiny_and_meaningless_crops_are_harmless(tmp_path: Path) -> None:
    form = {"decoder": "vector", "vector": "vector", "dim": 3, "quality": "quality"}
    embedder = opened(tmp_path, output=form)
    black = plain((0, 0, 0))
    vectors, quality = embedder.embed([np.zeros((0, 9, 3), np.uint8), plain((9, 9, 9), 3, 3), black, plain((9, 0, 0))])
    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, rtol=1e-5)
    assert quality[:3].tolist() == [0.0, 0.0, 0.0]
    assert quality[3] == 1.0, "3 is clipped to 1"


def test_the_model_s_own_quality_wins(tmp_path: Path) -> None:
    given = {"tensor": "images", "height": HEIGHT, "width": WIDTH, "colour": "bgr", "scale": 0.001, "fit": "stretch"}
    form = {"decoder": "vector", "vector": "vector", "dim": 3, "quality": "quality"}
    _, quality = opened(tmp_path, input=given, output=form).embed([plain((30, 60, 90)), plain((3, 3, 3))])
    np.testing.assert_allclose(quality, [0.06, 0.003], rtol=1e-4)


def test_qualities_are_on_the_scale_of_the_card(tmp_path: Path) -> None:
    block = {"told": [0.0, 0.5, 1.0], "first": [0.0, 0.8, 0.9], "identities": 50, "error": 0.02,
             "fitted_on": "x", "source": "y"}  # fmt: skip
    crops = [
        np.random.default_rng(0).integers(0, 256, (160, 68, 3), np.uint8),
        plain((30, 60, 90)),
        plain((9, 9, 9), 3),
    ]
    given = {"tensor": "images", "height": HEIGHT, "width": WIDTH, "colour": "bgr", "scale": 0.001, "fit": "stretch"}
    form = {"decoder": "vector", "vector": "vector", "dim": 3}
    own = {**form, "quality": "quality"}
    _, told = opened(tmp_path, input=given, output=own).embed(crops)
    _, scaled = opened(tmp_path, input=given, output=own, quality=block).embed(crops)
    np.testing.assert_allclose(scaled, [*np.interp(told, [0, 0.5, 1], [0, 0.8, 0.9])[:2], 0.0], rtol=1e-5)
    plain_ones = np.array([plain_quality(crop) for crop in crops])
    _, alone = opened(tmp_path, input=given, output=form, quality=block).embed(crops)
    np.testing.assert_allclose(alone, [*np.interp(plain_ones, [0, 0.5, 1], [0, 0.8, 0.9])[:2], 0.0], rtol=1e-5)
    raw = open_embedder(str(tmp_path / "mean.onnx"), "cpu", 1, scaled=False)
    np.testing.assert_allclose(raw.embed(crops)[1][:2], plain_ones[:2], rtol=1e-5)


@pytest.mark.parametrize(
    ("output", "told"),
    [
        ({"vector": "vector", "dim": 4}, "expected 'vector' of 2x4 for 2 crops, found 2x3"),
        ({"vector": "shape", "dim": 3}, "expects the output tensor 'shape', the file gives again, quality, vector"),
        ({"vector": "vector", "dim": 3, "quality": "again"}, "expected 'again' with one value per crop, found 2x3"),
    ],
)
def test_a_card_that_does_not_fit_is_told_when_it_is_opened(tmp_path: Path, output: dict[str, Any], told: str) -> None:
    with pytest.raises(ModelError) as caught:
        opened(tmp_path, output={"decoder": "vector", **output})
    assert told in str(caught.value)


def test_a_free_input_is_none_of_an_embedder(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="needs a fixed input"):
        opened(tmp_path, input={"tensor": "images", "colour": "bgr", "fit": "rectangle"})


def test_a_wrong_size_is_told(tmp_path: Path) -> None:
    given = {"tensor": "images", "height": 32, "width": WIDTH, "colour": "bgr", "fit": "stretch"}
    with pytest.raises(ModelError, match=r"expects an input .*32, 8.*, the file takes .*16, 8"):
        opened(tmp_path, input=given)


def test_a_detector_is_no_embedder() -> None:
    with pytest.raises(ModelError, match=r"another task \(detector, not embedder\)"):
        open_embedder("perdure-det")
