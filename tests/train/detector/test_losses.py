"""The losses against torch's own and against what ignoring means."""

from __future__ import annotations

import torch
from torch.nn import functional

from perdure.train.detector.losses import (
    Retention,
    Targets,
    detection_losses,
    held_scores,
    ignored_rows,
    iou_loss,
    joint_score_loss,
    log_joint_score,
)
from perdure.train.detector.nano import anchor_points, decode_boxes


def test_the_joint_loss_is_cross_entropy_of_the_product() -> None:
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(300, 6, generator=generator, dtype=torch.float64) * 4
    target = torch.rand(300, generator=generator, dtype=torch.float64)
    product = rows[:, 4].sigmoid() * rows[:, 5].sigmoid()
    ours = joint_score_loss(log_joint_score(rows), target)
    torch.testing.assert_close(ours, functional.binary_cross_entropy(product, target, reduction="none"))


def test_the_joint_loss_stays_finite_at_the_extremes() -> None:
    rows = torch.zeros(4, 6)
    rows[:, 4] = torch.tensor([80.0, -80.0, 80.0, -80.0])
    rows[:, 5] = torch.tensor([80.0, -80.0, -80.0, 80.0])
    rows.requires_grad_(True)
    for target in (0.0, 1.0):
        loss = joint_score_loss(log_joint_score(rows), torch.full((4,), target)).sum()
        (gradient,) = torch.autograd.grad(loss, rows)
        assert torch.isfinite(loss)
        assert torch.isfinite(gradient).all()


def test_box_loss_is_zero_for_the_same_box_and_one_apart() -> None:
    box = torch.tensor([[0.0, 0.0, 10.0, 20.0]])
    assert iou_loss(box, box).item() == 0.0
    assert iou_loss(box, box + 50).item() == 1.0
    half = torch.tensor([[0.0, 0.0, 10.0, 10.0]])
    torch.testing.assert_close(iou_loss(box, half), torch.tensor([0.75]))


def test_rows_inside_an_ignore_region_are_ignored() -> None:
    boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0], [30.0, 30.0, 40.0, 40.0], [8.0, 0.0, 18.0, 10.0]])
    at = torch.tensor([[50.0, 50.0], [5.0, 5.0], [50.0, 50.0]])
    region = torch.tensor([[0.0, 0.0, 12.0, 12.0]])
    assert ignored_rows(boxes, at, region).tolist() == [True, True, False]
    assert ignored_rows(boxes, at, torch.zeros(0, 4)).tolist() == [False, False, False]


