"""Train `perdure-det` further from its parent, as one loop read from top to bottom.

`perdure train detector --config detector.yaml [--resume]`: augmented batches, SimOTA, one joint score, a moving average
of the weights that is scored after each epoch on pictures held out, and at the end a blend of parent and trained
weights chosen on them (Wortsman et al., "Robust fine-tuning of zero-shot models", arXiv:2109.01903): a small set makes
a net forget.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from perdure.errors import ConfigError, ModelError
from perdure.train.detector.batches import SQUEEZED_ASPECT, Batch, Batches, times_seen
from perdure.train.detector.config import DetectorTraining, read_config
from perdure.train.detector.data import Picture, read_coco
from perdure.train.detector.distill import with_teacher
from perdure.train.detector.evaluate import detect_all, report
from perdure.train.detector.export import Rows, export_onnx
from perdure.train.detector.load import cut_to_person, load_exported, load_parent
from perdure.train.detector.losses import Retention, detection_losses
from perdure.train.detector.nano import BACKBONE, YoloxNano

AREAS_PX2 = (640 * 384, 512 * 288)
VAL = "val"
CURVE_COLUMNS = "epoch,step,loss_box,loss_score,rows_per_person"


@dataclass(frozen=True, slots=True)
class Score:
    """AP50 per group of pictures that nothing was trained on."""

    groups: dict[str, float]

    @property
    def selection(self) -> float:
        """What training is selected by; val counts half, for its pictures are neighbours of those trained on."""
        weights = {name: 0.5 if name == VAL else 1.0 for name in self.groups}
        return sum(weights[name] * ap50 for name, ap50 in self.groups.items()) / sum(weights.values())

    def worst_loss(self, start: Score) -> float:
        """How far the worst group lies below `start`."""
        return max(start.groups[name] - ap50 for name, ap50 in self.groups.items())

    def __str__(self) -> str:
        return " ".join(f"{name} {ap50:.4f}" for name, ap50 in self.groups.items())


def train_detector(config_path: Path, resume: bool = False) -> None:
    """Run the training a YAML file describes; writes checkpoints, `curve.csv` and `perdure_det.onnx` into its `out`.

    Raises:
        ConfigError, InputError, ModelError: configuration, labels or parent are not as they should be.
    """
    config = read_config(config_path)
    net, score = train(config, resume)
    digest = export_onnx(net, config.out / "perdure_det.onnx")
    print(f"{config.out / 'perdure_det.onnx'}: {score} sha256 {digest}")  # noqa: T201


def train(config: DetectorTraining, resume: bool = False) -> tuple[YoloxNano, Score]:
    """The loop. With the same configuration and threads it gives the same weights, resumed or not."""
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    config.out.mkdir(parents=True, exist_ok=True)
    pictures, groups = divide(config)
    batches = Batches(with_teacher(pictures, config), config)
    parent = cut_to_person(load_parent(config.parent)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    net = begin(parent, config)
    for name in config.frozen:
        net.get_submodule(name).requires_grad_(False)
    shared = [name for name in config.frozen if name in BACKBONE]
    average = copy.deepcopy(net)
    optimiser = torch.optim.AdamW(_parameter_groups(net, config.weight_decay), lr=config.lr)
    first, best = _restore(config.out / "last.pt", net, average, optimiser) if resume else (0, float("-inf"))
    if first == 0:
        (config.out / "curve.csv").write_text(",".join((CURVE_COLUMNS, *groups, "seconds")) + "\n")
    retention = Retention(config.parent_share, config.unknown_share, config.small_below_px)
    began = time.monotonic()
    for epoch in range(first, config.epochs):
        epoch_began = time.monotonic()
        net.train()
        box_sum = score_sum = rows_sum = 0.0
        for step, batch in enumerate(ahead(batches, epoch)):
            seen = epoch * batches.steps + step
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(seen, config.epochs * batches.steps, config)
            images = batch.images.contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16, enabled=config.bfloat16):
                maps, parent_maps = both_maps(net, parent, images, set(shared))
            losses = detection_losses(maps, batch.targets, parent_maps, retention)
            optimiser.zero_grad(set_to_none=True)
            losses.total(config.box_weight).backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(net.parameters(), config.clip_norm)
            optimiser.step()
            follow(average, net, min(config.ema_decay, (1 + seen) / (10 + seen)))
            box_sum, score_sum = box_sum + losses.box.item(), score_sum + losses.score.item()
            rows_sum += losses.rows_per_person
            if step % 20 == 0:
                left = (time.monotonic() - began) / (seen + 1 - first * batches.steps)
                left *= config.epochs * batches.steps - seen - 1
                told = f"box {box_sum / (step + 1):.4f} score {score_sum / (step + 1):.4f}"
                print(f"epoch {epoch} step {step}/{batches.steps} {told} left {left / 60:.0f} min", flush=True)  # noqa: T201
        spent = time.monotonic() - epoch_began
        due = (epoch + 1) % config.evaluate_every == 0 or epoch + 1 == config.epochs
        score = evaluate(average, groups, config) if due else Score({})
        means = [total / batches.steps for total in (box_sum, score_sum, rows_sum)]
        with (config.out / "curve.csv").open("a") as curve:
            scores = [f"{score.groups[name]:.4f}" if due else "" for name in groups]
            told = ",".join([f"{mean:.4f}" for mean in means] + scores + [f"{spent:.1f}"])
            curve.write(f"{epoch},{(epoch + 1) * batches.steps},{told}\n")
        print(f"epoch {epoch}: {score} in {spent:.0f} s", flush=True)  # noqa: T201
        if due and score.selection > best:
            best = score.selection
            torch.save(average.state_dict(), config.out / "best.pt")
        _save(config.out / "last.pt", net, average, optimiser, epoch + 1, best)
    trained = copy.deepcopy(parent)
    trained.load_state_dict(torch.load(config.out / "best.pt", weights_only=True))
    return choose_blend(parent, trained, groups, config)


def begin(parent: YoloxNano, config: DetectorTraining) -> YoloxNano:
    """The weights that training starts from: the parent's, or some way along the line from them to `start`.

    Raises:
        ModelError: `start` is no exported perdure-det.
    """
    if config.start is None:
        return copy.deepcopy(parent)
    return blend(parent, load_exported(config.start), config.start_share)


def divide(config: DetectorTraining) -> tuple[list[Picture], dict[str, list[Picture]]]:
    """Pictures to train on, and the groups to select by: those held out of train, and what val may be used for.

    Raises:
        ConfigError: a group is empty.
    """
    pictures, groups = read_coco(config.train), {}
    for name, starts in config.held_out.items():
        groups[name] = [picture for picture in pictures if picture.name.startswith(starts)]
        pictures = [picture for picture in pictures if not picture.name.startswith(starts)]
    pictures = [picture for picture in pictures if times_seen(picture, config.repeat) > 0]
    groups[VAL] = [picture for picture in read_coco(config.val) if picture.subset not in config.only_reported]
    for name, group in groups.items():
        if not group:
            raise ConfigError(f"nothing to select by in {name!r}; check `held_out`, `val` and `only_reported`")
    return pictures, {name: evenly(group, config.scored_most) for name, group in groups.items()}


def evenly(pictures: list[Picture], most: int) -> list[Picture]:
    """At most so many of the pictures, evenly spaced."""
    count = min(most, len(pictures))
    return [pictures[index * len(pictures) // count] for index in range(count)]


def both_maps(net: YoloxNano, parent: YoloxNano, images: Tensor, frozen: set[str]) -> tuple[list[Tensor], list[Tensor]]:
    """Raw maps of the net and of its parent; stages that are the parent's own run once."""
    with torch.set_grad_enabled(not {"stem", "dark2", "dark3"} <= frozen):
        c3 = net.shallow(images)
    with torch.set_grad_enabled(not set(BACKBONE) <= frozen):
        features = net.deeper(c3)
    with torch.no_grad():
        same = c3.detach() if {"stem", "dark2", "dark3"} <= frozen else parent.shallow(images)
        told = parent.detect(features if set(BACKBONE) <= frozen else parent.deeper(same))
    return net.detect(features), told


