"""Weights of a published YOLOX-Nano ONNX file into `YoloxNano`."""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import nn

from perdure.errors import ModelError
from perdure.train.detector.nano import YoloxNano, as_focus

PERSON_CLASS = 0
STEM = "stem.conv"


def convolutions(net: nn.Module) -> list[nn.Conv2d]:
    """All convolutions of a net in execution order (modules are registered in that order)."""
    return [module for module in net.modules() if isinstance(module, nn.Conv2d)]


def load_parent(path: Path, classes: int = 80) -> YoloxNano:
    """A published YOLOX-Nano with all its classes; outputs equal the file's up to rounding (about 1e-5).

    Raises:
        ModelError: the file is missing, or holds other convolutions than YOLOX-Nano.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no such file; `parent` must name a YOLOX-Nano ONNX file")
    graph = onnx.load(str(path)).graph
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    convs = [node for node in graph.node if node.op_type == "Conv"]
    stored = [[arrays[name] for name in node.input[1:] if name in arrays] for node in convs]
    net = YoloxNano(classes)
    targets = convolutions(net)
    if len(stored) != len(targets):
        raise ModelError(f"{path}: {len(stored)} convolutions where YOLOX-Nano has {len(targets)}; give such a file")
    with torch.no_grad():
        for index, (weights, conv) in enumerate(zip(stored, targets, strict=True)):
            shapes = [tuple(weight.shape) for weight in weights]
            if shapes != [tuple(parameter.shape) for parameter in conv.parameters()]:
                raise ModelError(f"{path}: convolution {index} is not that of YOLOX-Nano with {classes} classes")
            for parameter, weight in zip(conv.parameters(), weights, strict=True):
                parameter.copy_(torch.from_numpy(weight.copy()))
    return net


def cut_to_person(parent: YoloxNano) -> YoloxNano:
    """The same net with the person row of its class convolutions only; person scores are unchanged."""
    cut = YoloxNano(classes=1)
    with torch.no_grad():
        for source, target in zip(convolutions(parent), convolutions(cut), strict=True):
            assert source.bias is not None
            assert target.bias is not None
            whole = source.weight.shape == target.weight.shape
            rows = slice(None) if whole else slice(PERSON_CLASS, PERSON_CLASS + 1)
            target.weight.copy_(source.weight[rows])
            target.bias.copy_(source.bias[rows])
    return cut


def load_exported(path: Path) -> YoloxNano:
    """A one-class net as `export_onnx` wrote it; its weights bear their names.

    Raises:
        ModelError: the file is missing, or holds another net.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no such file; `start` must name an exported perdure-det")
    told = {tensor.name: numpy_helper.to_array(tensor).copy() for tensor in onnx.load(str(path)).graph.initializer}
    state = {name.removeprefix("net."): torch.from_numpy(value) for name, value in told.items() if "net." in name}
    net = YoloxNano(classes=1)
    try:
        state[f"{STEM}.weight"] = as_focus(state[f"{STEM}.weight"])
        net.load_state_dict(state)
    except (KeyError, RuntimeError) as error:
        raise ModelError(f"{path}: not an exported perdure-det; give a file of `perdure train detector`") from error
    return net
