"""The body network: a residual net or a known backbone, pooling that looks for body parts, and a quality head.

Plain 3x3 residual blocks (He et al. 2016, "Deep Residual Learning") were chosen over depthwise and multi-branch blocks
by measurement: at equal time in onnxruntime they train two to three times faster on a CPU and learn as much.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from perdure.errors import ConfigError
from perdure.train.embedder.csp import INPUT_MEAN, INPUT_SPREAD, csp_body
from perdure.train.embedder.osnet import AIN, Instance, osnet_stage, osnet_stem
from perdure.train.embedder.resnet import resnet_stage, resnet_stem

FLAT = 1.0  # squared grey levels: a picture of one colour stays one, and noise below a level is not blown up


@dataclass(frozen=True)
class NetShape:
    """Widths and depths of a body network.

    Attributes:
        blocks: plain residual blocks, or those of OSNet or ResNet without or with instance normalisation early, or
            ("osnet-ain") where a search put it, in three stages of two. ResNet-50: stem 64, widths (256, 512, 1024,
            2048), depths (3, 4, 6, 3). "csp" is the backbone of the detector (`csp.py`): stem 16, four widths of which
            the first three are 32, 64, 128; depths are of plain blocks behind each of its stages.
        stem: channels after the first convolution (stride 2).
        widths: channels of each stage; every plain stage halves the picture.
        depths: residual blocks of each stage.
        parts: attention maps that each pool one body part (0: only average and maximum).
        dim: length of the embedding.
        instance: whether every channel is brought to mean zero and spread one over its own picture, before the first
            convolution and after it, so that exposure, contrast, tint and sharpness of the whole picture do not count
            (Ulyanov et al. 2016, "Instance Normalization"; the teacher does so too).
    """

    blocks: Literal["plain", "osnet", "osnet-ibn", "osnet-ain", "resnet", "resnet-ibn", "csp"] = "plain"
    stem: Annotated[int, Field(ge=1)] = 16
    widths: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] = (32, 64, 160)
    depths: tuple[Annotated[int, Field(ge=0)], ...] = (1, 3, 2)
    parts: Annotated[int, Field(ge=0)] = 3
    dim: Annotated[int, Field(ge=1)] = 256
    instance: bool = False


SHIPPED = NetShape("csp", 16, (32, 64, 128, 160), (0, 1, 1, 1), 4, 256, instance=True)
"""The network of `perdure-s`."""


def check_shape(shape: NetShape) -> None:
    """Raises `ConfigError` where widths and depths fit neither each other nor the blocks."""
    if len(shape.depths) != len(shape.widths):
        raise ConfigError(
            f"net: {len(shape.widths)} widths and {len(shape.depths)} depths: every stage has one of each"
        )
    if shape.blocks == "csp" and shape.widths[:-1] != (2 * shape.stem, 4 * shape.stem, 8 * shape.stem):
        raise ConfigError(f"net: csp with a stem of {shape.stem} has widths of 2, 4, 8 times that, then one of yours")
    if shape.blocks == "osnet-ain" and shape.depths != tuple(map(len, AIN)):
        raise ConfigError(f"net: osnet-ain has three stages of two blocks (depths 2, 2, 2), not {shape.depths}")


@dataclass(frozen=True)
class BodyOutput:
    """What one pass gives for N crops.

    Attributes:
        raw: (N, dim) before the last normalisation; the triplet loss works here (the "BN neck" of Luo et al. 2019).
        embedding: (N, dim) after it; compared by cosine.
        quality: (N,) in 0..1.
    """

    raw: Tensor
    embedding: Tensor
    quality: Tensor


class Block(nn.Module):
    """Two 3x3 convolutions and a shortcut; the shortcut averages where the block halves the picture.

    Unless `rectified`, negative numbers pass: between layers that give some, the block then starts as the identity too.
    """

    def __init__(self, inner: int, outer: int, stride: int, rectified: bool = True) -> None:
        super().__init__()
        self.rectified = rectified
        self.conv1 = nn.Conv2d(inner, outer, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outer)
        self.conv2 = nn.Conv2d(outer, outer, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outer)
        nn.init.zeros_(self.norm2.weight)  # every block starts as the identity, which trains sooner
        layers: list[nn.Module] = [nn.AvgPool2d(2, ceil_mode=True)] if stride == 2 else []
        if stride == 2 or inner != outer:
            layers += [nn.Conv2d(inner, outer, 1, bias=False), nn.BatchNorm2d(outer)]
        self.shortcut = nn.Sequential(*layers)

    @property
    def keeps_shape(self) -> bool:
        """Whether the shortcut is the picture itself, so that the block begins as the identity."""
        return len(self.shortcut) == 0

    def forward(self, x: Tensor) -> Tensor:
        """(N, inner, H, W) -> (N, outer, H / stride, W / stride)."""
        y = torch.relu(self.norm1(self.conv1(x)))
        sum_ = self.norm2(self.conv2(y)) + self.shortcut(x)
        return torch.relu(sum_) if self.rectified else sum_


class PartPool(nn.Module):
    """(N, C, H, W) -> (N, (2 + parts) * C): average, maximum, and one softly attended average per part."""

    def __init__(self, channels: int, parts: int) -> None:
        super().__init__()
        self.attend = nn.Conv2d(channels, parts, 1) if parts else None
        self.out_features = channels * (2 + parts)

    def forward(self, x: Tensor) -> Tensor:
        """Pool every channel over the picture."""
        flat = x.flatten(2)  # (N, C, HW)
        pooled = [flat.mean(2), flat.amax(2)]
        if self.attend is not None:
            weights = self.attend(x).flatten(2).softmax(2)  # (N, parts, HW)
            pooled.append((flat @ weights.transpose(1, 2)).transpose(1, 2).flatten(1))
        return torch.cat(pooled, 1)


class BodyNet(nn.Module):
    """Pictures (N, 3, H, W) BGR 0..255 in, embedding and quality out. The normalisation is part of the network.

    The quality head sees the pooled features of every stage (the early ones still know blur and noise) and never sends
    a gradient into them: the embedding is the same with and without it.
    """

    def __init__(self, shape: NetShape) -> None:
        super().__init__()
        check_shape(shape)
        self.shape = shape
        self.stem, self.stages = _BODIES[shape.blocks](shape)
        if shape.instance:
            _over_the_picture(self.stem)
        inner = shape.widths[-1]
        self.pool = PartPool(inner, shape.parts)
        self.project = nn.Linear(self.pool.out_features, shape.dim, bias=False)
        self.neck = nn.BatchNorm1d(shape.dim)
        self.quality_head = nn.Sequential(nn.Linear(2 * sum(shape.widths), 48), nn.ReLU(), nn.Linear(48, 1))
        self.length_gain: Tensor
        self.length_mean: Tensor
        self.register_buffer("length_gain", torch.zeros(()))  # what the embedding's own length adds to its quality
        self.register_buffer("length_mean", torch.zeros(()))

    def forward(self, images: Tensor) -> BodyOutput:
        """One pass over (N, 3, H, W) float32 BGR 0..255."""
        raw, seen = self.encode(images)
        embedding = self.neck(raw)
        length = embedding.detach().float().square().sum(1).sqrt()
        trust = self.quality_head(seen).squeeze(1) + self.length_gain * (length - self.length_mean)
        return BodyOutput(raw, embedding, torch.sigmoid(trust))

    def scaled(self, images: Tensor) -> Tensor:
        """Pixels as the stem takes them."""
        if not self.shape.instance:
            return (images - INPUT_MEAN) * (1.0 / INPUT_SPREAD)
        centred = images - images.mean((2, 3), keepdim=True)
        return centred * torch.rsqrt(centred.square().mean((2, 3), keepdim=True) + FLAT)

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The raw embedding (N, dim), and what the quality head sees, (N, 2 * sum of widths) without gradient."""
        pooled, seen = self.pooled(images)
        return self.project(pooled), seen

    def pooled(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """What the last layer takes, (N, F), and what the quality head sees."""
        x = self.stem(self.scaled(images))
        seen: list[Tensor] = []
        for stage in self.stages:
            x = stage(x)
            kept = x.detach()
            seen += [kept.mean((2, 3)), kept.amax((2, 3))]
        return self.pool(x), torch.cat(seen, 1)


def unit(vectors: Tensor) -> Tensor:
    """Rows scaled to length one."""
    return functional.normalize(vectors, dim=1)


def _over_the_picture(stem: nn.Module) -> None:
    """Let the first normalisation of the stem go over each picture instead of the batch, unless it does so already."""
    for name, norm in list(stem.named_modules()):
        if isinstance(norm, nn.BatchNorm2d):
            stem.set_submodule(name, nn.InstanceNorm2d(norm.num_features, affine=True))
            return


def _plain(shape: NetShape) -> tuple[nn.Sequential, nn.ModuleList]:
    stem = nn.Sequential(nn.Conv2d(3, shape.stem, 3, 2, 1, bias=False), nn.BatchNorm2d(shape.stem), nn.ReLU())
    stages = nn.ModuleList()
    inner = shape.stem
    for width, depth in zip(shape.widths, shape.depths, strict=True):
        stages.append(nn.Sequential(Block(inner, width, 2), *[Block(width, width, 1) for _ in range(depth - 1)]))
        inner = width
    return stem, stages


def _osnet(shape: NetShape) -> tuple[nn.Sequential, nn.ModuleList]:
    """Instance normalisation only early, where style is and identity is not (Pan et al. 2018, "IBN-Net"), or as AIN."""
    early: Instance = "after" if shape.blocks == "osnet-ibn" else "none"
    plan = AIN if shape.blocks == "osnet-ain" else [("none" if i else early,) * n for i, n in enumerate(shape.depths)]
    stages = nn.ModuleList()
    inner, last = shape.stem, len(shape.widths) - 1
    for i, (width, blocks) in enumerate(zip(shape.widths, plan, strict=True)):
        stages.append(osnet_stage(inner, width, i == last, blocks))
        inner = width
    return osnet_stem(shape.stem, shape.blocks != "osnet"), stages


def _resnet(shape: NetShape) -> tuple[nn.Sequential, nn.ModuleList]:
    """Stride 1 in the first stage, which follows a pooling, and in the last, so that parts stay apart."""
    stages = nn.ModuleList()
    inner, last = shape.stem, len(shape.widths) - 1
    for i, (width, depth) in enumerate(zip(shape.widths, shape.depths, strict=True)):
        instance = shape.blocks == "resnet-ibn" and i < last
        stages.append(resnet_stage(inner, width, depth, 1 if i in (0, last) else 2, instance))
        inner = width
    return resnet_stem(shape.stem), stages


def _csp(shape: NetShape) -> tuple[nn.Sequential, nn.ModuleList]:
    """The detector's backbone, and plain blocks behind its stages."""
    stem, stages = csp_body(shape.stem, shape.widths[-1])
    *shallow, last = zip(stages, shape.widths, shape.depths, strict=True)
    for stage, width, depth in shallow:
        assert isinstance(stage, nn.Sequential)
        stage.extend(Block(width, width, 1, rectified=False) for _ in range(depth))
    stage, width, depth = last
    stages[-1] = nn.Sequential(stage, *[Block(width, width, 1) for _ in range(depth)])
    return nn.Sequential(stem), nn.ModuleList(stages)


_BODIES = {
    "csp": _csp,
    "plain": _plain,
    "osnet": _osnet,
    "osnet-ibn": _osnet,
    "osnet-ain": _osnet,
    "resnet": _resnet,
    "resnet-ibn": _resnet,
}
