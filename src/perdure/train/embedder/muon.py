"""Muon: every step turns a kernel by a matrix whose singular values are near one; AdamW steps everything else.

Source: Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks", with the scale of Liu et al.
2025, "Muon is scalable for LLM training", under which the learning rates of AdamW hold. `torch.optim.Muon` takes
matrices only and works in bfloat16, which takes 20 times as long as float32 on a processor without instructions for it.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # a quintic; five times brings 0.002 to 1 near one
MOMENTUM = 0.95
ADAMW_RMS = 0.2  # root mean square of what AdamW usually adds to a weight, as a share of the learning rate


class Muon(torch.optim.Optimizer):
    """Muon for parameters of two or more dimensions, each seen as a matrix of one row per output.

    Args:
        groups: parameter groups as torch takes them; `weight_decay` is decoupled, as in AdamW.
        lr: the learning rate that would suit AdamW.
    """

    def __init__(self, groups: list[dict[str, object]], lr: float) -> None:
        super().__init__(groups, {"lr": lr, "weight_decay": 0.0})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One step along the gradients."""
        assert closure is None
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                if not self.state[weight]:
                    self.state[weight]["mean"] = torch.zeros_like(weight)
                mean = self.state[weight]["mean"]
                mean.lerp_(weight.grad, 1 - MOMENTUM)
                ahead = weight.grad.lerp(mean, MOMENTUM).flatten(1)  # Nesterov's
                scale = ADAMW_RMS * max(ahead.shape) ** 0.5
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.add_(orthogonal(ahead).view(weight.shape), alpha=-group["lr"] * scale)


def orthogonal(matrix: Tensor) -> Tensor:
    """(R, C) with the singular vectors of `matrix`; singular values over 0.002 of its norm become 0.68 to 1.21."""
    a, b, c = NEWTON_SCHULZ
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x


def mixes_channels(weight: nn.Parameter) -> bool:
    """Whether Muon is for a parameter: a matrix or kernel, but not a depthwise one, which is left to AdamW."""
    return weight.ndim > 1 and weight.shape[1] > 1