def ahead(batches: Batches, epoch: int) -> Iterator[Batch]:
    """The batches of one epoch in order, the next one made in a thread while the net works on this one."""
    order = batches.order(epoch)
    with ThreadPoolExecutor(1) as worker:
        coming = worker.submit(batches.make, epoch, 0, order[0])
        for step in range(len(order)):
            batch = coming.result()
            if step + 1 < len(order):
                coming = worker.submit(batches.make, epoch, step + 1, order[step + 1])
            yield batch


def learning_rate(step: int, steps: int, config: DetectorTraining) -> float:
    """Linear warm-up, then half a cosine down to `final_lr_share`."""
    if step < config.warmup_steps:
        return config.lr * (step + 1) / config.warmup_steps
    done = (step - config.warmup_steps) / max(1, steps - config.warmup_steps)
    return config.lr * (config.final_lr_share + (1 - config.final_lr_share) * 0.5 * (1 + math.cos(math.pi * done)))


@torch.no_grad()
def follow(average: nn.Module, net: nn.Module, decay: float) -> None:
    """Move the averaged weights towards the trained ones."""
    for slow, fast in zip(average.parameters(), net.parameters(), strict=True):
        slow.lerp_(fast, 1 - decay)


def evaluate(net: YoloxNano, groups: dict[str, list[Picture]], config: DetectorTraining) -> Score:
    """AP50 of each group, the mean of two sizes; pictures that were squeezed into squares are wide again."""
    rows = Rows(net).eval()

    def run(images: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.no_grad():
            return np.asarray(rows(torch.from_numpy(images)).numpy(), np.float32)

    def ap50(pictures: list[Picture], area_px2: float) -> float:
        squeezed = [picture for picture in pictures if picture.subset in config.stretched]
        rest = [picture for picture in pictures if picture.subset not in config.stretched]
        found = detect_all(run, squeezed, area_px2, SQUEEZED_ASPECT) + detect_all(run, rest, area_px2)
        return report(found, squeezed + rest).ap50

    return Score(
        {name: sum(ap50(group, area) for area in AREAS_PX2) / len(AREAS_PX2) for name, group in groups.items()}
    )


def blend(parent: YoloxNano, trained: YoloxNano, share: float) -> YoloxNano:
    """Weights on the line from parent (0) to trained (1)."""
    mixed = copy.deepcopy(parent)
    follow(mixed, trained, 1 - share)
    return mixed


def choose_blend(
    parent: YoloxNano, trained: YoloxNano, groups: dict[str, list[Picture]], config: DetectorTraining
) -> tuple[YoloxNano, Score]:
    """The best of the blends that lose no more than `may_lose` on any group, or else the parent."""
    start = evaluate(parent, groups, config)
    best = (parent, start)
    for share in config.blends:
        mixed = blend(parent, trained, share)
        score = evaluate(mixed, groups, config)
        print(f"blend {share:.2f}: {score}", flush=True)  # noqa: T201
        if score.selection > best[1].selection and score.worst_loss(start) <= config.may_lose:
            best = (mixed, score)
    return best


def _parameter_groups(net: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    free = [parameter for parameter in net.parameters() if parameter.requires_grad]
    weights, biases = [p for p in free if p.ndim > 1], [p for p in free if p.ndim <= 1]
    return [{"params": weights, "weight_decay": weight_decay}, {"params": biases, "weight_decay": 0.0}]


def _save(
    path: Path, net: nn.Module, average: nn.Module, optimiser: torch.optim.Optimizer, epoch: int, best: float
) -> None:
    state = {"net": net.state_dict(), "average": average.state_dict(), "optimiser": optimiser.state_dict()}
    partial = path.with_suffix(".partial")
    torch.save({**state, "epoch": epoch, "best": best}, partial)
    partial.replace(path)


def _restore(path: Path, net: nn.Module, average: nn.Module, optimiser: torch.optim.Optimizer) -> tuple[int, float]:
    if not path.is_file():
        raise ModelError(f"{path}: nothing to resume; start without --resume")
    state = torch.load(path, weights_only=True)
    net.load_state_dict(state["net"])
    average.load_state_dict(state["average"])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["epoch"]), float(state["best"])
