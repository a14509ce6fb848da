"""From a trained network to the ONNX file that ships: folded, rounded, checked against torch."""

from __future__ import annotations

import warnings
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from perdure.errors import ModelError
from perdure.train.embedder.nets import Block, BodyNet
from perdure.train.embedder.restore import BYTES, HALF, SCALES

SMALLEST_WEIGHT = 1e-15  # below this a weight only costs time: processors are slow on denormal numbers
LARGE_TENSOR = 256  # tensors of at least as many numbers are stored in half precision
LARGE_KERNEL = 100_000  # kernels of at least as many numbers are stored in eight bits
TOLERANCE = 1e-4


class _Shipped(nn.Module):
    """The network as users see it: two plain outputs, no normalisation layers left."""

    def __init__(self, net: BodyNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        out = self.net(images)
        return out.embedding, out.quality


@dataclass(frozen=True)
class Exported:
    """What the export did.

    Attributes:
        difference: largest difference to torch over all outputs, embeddings compared at unit length.
        rounding_cosine: smallest cosine between the embedding before and after rounding the weights to what is kept.
    """

    path: Path
    bytes: int
    difference: float
    rounding_cosine: float


def export_onnx(net: BodyNet, size_hw: tuple[int, int], path: Path, pictures: Tensor) -> Exported:
    """Write `net` to `path`: input `images (n, 3, H, W)`, outputs `embedding (n, D)` and `quality (n,)`.

    Normalisation layers are folded into the convolutions, numbers below 1e-15 are set to zero, large tensors are
    stored in half precision and large kernels in eight bits with a scale for each output (onnxruntime widens them once,
    when it loads the file, and computes in full precision).

    Args:
        net: a trained network.
        size_hw: the size of the pictures it takes.
        path: where to write.
        pictures: (B, 3, H, W) float32, B >= 2, to check the file on.

    Raises:
        ModelError: onnxruntime does not give what torch gives, to 1e-4.
    """
    shipped = _Shipped(folded(net, size_hw)).eval()
    with torch.inference_mode():
        before, _ = shipped(pictures)
        for weight in shipped.parameters():
            weight.copy_(torch.from_numpy(rounded(weight.numpy())))
        embedding, quality = shipped(pictures)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch 2.13 warns about its own use of its own functions
        program = torch.onnx.export(
            shipped,
            (torch.zeros(2, 3, *size_hw),),
            dynamo=True,
            input_names=["images"],
            output_names=["embedding", "quality"],
            dynamic_shapes={"images": {0: torch.export.Dim("n", min=1, max=4096)}},
            verbose=False,
        )
    if program is None:
        raise ModelError("torch.onnx gave no program: check the installed torch and onnxscript")
    model = program.model_proto
    store_small(model)
    strip(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.checker.check_model(model)
    onnx.save_model(model, str(path))
    difference = compare(path, pictures, embedding, quality)
    if difference > TOLERANCE:
        raise ModelError(f"{path} differs from torch by {difference:.2e}: nothing should use this file")
    cosine = float(nn.functional.cosine_similarity(before, embedding).min())
    return Exported(path, path.stat().st_size, difference, cosine)


def folded(net: BodyNet, size_hw: tuple[int, int]) -> BodyNet:
    """A copy of `net` for inference on pictures of `size_hw`: every batch normalisation is folded into the layer before
    it, and the averaging in a shortcut into the convolution after it where every stage halves the picture exactly.
    """
    halves = all(side % 2 ** (1 + len(net.shape.widths)) == 0 for side in size_hw)
    copy = deepcopy(net).eval()
    for module in copy.modules():
        if isinstance(module, Block):
            module.conv1, module.norm1 = fuse_conv_bn_eval(module.conv1, module.norm1), nn.Identity()  # type: ignore[assignment]
            module.conv2, module.norm2 = fuse_conv_bn_eval(module.conv2, module.norm2), nn.Identity()  # type: ignore[assignment]
        if isinstance(module, nn.Sequential):
            _fold_pairs(module)
            if halves:
                _fold_average(module)
    copy.project, copy.neck = fuse_linear_bn_eval(copy.project, copy.neck), nn.Identity()  # type: ignore[assignment]
    return copy


def _fold_pairs(layers: nn.Sequential) -> None:
    for i in range(len(layers) - 1):
        conv, norm = layers[i], layers[i + 1]
        if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            layers[i], layers[i + 1] = fuse_conv_bn_eval(conv, norm), nn.Identity()


def _fold_average(layers: nn.Sequential) -> None:
    """Averaging 2x2 and then a 1x1 convolution is one 2x2 convolution; onnxruntime's pooling takes 9 % of the time."""
    if len(layers) < 2 or not isinstance(layers[0], nn.AvgPool2d) or not isinstance(layers[1], nn.Conv2d):
        return
    point = layers[1]
    both = nn.Conv2d(point.in_channels, point.out_channels, 2, 2)
    with torch.no_grad():
        both.weight.copy_(point.weight.expand(-1, -1, 2, 2) / 4)
        assert point.bias is not None
        both.bias.copy_(point.bias)  # type: ignore[union-attr]
    layers[0], layers[1] = nn.Identity(), both


def rounded(numbers: np.ndarray) -> np.ndarray:
    """Float32 numbers as the file can keep them, the smallest as zero."""
    if _as_bytes(numbers):
        codes, scales = in_bytes(numbers)
        return np.asarray(codes * scales, np.float32)
    kept = numbers.astype(np.float16).astype(np.float32) if numbers.size >= LARGE_TENSOR else numbers
    return np.where(np.abs(kept) < SMALLEST_WEIGHT, np.float32(0.0), kept)


def in_bytes(kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Codes -127..127, int8 and of the kernel's shape (O, I, H, W), and the scales (O, 1, 1, 1) that widen them."""
    scales = np.maximum(np.abs(kernel).max(axis=(1, 2, 3), keepdims=True), np.float32(SMALLEST_WEIGHT)) / np.float32(
        127
    )
    return np.rint(kernel / scales).astype(np.int8), scales


def _as_bytes(numbers: np.ndarray) -> bool:
    return numbers.ndim == 4 and numbers.size >= LARGE_KERNEL


def store_small(model: onnx.ModelProto) -> None:
    """Keep large float32 tensors as float16 or as int8, each followed by what widens it; exact where `rounded` was."""
    graph = model.graph
    to_float = onnx.TensorProto.FLOAT
    widening, scaling = [], []
    for tensor in graph.initializer:
        numbers, name = numpy_helper.to_array(tensor), tensor.name
        if numbers.dtype != np.float32 or numbers.size < LARGE_TENSOR:
            continue
        if _as_bytes(numbers):
            codes, scales = in_bytes(numbers)
            tensor.CopyFrom(numpy_helper.from_array(codes, name + BYTES))
            scaling.append(numpy_helper.from_array(scales, name + SCALES))
            widening.append(helper.make_node("Cast", [name + BYTES], [f"{name}.codes"], to=to_float))
            widening.append(helper.make_node("Mul", [f"{name}.codes", name + SCALES], [name]))
        else:
            tensor.CopyFrom(numpy_helper.from_array(numbers.astype(np.float16), name + HALF))
            widening.append(helper.make_node("Cast", [name + HALF], [name], to=to_float))
    graph.initializer.extend(scaling)
    nodes = [*widening, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def strip(model: onnx.ModelProto) -> None:
    """Drop what only the exporter's debugging needs (and what would name files of the machine it ran on)."""
    del model.graph.value_info[:]
    del model.graph.metadata_props[:]
    del model.metadata_props[:]
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""


def compare(path: Path, pictures: Tensor, embedding: Tensor, quality: Tensor) -> float:
    """Largest difference between the file run by onnxruntime, in batches of 1 and all, and torch's outputs."""
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    images = np.ascontiguousarray(pictures.numpy())
    whole = session.run(None, {"images": images})
    single = session.run(None, {"images": images[:1]})
    wanted = _unit(embedding.numpy())
    worst = np.abs(_unit(whole[0]) - wanted).max()
    worst = max(worst, np.abs(_unit(single[0]) - wanted[:1]).max(), np.abs(whole[1] - quality.numpy()).max())
    return float(worst)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
