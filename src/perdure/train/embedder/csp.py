"""The backbone of the person detector as the body of an embedder: it has seen the people of COCO before it sees ours.

Source: the CSPDarknet of YOLOX-Nano (Ge et al., arXiv:2107.08430; published weights Apache-2.0). Few identities teach a
network little about pictures; a backbone that has learned to find people in a hundred thousand pictures starts with
edges, cloth and body parts. Its last stage (stride 32) is laid over the one before it (stride 16), as in a feature
pyramid (Lin et al. 2017), and the body ends at stride 16.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from perdure.train.detector.load import convolutions, load_parent
from perdure.train.detector.nano import ConvAct, Focus, YoloxNano
from perdure.train.embedder.restore import expect

INPUT_MEAN, INPUT_SPREAD = 114.0, 58.0  # what `BodyNet` takes off pixels and divides them by
PARTS = 2  # of a stage of the backbone: a convolution of stride 2 and a cross-stage block; what follows them is ours


class Overlay(nn.Module):
    """The last stage of the backbone over the one before it, both brought to `width` channels."""

    def __init__(self, deepest: nn.Module, channels: int, width: int) -> None:
        super().__init__()
        self.deepest = deepest
        self.fine = _point(channels, width)
        self.coarse = _point(2 * channels, width)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, width, H, W)."""
        coarse = functional.interpolate(self.coarse(self.deepest(x)), size=x.shape[2:], mode="nearest")
        return torch.relu(self.fine(x) + coarse)


def csp_body(stem: int, width: int) -> tuple[nn.Module, list[nn.Module]]:
    """The first convolution, and stages of 2, 4 and 8 times `stem` channels and of `width`, at strides 4, 8, 16, 16."""
    net = _without_slicing(YoloxNano(width=stem))
    stages = [net.dark2, net.dark3, net.dark4, net.dark5]
    for part in (net.stem, *stages):
        _normalise(part)
    return net.stem, [*stages[:3], Overlay(stages[3], 8 * stem, width)]


def load_backbone(stem: nn.Module, stages: nn.ModuleList, path: Path, features: Tensor) -> None:
    """Put the backbone of a published YOLOX-Nano ONNX file into the body, in place.

    Args:
        stem: what `csp_body` gave, with 16 channels.
        stages: the same; blocks that were added behind one begin as the identity and stay as they are.
        path: the file.
        features: (B, 3, H, W) what the body will be given; the normalisation layers learn from it what to expect.

    Raises:
        ModelError: the file is missing, or holds other convolutions than YOLOX-Nano.
    """
    parent = _without_slicing(load_parent(path))
    told = convolutions(nn.ModuleList([parent.stem, parent.dark2, parent.dark3, parent.dark4, parent.dark5]))
    *shallow, last = (stage for stage in stages if isinstance(stage, nn.Sequential))
    overlay = next(module for module in last.modules() if isinstance(module, Overlay))
    backbone = nn.Sequential(stem, *[stage[:PARTS] for stage in shallow], overlay.deepest)
    norms = [m for m in backbone.modules() if isinstance(m, (nn.BatchNorm2d, nn.InstanceNorm2d))]
    with torch.no_grad():
        for i, (source, target, norm) in enumerate(zip(told, convolutions(backbone), norms, strict=True)):
            assert source.bias is not None
            target.weight.copy_(source.weight * (INPUT_SPREAD if i == 0 else 1.0))
            norm.bias.copy_(source.bias + (INPUT_MEAN * source.weight.sum((1, 2, 3)) if i == 0 else 0.0))
    expect(norms, lambda: backbone(features))


def of_backbone(name: str) -> bool:
    """Whether a parameter of a `BodyNet` of such a body came with the published weights."""
    of_stages = tuple(f"stages.{stage}.{part}." for stage in range(3) for part in range(PARTS))
    return name.startswith(("stem.", *of_stages, "stages.3.0.deepest."))


def _without_slicing(net: YoloxNano) -> YoloxNano:
    assert isinstance(net.stem, Focus)
    net.stem = net.stem.as_one_convolution()
    return net


def _point(inner: int, outer: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inner, outer, 1, bias=False), nn.BatchNorm2d(outer))


def _normalise(part: nn.Module) -> None:
    """A normalisation layer behind every convolution; the published weights have theirs folded in."""
    for module in list(part.modules()):
        if isinstance(module, ConvAct):
            module.conv.bias = None
            module.conv = nn.Sequential(module.conv, nn.BatchNorm2d(module.conv.out_channels))  # type: ignore[assignment]
