"""The training loss of one batch: boxes by IoU, and one joint score."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from perdure.train.detector.assign import assign, pairwise_iou
from perdure.train.detector.nano import anchor_points, decode_boxes, flatten_levels

IGNORED_SHARE = 0.5
HELD_FROM = 0.01
SAME_IOU = 0.5


@dataclass(frozen=True, slots=True)
class Targets:
    """People (G, 4), regions to ignore (M, 4) and people in doubt (P, 5: with their worth), float32 xyxy px."""

    people: Tensor
    ignore: Tensor
    likely: Tensor = field(default_factory=lambda: torch.zeros(0, 5))


@dataclass(frozen=True, slots=True)
class Losses:
    """Mean losses per positive row (scalars), and how many positive rows a person had."""

    box: Tensor
    score: Tensor
    rows_per_person: float

    def total(self, box_weight: float) -> Tensor:
        """The value to minimise."""
        return box_weight * self.box + self.score


def log_joint_score(rows: Tensor) -> Tensor:
    """log(object probability times person probability) of raw rows (..., 6) -> (...)."""
    return functional.logsigmoid(rows[..., 4]) + functional.logsigmoid(rows[..., 5])


def joint_score_loss(log_score: Tensor, target: Tensor) -> Tensor:
    """Binary cross-entropy of the joint score against a target in [0, 1], element by element.

    The parent's two scores are trained as the one product that is used: with one class, a loss on objectness alone
    would first have to unlearn cars and dogs, which the product already rejects.
    """
    log_score = log_score.clamp(max=-1e-6)
    # log(1 - exp(x)) without cancellation: Maechler, "Accurately computing log(1 - exp(-|a|))", equation 7.
    near_one = log_score > -0.693
    log_rest = torch.where(
        near_one,
        torch.log(-torch.expm1(torch.where(near_one, log_score, -0.5))),
        torch.log1p(-torch.exp(torch.where(near_one, -1.0, log_score))),
    )
    return -(target * log_score + (1 - target) * log_rest)


def iou_loss(boxes: Tensor, people: Tensor) -> Tensor:
    """1 - IoU squared, of (K, 4) against (K, 4) xyxy -> (K,) (YOLOX's box loss)."""
    low, high = torch.maximum(boxes[:, :2], people[:, :2]), torch.minimum(boxes[:, 2:], people[:, 2:])
    inner = (high - low).clamp(min=0).prod(dim=1)
    union = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1) + (people[:, 2:] - people[:, :2]).prod(dim=1) - inner
    return 1 - (inner / union.clamp(min=1e-9)) ** 2


def ignored_rows(boxes: Tensor, at: Tensor, regions: Tensor) -> Tensor:
    """Rows (N,) bool whose grid point, or at least half of whose box, lies in a region to ignore (M, 4)."""
    if len(regions) == 0:
        return torch.zeros(len(boxes), dtype=torch.bool)
    centre_in = ((at[:, None] > regions[None, :, :2]) & (at[:, None] < regions[None, :, 2:])).all(dim=2)
    low, high = (
        torch.maximum(boxes[:, None, :2], regions[None, :, :2]),
        torch.minimum(boxes[:, None, 2:], regions[None, :, 2:]),
    )
    inner = (high - low).clamp(min=0).prod(dim=2)
    share = inner / (boxes[:, 2:] - boxes[:, :2]).prod(dim=1).clamp(min=1e-6)[:, None]
    return (centre_in | (share >= IGNORED_SHARE)).any(dim=1)


@dataclass(frozen=True, slots=True)
class Retention:
    """How far rows that answer for nobody follow the parent's score: where a person is known, and where none is.

    Rows whose box the parent sees lower than `small_below_px` keep its whole score, and so does a small person's row
    that answers where the parent is the surer: few pictures label the small, and silence about them unteaches them.
    """

    known: float
    unknown: float
    small_below_px: float = 0.0


@torch.no_grad()
def held_scores(
    rows: Tensor, points: Tensor, strides: Tensor, people: Tensor, worth: Tensor, retention: Retention
) -> Tensor:
    """The scores (N,) that the parent's raw rows (N, 6) of one picture hold a net to.

    A share of the parent's score, and where the parent's box is a known person's, no more than that one's worth;
    the whole score where the box is small.
    """
    scores = log_joint_score(rows).exp()
    held = retention.unknown * scores
    sure = (scores > HELD_FROM).nonzero()[:, 0]
    boxes = decode_boxes(rows[sure], points[sure], strides[sure])
    if len(people) and len(sure):
        overlap, whose = pairwise_iou(boxes, people).max(dim=1)
        known = overlap >= SAME_IOU
        held[sure[known]] = torch.minimum(retention.known * scores[sure[known]], worth[whose[known]])
    small = boxes[:, 3] - boxes[:, 1] < retention.small_below_px
    held[sure[small]] = scores[sure[small]]
    return held


def detection_losses(
    maps: list[Tensor],
    targets: list[Targets],
    parent_maps: list[Tensor] | None = None,
    retention: Retention = Retention(0.0, 0.0),
) -> Losses:
    """Raw maps of a batch and the targets of its pictures -> losses. Rows in ignore regions say nothing.

    With the parent's maps of the same pictures, a row that answers for nobody is held to a share of the parent's
    score instead of 0: the net keeps its parent's judgement where a small set has nothing to say (Li and Hoiem,
    "Learning without forgetting", arXiv:1606.09282). A person in doubt counts by its worth, in both losses.
    """
    rows = flatten_levels([level.float() for level in maps])  # (B, N, 6)
    height, width = maps[0].shape[2] * 8, maps[0].shape[3] * 8
    points, strides = anchor_points(height, width, rows.device)
    boxes, log_scores = decode_boxes(rows, points, strides), log_joint_score(rows)
    wanted, counted = torch.zeros_like(log_scores), torch.ones_like(log_scores)
    parent_rows = None if parent_maps is None else flatten_levels([level.float() for level in parent_maps])
    predicted, true, worths, people = [], [], [], 0
    for index, target in enumerate(targets):
        with torch.no_grad():
            counted[index][ignored_rows(boxes[index], points + strides[:, None] / 2, target.ignore)] = 0.0
        every = torch.cat([target.people, target.likely[:, :4]])
        worth = torch.cat([torch.ones(len(target.people)), target.likely[:, 4]])
        if parent_rows is not None:
            wanted[index] = held_scores(parent_rows[index], points, strides, every, worth, retention)
        taken = assign(boxes[index], log_scores[index], every, points, strides)
        counted[index, taken.rows] = 1.0
        answer = taken.ious * worth[taken.people]
        small = every[taken.people, 3] - every[taken.people, 1] < retention.small_below_px
        wanted[index, taken.rows] = torch.where(small, torch.maximum(answer, wanted[index, taken.rows]), answer)
        predicted.append(boxes[index, taken.rows])
        true.append(every[taken.people])
        worths.append(worth[taken.people])
        people += len(every)
    positives = sum(len(part) for part in predicted)
    box = (iou_loss(torch.cat(predicted), torch.cat(true)) * torch.cat(worths)).sum() / max(positives, 1)
    score = (joint_score_loss(log_scores, wanted) * counted).sum() / max(positives, 1)
    return Losses(box, score, positives / max(people, 1))
