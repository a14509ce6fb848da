"""SimOTA: which output rows of the net answer for which person.

Source: Ge et al., YOLOX, arXiv:2107.08430, section 2.1 "SimOTA", after "OTA", arXiv:2103.14259: candidates lie in
a box and near its centre, cost is classification plus 3 times the IoU loss, and each person takes as many rows as the
sum of its ten best IoUs. Changed: the classification cost is that of the one joint score (object times person) trained.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

CENTRE_RADIUS = 2.5  # strides
TOP_IOUS = 10
OUTSIDE_COST = 1e5


@dataclass(frozen=True, slots=True)
class Assignment:
    """`rows` (K,) that are positive, the person of each `people` (K,), and their IoU `ious` (K,)."""

    rows: Tensor
    people: Tensor
    ious: Tensor


def pairwise_iou(a: Tensor, b: Tensor) -> Tensor:
    """IoU of (N, 4) and (M, 4) xyxy boxes -> (N, M)."""
    low = torch.maximum(a[:, None, :2], b[None, :, :2])
    high = torch.minimum(a[:, None, 2:], b[None, :, 2:])
    inner = (high - low).clamp(min=0).prod(dim=2)
    area_a, area_b = (a[:, 2:] - a[:, :2]).prod(dim=1), (b[:, 2:] - b[:, :2]).prod(dim=1)
    return inner / (area_a[:, None] + area_b[None] - inner).clamp(min=1e-9)


@torch.no_grad()
def assign(boxes: Tensor, log_scores: Tensor, people: Tensor, points: Tensor, strides: Tensor) -> Assignment:
    """Predicted boxes (N, 4), log of the joint score (N,), people (G, 4) and the grid of the rows -> positives.

    Each row answers for at most one person. A person without any candidate row gets none.
    """
    if len(people) == 0:
        empty = torch.zeros(0, dtype=torch.int64)
        return Assignment(empty, empty, torch.zeros(0))
    at = points + strides[:, None] / 2
    in_box = ((at[:, None] > people[None, :, :2]) & (at[:, None] < people[None, :, 2:])).all(dim=2)
    middle = (people[:, :2] + people[:, 2:]) / 2
    near = ((at[:, None] - middle[None]).abs() < CENTRE_RADIUS * strides[:, None, None]).all(dim=2)
    candidates = (in_box | near).any(dim=1).nonzero()[:, 0]
    if len(candidates) == 0:
        return Assignment(candidates, candidates, torch.zeros(0))
    iou = pairwise_iou(boxes[candidates], people)
    cost = (
        -log_scores[candidates, None].clamp(min=-20.0)
        - 3.0 * (iou + 1e-8).log()
        + OUTSIDE_COST * (~(in_box & near)[candidates]).float()
    )
    wanted = iou.topk(min(TOP_IOUS, len(candidates)), dim=0).values.sum(dim=0).int().clamp(min=1)
    rank = cost.argsort(dim=0, stable=True).argsort(dim=0, stable=True)
    chosen = rank < wanted[None]
    # A row wanted by several people goes to the one it costs least, even where that one had not asked for it.
    contested = chosen.sum(dim=1) > 1
    chosen[contested] = functional.one_hot(cost[contested].argmin(dim=1), len(people)).bool()
    place, person = chosen.nonzero(as_tuple=True)
    return Assignment(candidates[place], person, iou[place, person])
