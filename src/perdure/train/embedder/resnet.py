"""ResNet bottlenecks as the strong baselines of the field train them: instance normalisation early, last stride 1.

He et al. 2016, "Deep Residual Learning" (bottleneck, version with the stride on its 3x3 convolution); Pan et al. 2018,
"IBN-Net" (variant a: half of the first normalisation of a block is instance normalisation, in all stages but the last);
Luo et al. 2019, "Bag of Tricks" (last stride 1, and the BN neck that every network here has). Nothing is pre-trained.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

EXPANSION = 4


def resnet_stem(width: int) -> nn.Sequential:
    """(N, 3, H, W) -> (N, width, H / 4, W / 4)."""
    convolution = nn.Conv2d(3, width, 7, 2, 3, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(3, 2, 1))


def resnet_stage(inner: int, outer: int, depth: int, stride: int, instance: bool) -> nn.Sequential:
    """`depth` bottlenecks, the first of which takes the stride; `outer` channels leave it."""
    first = Bottleneck(inner, outer, stride, instance)
    return nn.Sequential(first, *[Bottleneck(outer, outer, 1, instance) for _ in range(depth - 1)])


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolution and a shortcut."""

    def __init__(self, inner: int, outer: int, stride: int, instance: bool) -> None:
        super().__init__()
        middle = outer // EXPANSION
        norm: nn.Module = HalfInstance(middle) if instance else nn.BatchNorm2d(middle)
        last = nn.BatchNorm2d(outer)
        nn.init.zeros_(last.weight)  # every block starts as the identity, which trains sooner
        self.path = nn.Sequential(
            nn.Conv2d(inner, middle, 1, bias=False),
            norm,
            nn.ReLU(),
            nn.Conv2d(middle, middle, 3, stride, 1, bias=False),
            nn.BatchNorm2d(middle),
            nn.ReLU(),
            nn.Conv2d(middle, outer, 1, bias=False),
            last,
        )
        same = inner == outer and stride == 1
        change = (nn.Conv2d(inner, outer, 1, stride, bias=False), nn.BatchNorm2d(outer))
        self.shortcut = nn.Sequential(*(() if same else change))

    def forward(self, x: Tensor) -> Tensor:
        """(N, inner, H, W) -> (N, outer, H / stride, W / stride)."""
        return torch.relu(self.path(x) + self.shortcut(x))


class HalfInstance(nn.Module):
    """Instance normalisation of the first half of the channels, batch normalisation of the others (IBN-a)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.split = channels // 2
        self.instance = nn.InstanceNorm2d(self.split, affine=True)
        self.batch = nn.BatchNorm2d(channels - self.split)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape."""
        return torch.cat([self.instance(x[:, : self.split]), self.batch(x[:, self.split :])], 1)
