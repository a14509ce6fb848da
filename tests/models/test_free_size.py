from __future__ import annotations

from contextlib import suppress

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

from perdure.errors import ModelError
from perdure.models.free_size import free_size


def network(shape: list[int | str], layout: str = "NCHW") -> bytes:
    """exp(-x), with every shape declared."""
    nodes = [helper.make_node("Neg", ["images"], ["middle"]), helper.make_node("Exp", ["middle"], ["out"])]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, shape)],
        value_info=[helper.make_tensor_value_info("middle", TensorProto.FLOAT, shape)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="t")
    return bytes(model.SerializeToString())


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_a_fixed_network_runs_at_any_size_afterwards(layout: str) -> None:
    fixed = [1, 3, 16, 16] if layout == "NCHW" else [1, 16, 16, 3]
    freed = free_size(network(fixed), "images", layout)
    onnx.checker.check_model(onnx.load_from_string(freed))
    session = ort.InferenceSession(freed, providers=["CPUExecutionProvider"])
    declared = session.get_inputs()[0].shape
    assert [side for side in declared if not isinstance(side, str)] == [1, 3]
    picture = np.ones((1, 3, 8, 24) if layout == "NCHW" else (1, 8, 24, 3), np.float32)
    np.testing.assert_allclose(session.run(None, {"images": picture})[0], np.exp(-picture), rtol=1e-6)


def test_only_the_shapes_change() -> None:
    before = onnx.load_from_string(network([1, 3, 16, 16]))
    after = onnx.load_from_string(free_size(network([1, 3, 16, 16]), "images"))
    assert list(after.graph.node) == list(before.graph.node)
    assert after.producer_name == "t"
    assert [dim.dim_param for dim in after.graph.input[0].type.tensor_type.shape.dim] == ["", "", "height", "width"]
    assert not after.graph.value_info


@pytest.mark.parametrize(("shape", "tensor"), [(["n", 3, "h", "w"], "images"), ([1, 3, 16, 16], "other")])
def test_a_free_or_other_input_is_left_alone(shape: list[int | str], tensor: str) -> None:
    model = network(shape)
    assert free_size(model, tensor) is model


@pytest.mark.parametrize("damaged", [b"\xff" * 40, b"\x3a\xff\xff\xff\x7f", b"\x0b"])
def test_damaged_bytes_are_told(damaged: bytes) -> None:
    with pytest.raises(ModelError, match="not an ONNX model"):
        free_size(damaged, "images")


def test_a_truncation_raises_nothing_but_a_model_error() -> None:
    model = network([1, 3, 16, 16])
    for end in range(0, len(model), 7):
        with suppress(ModelError):
            free_size(model[:end], "images")
