"""Small networks of the forms that detectors have, exported on the spot."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

STRIDES = (8, 16, 32)
Write = Callable[..., Path]


def rows_network(
    channels: int, batch: int | str = "n", size: tuple[int | str, int | str] = ("h", "w"), planes: int = 3
) -> bytes:
    """(B, planes, H, W) -> ``out`` (B, N, channels): row i is a box of 2 x 2 cells around the corner of cell i (its log
    sizes are log 2), its objectness the mean brightness of the cell in 0..1, and every class 1.
    """
    nodes, weights = [], []
    for stride in STRIDES:
        kernel = np.zeros((channels, planes, stride, stride), np.float32)
        kernel[4] = 1 / (255 * planes * stride * stride)
        bias = np.zeros(channels, np.float32)
        bias[2:4] = np.log(2.0)
        bias[5:] = 1.0
        weights += [numpy_helper.from_array(kernel, f"k{stride}"), numpy_helper.from_array(bias, f"b{stride}")]
        nodes += [
            helper.make_node("Conv", ["images", f"k{stride}", f"b{stride}"], [f"c{stride}"], strides=[stride, stride]),
            helper.make_node("Reshape", [f"c{stride}", "flat"], [f"r{stride}"]),
        ]
    weights.append(numpy_helper.from_array(np.array([0, channels, -1], np.int64), "flat"))
    nodes.append(helper.make_node("Concat", [f"r{stride}" for stride in STRIDES], ["all"], axis=2))
    nodes.append(helper.make_node("Transpose", ["all"], ["out"], perm=[0, 2, 1]))
    graph = helper.make_graph(
        nodes,
        "rows",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [batch, planes, *size])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def card_of(content: bytes, **changes: Any) -> dict[str, Any]:
    card: dict[str, Any] = {
        "name": "rows",
        "task": "detector",
        "file": "rows.onnx",
        "sha256": hashlib.sha256(content).hexdigest(),
        "size_bytes": len(content),
        "input": {"tensor": "images", "colour": "bgr", "fit": "rectangle"},
        "output": {"decoder": "yolox", "tensors": ["out"], "classes": 1},
        "licence": "Apache-2.0",
        "source": "this test",
        "trained_on": "nothing",
    }
    return {**card, **changes}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a network with its card beside it, and gives the network's path."""

    def written(content: bytes, **changes: Any) -> Path:
        path = tmp_path / "rows.onnx"
        path.write_bytes(content)
        path.with_suffix(".card.json").write_text(json.dumps(card_of(content, **changes)))
        return path

    return written


@pytest.fixture
def network() -> Callable[..., bytes]:
    return rows_network


def saying(outputs: dict[str, np.ndarray], image: list[int | str], sizes: str | None = None) -> bytes:
    """A network that gives the same tensors whatever it sees; ``image`` is the shape of its input."""
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
    ]
    weights = [numpy_helper.from_array(np.float32(0), "zero")]
    for name, values in outputs.items():
        weights.append(numpy_helper.from_array(values, f"{name}_said"))
        whole = values.dtype == np.int64
        nodes.append(
            helper.make_node("Identity", [f"{name}_said"], [name])
            if whole
            else helper.make_node("Add", [f"{name}_said", "nothing"], [name])
        )
    inputs = [helper.make_tensor_value_info("images", TensorProto.FLOAT, image)]
    if sizes:
        inputs.append(helper.make_tensor_value_info(sizes, TensorProto.INT64, ["n", 2]))
    kinds = {name: TensorProto.INT64 if v.dtype == np.int64 else TensorProto.FLOAT for name, v in outputs.items()}
    graph = helper.make_graph(
        nodes, "saying", inputs, [helper.make_tensor_value_info(n, k, None) for n, k in kinds.items()], weights
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


@pytest.fixture
def constant() -> Callable[..., bytes]:
    return saying
