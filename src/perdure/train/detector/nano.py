"""YOLOX-Nano in plain torch, with batch normalisation already folded into the convolutions.

Source: Ge et al., "YOLOX: Exceeding YOLO Series in 2021", arXiv:2107.08430 (Nano: depth 0.33, width 0.25, depthwise
convolutions, SiLU), structure read from the published ONNX graph. Two changes: normalisation is folded, because
fine-tuning from published weights starts from folded ones; and the pools of 5, 9 and 13 of the spatial pyramid are a
chain of pools of 5 (the same values for less work).

Modules are registered in execution order, the order of the convolutions in the ONNX graph: `load.py` relies on it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

STRIDES = (8, 16, 32)
BACKBONE = ("stem", "dark2", "dark3", "dark4", "dark5")
BOX_AND_OBJECT_CHANNELS = 5
FOCUS_BLOCKS = ((0, 0), (1, 0), (0, 1), (1, 1))
"""Row and column in the 2x2 block of pixels, in the order of `space_to_depth`."""


class ConvAct(nn.Module):
    """A convolution with bias, then SiLU."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, stride, (kernel - 1) // 2, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, D, H / stride, W / stride)."""
        return functional.silu(self.conv(x))


class Focus(ConvAct):
    """Each 2x2 block of pixels as 12 channels, then a 3x3 convolution."""

    def __init__(self, out_channels: int) -> None:
        super().__init__(12, out_channels, 3)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, D, H / 2, W / 2)."""
        return super().forward(space_to_depth(images))

    def as_one_convolution(self) -> ConvAct:
        """The same function as a 6x6 convolution of stride 2: no slicing, a tenth less time for the whole net."""
        one = ConvAct(3, self.conv.out_channels, 6, 2)
        with torch.no_grad():
            for block, (row, column) in enumerate(FOCUS_BLOCKS):
                one.conv.weight[:, :, row::2, column::2] = self.conv.weight[:, 3 * block : 3 * block + 3]
            one.conv.bias = self.conv.bias
        return one


def as_focus(weight: Tensor) -> Tensor:
    """The 6x6 weights (D, 3, 6, 6) of `Focus.as_one_convolution` as those of the `Focus`, (D, 12, 3, 3)."""
    return torch.cat([weight[:, :, row::2, column::2] for row, column in FOCUS_BLOCKS], dim=1)


class SeparableConv(nn.Sequential):
    """A 3x3 convolution per channel, then a 1x1 convolution across channels."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__(
            ConvAct(in_channels, in_channels, 3, stride, groups=in_channels), ConvAct(in_channels, out_channels)
        )


class Bottleneck(nn.Module):
    """1x1 then separable 3x3, with an optional shortcut around both."""

    def __init__(self, channels: int, shortcut: bool) -> None:
        super().__init__()
        self.reduce = ConvAct(channels, channels)
        self.spatial = SeparableConv(channels, channels)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        out: Tensor = self.spatial(self.reduce(x))
        return out + x if self.shortcut else out