def test_an_unlabelled_person_costs_only_outside_ignore_regions() -> None:
    maps = [torch.full((1, 6, 64 // s, 64 // s), -6.0) for s in (8, 16, 32)]
    for level in maps:
        level[:, :4] = 0.0
    maps[0][0, 4:, 3, 3] = 6.0  # sure of a person in the cell at (24, 24)
    nobody = torch.zeros(0, 4)
    punished = detection_losses(maps, [Targets(nobody, nobody)])
    forgiven = detection_losses(maps, [Targets(nobody, torch.tensor([[20.0, 20.0, 36.0, 36.0]]))])
    assert forgiven.score.item() < 0.05 * punished.score.item()
    assert punished.rows_per_person == 0.0


def test_the_background_is_held_to_a_share_of_the_parents_score() -> None:
    nobody = [Targets(torch.zeros(0, 4), torch.zeros(0, 4))]
    parent = [torch.full((1, 6, 64 // s, 64 // s), 3.0) for s in (8, 16, 32)]
    share = 0.5
    target = share * float(torch.tensor(3.0).sigmoid()) ** 2

    def loss(score: float) -> float:
        each = float(torch.logit(torch.tensor(score).sqrt()))
        maps = [torch.full_like(level, each) for level in parent]
        return detection_losses(maps, nobody, parent, Retention(0.0, share)).score.item()

    assert loss(target) < min(loss(0.8 * target), loss(1.2 * target), loss(0.01))


def test_a_known_person_holds_the_parents_score_down_to_its_worth() -> None:
    points, strides = anchor_points(64, 64)
    rows = torch.full((len(points), 6), -20.0)
    rows[:, :4] = 0.0
    rows[10, 4:] = rows[20, 4:] = 5.0
    boxes = decode_boxes(rows, points, strides)
    sure = float(torch.tensor(5.0).sigmoid()) ** 2
    held = held_scores(rows, points, strides, boxes[10:11], torch.tensor([0.25]), Retention(0.9, 0.3))
    assert held[10].item() == 0.25
    assert abs(held[20].item() - 0.3 * sure) < 1e-6
    held = held_scores(rows, points, strides, boxes[10:11], torch.tensor([1.0]), Retention(0.9, 0.3))
    assert abs(held[10].item() - 0.9 * sure) < 1e-6


def test_small_people_keep_the_parents_score() -> None:
    points, strides = anchor_points(64, 64)
    rows = torch.full((len(points), 6), -20.0)
    rows[:, :4] = 0.0  # boxes as large as their stride: 8 px for the first 64 rows, 16 px for the next
    rows[10, 4:] = rows[70, 4:] = 5.0
    sure = float(torch.tensor(5.0).sigmoid()) ** 2
    nobody, none = torch.zeros(0, 4), torch.zeros(0)
    held = held_scores(rows, points, strides, nobody, none, Retention(0.9, 0.3, small_below_px=12.0))
    assert abs(held[10].item() - sure) < 1e-6
    assert abs(held[70].item() - 0.3 * sure) < 1e-6


def test_a_small_person_is_worth_no_less_than_the_parent_says() -> None:
    maps = [torch.zeros(1, 6, 64 // s, 64 // s) for s in (8, 16, 32)]
    for level in maps:
        level[:, 4:] = -12.0
    parent = [level.clone() for level in maps]
    parent[0][0, 4:, 3, 3] = 3.0
    doubted = [Targets(torch.zeros(0, 4), torch.zeros(0, 4), torch.tensor([[24.0, 24.0, 32.0, 32.0, 0.1]]))]

    def loss(score: float, small_below_px: float) -> float:
        maps[0][0, :2, 3, 3] = 0.5
        maps[0][0, 4:, 3, 3] = float(torch.logit(torch.tensor(score).sqrt()))
        return detection_losses(maps, doubted, parent, Retention(0.9, 0.3, small_below_px)).score.item()

    assert loss(0.1, 0.0) < loss(0.9, 0.0)
    assert loss(0.9, 40.0) < loss(0.1, 40.0)


def test_a_person_in_doubt_counts_by_its_worth() -> None:
    def loss(score: float, worth: float) -> float:
        each = float(torch.logit(torch.tensor(score).sqrt()))
        maps = [torch.zeros(1, 6, 64 // s, 64 // s) for s in (8, 16, 32)]
        for level in maps:
            level[:, 4:] = -12.0
        maps[0][0, :, 3, 3] = torch.tensor([0.5, 0.5, 0.0, 0.0, each, each])  # a box of 8 px around (28, 28)
        doubted = torch.tensor([[24.0, 24.0, 32.0, 32.0, worth]])
        return detection_losses(maps, [Targets(torch.zeros(0, 4), torch.zeros(0, 4), doubted)]).score.item()

    assert loss(0.4, 0.4) < min(loss(0.2, 0.4), loss(0.8, 0.4))
    assert loss(0.9, 0.9) < loss(0.4, 0.9)


def test_learning_one_picture_finds_its_person() -> None:
    torch.manual_seed(0)
    maps = [torch.zeros(1, 6, 64 // s, 64 // s) for s in (8, 16, 32)]
    for level in maps:
        level[:, 4:] = -2.0
        level.requires_grad_(True)
    target = [Targets(torch.tensor([[18.0, 10.0, 40.0, 58.0]]), torch.zeros(0, 4))]
    optimiser = torch.optim.Adam(maps, lr=0.1)
    first = detection_losses(maps, target).total(5.0).item()
    for _ in range(80):
        optimiser.zero_grad()
        loss = detection_losses(maps, target).total(5.0)
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.2 * first
