"""The parent's weights: equal outputs, the person row, and clear errors for other files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from perdure.errors import ModelError
from perdure.train.detector.export import Rows, export_onnx
from perdure.train.detector.load import convolutions, cut_to_person, load_exported, load_parent
from perdure.train.detector.nano import YoloxNano


def write_convolutions(net: torch.nn.Module, path: Path) -> None:
    """An ONNX file that holds the convolutions of a net in order, as the published one does."""
    nodes, tensors = [], []
    for index, conv in enumerate(convolutions(net)):
        names = [f"{kind}{index}" for kind in ("weight", "bias")]
        tensors += [
            numpy_helper.from_array(parameter.detach().numpy(), name)
            for parameter, name in zip(conv.parameters(), names, strict=True)
        ]
        nodes.append(helper.make_node("Conv", ["images", *names], [f"out{index}"]))
    value = helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, 32, 32])
    onnx.save(helper.make_model(helper.make_graph(nodes, "net", [value], [value], tensors)), str(path))


def test_the_torch_net_equals_the_published_file(shared: Path) -> None:
    path = shared / "models" / "yolox_nano.onnx"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    images = np.random.default_rng(0).uniform(0, 255, (1, 3, 416, 416)).astype(np.float32)
    theirs = onnxruntime.InferenceSession(str(path), options).run(None, {"images": images})[0]
    with torch.no_grad():
        ours = Rows(load_parent(path)).eval()(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(ours, theirs, atol=1e-4, rtol=1e-5)


def test_cutting_to_one_class_keeps_every_person_score() -> None:
    torch.manual_seed(0)
    parent = YoloxNano(classes=80)
    images = torch.rand(2, 3, 64, 96) * 255
    with torch.no_grad():
        whole, cut = Rows(parent)(images), Rows(cut_to_person(parent))(images)
    assert cut.shape[2] == 6
    torch.testing.assert_close(cut, whole[:, :, :6])


def test_weights_return_in_execution_order(tmp_path: Path) -> None:
    torch.manual_seed(1)
    net = YoloxNano(classes=80)
    write_convolutions(net, tmp_path / "net.onnx")
    back = load_parent(tmp_path / "net.onnx")
    for one, other in zip(net.parameters(), back.parameters(), strict=True):
        assert torch.equal(one, other)


def test_another_net_is_refused(tmp_path: Path) -> None:
    write_convolutions(torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3)), tmp_path / "other.onnx")
    with pytest.raises(ModelError, match="1 convolutions where YOLOX-Nano has"):
        load_parent(tmp_path / "other.onnx")
    write_convolutions(YoloxNano(classes=80, width=8), tmp_path / "narrow.onnx")
    with pytest.raises(ModelError, match="convolution 0 is not that"):
        load_parent(tmp_path / "narrow.onnx")
    with pytest.raises(ModelError, match="no such file"):
        load_parent(tmp_path / "missing.onnx")


def test_an_exported_net_comes_back(tmp_path: Path) -> None:
    torch.manual_seed(2)
    net = YoloxNano(classes=1)
    export_onnx(net, tmp_path / "net.onnx")
    back = load_exported(tmp_path / "net.onnx")
    for name, weight in net.state_dict().items():
        torch.testing.assert_close(back.state_dict()[name], weight)


def test_what_is_no_exported_net_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such file"):
        load_exported(tmp_path / "nowhere.onnx")
    write_convolutions(YoloxNano(classes=1), tmp_path / "other.onnx")
    with pytest.raises(ModelError, match="not an exported perdure-det"):
        load_exported(tmp_path / "other.onnx")
