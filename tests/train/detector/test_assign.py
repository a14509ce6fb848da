"""SimOTA against the paper written as loops."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from perdure.train.detector.assign import Assignment, assign, pairwise_iou
from perdure.train.detector.nano import anchor_points


def plain_iou(a: list[float], b: list[float]) -> float:
    wide = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    high = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    areas = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return wide * high / (areas - wide * high)


def plain_assign(boxes: Tensor, log_scores: Tensor, people: Tensor, points: Tensor, strides: Tensor) -> dict[int, int]:
    """Row -> person, one pair at a time."""
    cost, iou, candidates = {}, {}, set()
    for n in range(len(boxes)):
        x, y = (points[n] + strides[n] / 2).tolist()
        for g, (x1, y1, x2, y2) in enumerate(people.tolist()):
            inside = x1 < x < x2 and y1 < y < y2
            reach = 2.5 * strides[n].item()
            near = abs(x - (x1 + x2) / 2) < reach and abs(y - (y1 + y2) / 2) < reach
            if inside or near:
                candidates.add(n)
            iou[n, g] = plain_iou(boxes[n].tolist(), [x1, y1, x2, y2])
            cost[n, g] = -max(log_scores[n].item(), -20.0) - 3 * math.log(iou[n, g] + 1e-8)
            cost[n, g] += 0.0 if inside and near else 1e5
    wanted: dict[int, list[int]] = {}
    rows = sorted(candidates)
    for g in range(len(people)):
        k = max(1, int(sum(sorted((iou[n, g] for n in rows), reverse=True)[:10])))
        for n in sorted(rows, key=lambda n: cost[n, g])[:k]:
            wanted.setdefault(n, []).append(g)
    every = range(len(people))
    return {n: gs[0] if len(gs) == 1 else min(every, key=lambda g: cost[n, g]) for n, gs in wanted.items()}


@pytest.mark.parametrize("seed", range(6))
def test_equals_the_plain_loop(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    points, strides = anchor_points(96, 128)
    middle = points + strides[:, None] * torch.rand(len(points), 2, generator=generator)
    half = 8 + 14 * torch.rand(len(points), 2, generator=generator)
    boxes = torch.cat([middle - half, middle + half], dim=1)
    corner = torch.rand(5, 2, generator=generator) * torch.tensor([90.0, 50.0])
    people = torch.cat([corner, corner + 12 + 30 * torch.rand(5, 2, generator=generator)], dim=1)
    people[1] = people[0] + 3  # two people nearly on top of one another compete for rows
    log_scores = -4 * torch.rand(len(points), generator=generator)
    taken = assign(boxes, log_scores, people, points, strides)
    expected = plain_assign(boxes, log_scores, people, points, strides)
    assert dict(zip(taken.rows.tolist(), taken.people.tolist(), strict=True)) == expected
    overlaps = pairwise_iou(boxes[taken.rows], people)
    torch.testing.assert_close(taken.ious, overlaps[range(len(taken.rows)), taken.people])


def test_a_row_answers_for_one_person_and_nobody_is_left_out() -> None:
    points, strides = anchor_points(64, 64)
    boxes = torch.cat([points, points + strides[:, None]], dim=1)
    people = torch.tensor([[4.0, 4.0, 30.0, 60.0], [30.0, 4.0, 60.0, 60.0]])
    taken = assign(boxes, torch.zeros(len(points)), people, points, strides)
    assert len(set(taken.rows.tolist())) == len(taken.rows)
    assert set(taken.people.tolist()) == {0, 1}


def test_no_people_and_people_out_of_reach_give_no_positives() -> None:
    points, strides = anchor_points(64, 64)
    boxes = torch.cat([points, points + 8], dim=1)
    far = torch.tensor([[900.0, 900.0, 950.0, 990.0]])
    for people in (torch.zeros(0, 4), far):
        taken: Assignment = assign(boxes, torch.zeros(len(points)), people, points, strides)
        assert len(taken.rows) == len(taken.people) == len(taken.ious) == 0
