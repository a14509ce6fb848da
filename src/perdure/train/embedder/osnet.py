"""The blocks of OSNet (Zhou et al. 2019, "Omni-Scale Feature Learning for Person Re-Identification"), as a peer, and
those with instance normalisation: after the shortcut in the first stage (IBN; Pan et al. 2018, "IBN-Net"), or inside
the residual where a search put it (AIN; Zhou et al. 2021, "Learning Generalisable Omni-Scale Representations").

The published widths are stem 64, stages 256, 384 and 512 with two blocks each; OSNet x0.25 is a quarter of each. What
differs from the paper: the pooling, embedding and quality layers are those of every network trained here, so that a
comparison compares the blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

Instance = Literal["none", "after", "inside"]
"""Where a block normalises each picture by itself: nowhere, after the shortcut, or before it, on the residual alone."""

AIN: tuple[tuple[Instance, ...], ...] = (("inside", "inside"), ("none", "inside"), ("inside", "none"))
"""The blocks of OSNet-AIN, stage by stage (KaiyangZhou/deep-person-reid, `torchreid/models/osnet_ain.py`)."""


def osnet_stem(width: int, instance: bool) -> nn.Sequential:
    """(N, 3, H, W) -> (N, width, H / 4, W / 4)."""
    norm = nn.InstanceNorm2d(width, affine=True) if instance else nn.BatchNorm2d(width)
    return nn.Sequential(nn.Conv2d(3, width, 7, 2, 3, bias=False), norm, nn.ReLU(), nn.MaxPool2d(3, 2, 1))


def osnet_stage(inner: int, outer: int, last: bool, blocks: Sequence[Instance]) -> nn.Sequential:
    """The blocks, then a 1x1 convolution and, unless it is the last stage, a pooling that halves the picture."""
    made = [OmniScaleBlock(inner if i == 0 else outer, outer, instance) for i, instance in enumerate(blocks)]
    end: list[nn.Module] = [nn.Conv2d(outer, outer, 1, bias=False), nn.BatchNorm2d(outer), nn.ReLU()]
    return nn.Sequential(*made, *end, *([] if last else [nn.AvgPool2d(2)]))


class OmniScaleBlock(nn.Module):
    """Four streams of one to four light convolutions, weighed by one shared gate and summed, with a shortcut."""

    def __init__(self, inner: int, outer: int, instance: Instance) -> None:
        super().__init__()
        middle = outer // 4
        self.reduce = nn.Sequential(nn.Conv2d(inner, middle, 1, bias=False), nn.BatchNorm2d(middle), nn.ReLU())
        self.streams = nn.ModuleList(nn.Sequential(*[light(middle) for _ in range(n)]) for n in (1, 2, 3, 4))
        self.gate = ChannelGate(middle)
        norm = nn.InstanceNorm2d(outer, affine=True) if instance == "inside" else nn.BatchNorm2d(outer)
        self.expand = nn.Sequential(nn.Conv2d(middle, outer, 1, bias=False), norm)
        same = inner == outer
        self.shortcut = nn.Sequential(
            *([] if same else [nn.Conv2d(inner, outer, 1, bias=False), nn.BatchNorm2d(outer)])
        )
        self.instance = nn.InstanceNorm2d(outer, affine=True) if instance == "after" else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(N, inner, H, W) -> (N, outer, H, W)."""
        reduced = self.reduce(x)
        mixed = torch.stack([self.gate(stream(reduced)) for stream in self.streams]).sum(0)
        return torch.relu(self.instance(self.expand(mixed) + self.shortcut(x)))


class ChannelGate(nn.Module):
    """Channels weighed by what they hold on average over the picture (the paper's aggregation gate)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(1, channels // 16)
        self.weigh = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, hidden, 1),
            nn.ReLU(),
            nn.Conv2d(hidden, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape."""
        gated: Tensor = x * self.weigh(x)
        return gated


def light(channels: int) -> nn.Sequential:
    """The paper's Lite 3x3: pointwise, then depthwise."""
    return nn.Sequential(
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.Conv2d(channels, channels, 3, 1, 1, groups=channels, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
    )