class CrossStage(nn.Module):
    """Cross-stage partial layer: half of the channels go through `depth` bottlenecks, half pass by."""

    def __init__(self, in_channels: int, out_channels: int, depth: int, shortcut: bool) -> None:
        super().__init__()
        hidden = out_channels // 2
        self.through = ConvAct(in_channels, hidden)
        self.past = ConvAct(in_channels, hidden)
        self.blocks = nn.Sequential(*(Bottleneck(hidden, shortcut) for _ in range(depth)))
        self.merge = ConvAct(2 * hidden, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, D, H, W)."""
        merged: Tensor = self.merge(torch.cat([self.blocks(self.through(x)), self.past(x)], dim=1))
        return merged


class PyramidPool(nn.Module):
    """Spatial pyramid pooling over windows of 1, 5, 9 and 13."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduce = ConvAct(channels, channels // 2)
        self.merge = ConvAct(channels * 2, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        levels = [self.reduce(x)]
        for _ in range(3):
            levels.append(functional.max_pool2d(levels[-1], 5, 1, 2))
        merged: Tensor = self.merge(torch.cat(levels, dim=1))
        return merged


class Head(nn.Module):
    """The decoupled head of one level: classes on one branch, box and objectness on the other."""

    def __init__(self, in_channels: int, hidden: int, classes: int) -> None:
        super().__init__()
        self.stem = ConvAct(in_channels, hidden)
        self.class_branch = nn.Sequential(SeparableConv(hidden, hidden), SeparableConv(hidden, hidden))
        self.classes = nn.Conv2d(hidden, classes, 1)
        self.box_branch = nn.Sequential(SeparableConv(hidden, hidden), SeparableConv(hidden, hidden))
        self.box = nn.Conv2d(hidden, 4, 1)
        self.objectness = nn.Conv2d(hidden, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, 5 + classes, H, W): cx, cy, log w, log h in grid units, then logits."""
        x = self.stem(x)
        box_features = self.box_branch(x)
        return torch.cat(
            [self.box(box_features), self.objectness(box_features), self.classes(self.class_branch(x))], dim=1
        )


class YoloxNano(nn.Module):
    """The whole detector; `width` is the number of stem channels (16 in the published Nano)."""

    def __init__(self, classes: int = 1, width: int = 16) -> None:
        super().__init__()
        w = width
        self.classes = classes
        self.stem: ConvAct = Focus(w)
        self.dark2 = nn.Sequential(SeparableConv(w, 2 * w, 2), CrossStage(2 * w, 2 * w, 1, True))
        self.dark3 = nn.Sequential(SeparableConv(2 * w, 4 * w, 2), CrossStage(4 * w, 4 * w, 3, True))
        self.dark4 = nn.Sequential(SeparableConv(4 * w, 8 * w, 2), CrossStage(8 * w, 8 * w, 3, True))
        self.dark5 = nn.Sequential(
            SeparableConv(8 * w, 16 * w, 2), PyramidPool(16 * w), CrossStage(16 * w, 16 * w, 1, False)
        )
        self.lateral5 = ConvAct(16 * w, 8 * w)
        self.top_down4 = CrossStage(16 * w, 8 * w, 1, False)
        self.lateral4 = ConvAct(8 * w, 4 * w)
        self.top_down3 = CrossStage(8 * w, 4 * w, 1, False)
        self.down3 = SeparableConv(4 * w, 4 * w, 2)
        self.bottom_up4 = CrossStage(8 * w, 8 * w, 1, False)
        self.down4 = SeparableConv(8 * w, 8 * w, 2)
        self.bottom_up5 = CrossStage(16 * w, 16 * w, 1, False)
        self.heads = nn.ModuleList(Head(factor * w, 4 * w, classes) for factor in (4, 8, 16))

    def forward(self, images: Tensor) -> list[Tensor]:
        """(B, 3, H, W) float32 BGR 0..255, H and W multiples of 32 -> one raw (B, 5 + classes, h, w) map per stride."""
        return self.detect(self.features(images))

    def features(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, 3, H, W) -> what the backbone sees at strides 8, 16 and 32."""
        return self.deeper(self.shallow(images))

    def shallow(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> what the first three stages see at stride 8."""
        seen: Tensor = self.dark3(self.dark2(self.stem(images)))
        return seen

    def deeper(self, c3: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What `shallow` saw -> features at strides 8, 16 and 32."""
        c4 = self.dark4(c3)
        return c3, c4, self.dark5(c4)

    def detect(self, features: tuple[Tensor, Tensor, Tensor]) -> list[Tensor]:
        """Features of the backbone -> one raw map per stride."""
        c3, c4, c5 = features
        lateral5 = self.lateral5(c5)
        p4 = self.top_down4(torch.cat([_twice(lateral5), c4], dim=1))
        lateral4 = self.lateral4(p4)
        p3 = self.top_down3(torch.cat([_twice(lateral4), c3], dim=1))
        n4 = self.bottom_up4(torch.cat([self.down3(p3), lateral4], dim=1))
        n5 = self.bottom_up5(torch.cat([self.down4(n4), lateral5], dim=1))
        return [head(level) for head, level in zip(self.heads, (p3, n4, n5), strict=True)]


def space_to_depth(images: Tensor) -> Tensor:
    """(B, 3, H, W) -> (B, 12, H / 2, W / 2): the four pixels of each 2x2 block, column by column."""
    return torch.cat(
        [images[..., ::2, ::2], images[..., 1::2, ::2], images[..., ::2, 1::2], images[..., 1::2, 1::2]], dim=1
    )


def flatten_levels(maps: list[Tensor]) -> Tensor:
    """Raw maps per stride -> (B, N, 5 + classes), level by level and row by row."""
    return torch.cat([level.flatten(2) for level in maps], dim=2).transpose(1, 2)


def anchor_points(height: int, width: int, device: torch.device | None = None) -> tuple[Tensor, Tensor]:
    """Grid corners (N, 2) in px and strides (N,) in px of the rows of `flatten_levels` for one input size."""
    points, strides = [], []
    for stride in STRIDES:
        ys, xs = torch.meshgrid(torch.arange(height // stride), torch.arange(width // stride), indexing="ij")
        points.append(torch.stack([xs, ys], dim=-1).reshape(-1, 2).float() * stride)
        strides.append(torch.full((points[-1].shape[0],), float(stride)))
    return torch.cat(points).to(device), torch.cat(strides).to(device)


def decode_boxes(rows: Tensor, points: Tensor, strides: Tensor) -> Tensor:
    """Box columns of (..., N, 5 + classes) raw rows -> (..., N, 4) xyxy px (YOLOX: offset from the grid corner)."""
    centre = rows[..., :2] * strides[:, None] + points
    half = rows[..., 2:4].clamp(max=12.0).exp() * strides[:, None] / 2
    return torch.cat([centre - half, centre + half], dim=-1)


def _twice(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")
