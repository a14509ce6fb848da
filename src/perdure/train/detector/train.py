"""Train `perdure-det` further from its parent, as one loop read from top to bottom.

`perdure train detector --config detector.yaml [--resume]`: augmented batches, SimOTA, one joint score, a moving average
of the weights that is scored on val after each epoch, and at the end a blend of parent and trained weights chosen on
val (Wortsman et al., "Robust fine-tuning of zero-shot models", arXiv:2109.01903): a small set makes a net forget.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from perdure.errors import ModelError
from perdure.train.detector.batches import SQUEEZED_ASPECT, Batch, Batches
from perdure.train.detector.config import DetectorTraining, read_config
from perdure.train.detector.data import Picture, read_coco
from perdure.train.detector.evaluate import detect_all, report
from perdure.train.detector.export import Rows, export_onnx
from perdure.train.detector.load import cut_to_person, load_parent
from perdure.train.detector.losses import detection_losses
from perdure.train.detector.nano import BACKBONE, YoloxNano

CLEAN_AREAS_PX2 = (640 * 384, 512 * 288)
STREET_AREA_PX2 = 512 * 288
CURVE_COLUMNS = "epoch,step,loss_box,loss_score,rows_per_person,clean_ap50,street_ap50,seconds"


@dataclass(frozen=True, slots=True)
class Score:
    """AP50 on val: pictures of footage that train has not seen, and the rest, neighbours of train pictures."""

    clean: float
    street: float

    @property
    def selection(self) -> float:
        """What training is selected by; the clean part counts double because the rest can be learned by heart."""
        return (2 * self.clean + self.street) / 3


def train_detector(config_path: Path, resume: bool = False) -> None:
    """Run the training a YAML file describes; writes checkpoints, `curve.csv` and `perdure_det.onnx` into its `out`.

    Raises:
        ConfigError, InputError, ModelError: configuration, labels or parent are not as they should be.
    """
    config = read_config(config_path)
    net, score = train(config, resume)
    digest = export_onnx(net, config.out / "perdure_det.onnx")
    print(f"{config.out / 'perdure_det.onnx'}: clean {score.clean:.4f} street {score.street:.4f} sha256 {digest}")  # noqa: T201


def train(config: DetectorTraining, resume: bool = False) -> tuple[YoloxNano, Score]:
    """The loop. With the same configuration and threads it gives the same weights, resumed or not."""
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    config.out.mkdir(parents=True, exist_ok=True)
    batches, val = Batches(read_coco(config.train), config), read_coco(config.val)
    parent = cut_to_person(load_parent(config.parent)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    net = copy.deepcopy(parent)
    for name in config.frozen:
        net.get_submodule(name).requires_grad_(False)
    frozen_backbone = not any(p.requires_grad for stage in BACKBONE for p in net.get_submodule(stage).parameters())
    average = copy.deepcopy(parent)
    optimiser = torch.optim.AdamW(_parameter_groups(net, config.weight_decay), lr=config.lr)
    first, best = _restore(config.out / "last.pt", net, average, optimiser) if resume else (0, float("-inf"))
    if first == 0:
        (config.out / "curve.csv").write_text(CURVE_COLUMNS + "\n")
        start = evaluate(parent, val, config)
        print(f"parent: clean {start.clean:.4f} street {start.street:.4f}", flush=True)  # noqa: T201
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
            features = net.features(images)
            with torch.no_grad():
                parent_maps = parent.detect(features if frozen_backbone else parent.features(images))
            losses = detection_losses(net.detect(features), batch.targets, parent_maps, config.parent_share)
            optimiser.zero_grad(set_to_none=True)
            losses.total(config.box_weight).backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(net.parameters(), config.clip_norm)
            optimiser.step()
            follow(average, net, min(config.ema_decay, (1 + seen) / (10 + seen)))
            box_sum, score_sum = box_sum + losses.box.item(), score_sum + losses.score.item()
            rows_sum += losses.rows_per_person
            if step % 50 == 0:
                left = (time.monotonic() - began) / (seen + 1 - first * batches.steps)
                left *= config.epochs * batches.steps - seen - 1
                told = f"box {box_sum / (step + 1):.4f} score {score_sum / (step + 1):.4f}"
                print(f"epoch {epoch} step {step}/{batches.steps} {told} left {left / 60:.0f} min", flush=True)  # noqa: T201
        score = evaluate(average, val, config)
        spent = time.monotonic() - epoch_began
        means = [total / batches.steps for total in (box_sum, score_sum, rows_sum)]
        with (config.out / "curve.csv").open("a") as curve:
            told = ",".join(f"{value:.4f}" for value in (*means, score.clean, score.street, spent))
            curve.write(f"{epoch},{(epoch + 1) * batches.steps},{told}\n")
        print(f"epoch {epoch}: clean {score.clean:.4f} street {score.street:.4f} in {spent:.0f} s", flush=True)  # noqa: T201
        if score.selection > best:
            best = score.selection
            torch.save(average.state_dict(), config.out / "best.pt")
        _save(config.out / "last.pt", net, average, optimiser, epoch + 1, best)
    trained = copy.deepcopy(parent)
    trained.load_state_dict(torch.load(config.out / "best.pt", weights_only=True))
    return choose_blend(parent, trained, val, config)


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


def evaluate(net: YoloxNano, val: Sequence[Picture], config: DetectorTraining) -> Score:
    """AP50 on val: the clean part at two sizes, the pictures that were squeezed into squares wide again."""
    rows = Rows(net).eval()

    def run(images: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.no_grad():
            return np.asarray(rows(torch.from_numpy(images)).numpy(), np.float32)

    clean = [picture for picture in val if picture.subset == config.clean_subset]
    street = [picture for picture in val if picture.subset != config.clean_subset]
    squeezed = [picture for picture in street if picture.subset in config.stretched]
    rest = [picture for picture in street if picture.subset not in config.stretched]
    clean_ap = [report(detect_all(run, clean, area), clean).ap50 for area in CLEAN_AREAS_PX2] if clean else [0.0]
    found = detect_all(run, squeezed, STREET_AREA_PX2, SQUEEZED_ASPECT) + detect_all(run, rest, STREET_AREA_PX2)
    street_ap = report(found, squeezed + rest).ap50 if street else 0.0
    return Score(sum(clean_ap) / len(clean_ap), street_ap)


def blend(parent: YoloxNano, trained: YoloxNano, share: float) -> YoloxNano:
    """Weights on the line from parent (0) to trained (1)."""
    mixed = copy.deepcopy(parent)
    follow(mixed, trained, 1 - share)
    return mixed


def choose_blend(
    parent: YoloxNano, trained: YoloxNano, val: Sequence[Picture], config: DetectorTraining
) -> tuple[YoloxNano, Score]:
    """The best on val of the blends that lose no more than `may_lose` on either part of it, or else the parent."""
    start = evaluate(parent, val, config)
    best = (parent, start)
    for share in config.blends:
        mixed = blend(parent, trained, share)
        score = evaluate(mixed, val, config)
        print(f"blend {share:.2f}: clean {score.clean:.4f} street {score.street:.4f}", flush=True)  # noqa: T201
        loses = min(score.clean - start.clean, score.street - start.street) < -config.may_lose
        if score.selection > best[1].selection and not loses:
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
