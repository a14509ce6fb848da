"""Training of the body embedder: one flat loop.

    perdure train embedder --config src/perdure/train/embedder/configs/perdure-s.yaml
    perdure train embedder --config ... --resume

Every phase of the file is run in order; the running mean of the weights is what is validated, kept and shipped. A
checkpoint is written after every epoch and the run can be taken up from it.
"""

from __future__ import annotations

import json
import logging
import time
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from perdure.errors import ConfigError, InputError
from perdure.train.embedder.augment import augment, plain
from perdure.train.embedder.config import Phase, TrainingConfig, expand, read_config
from perdure.train.embedder.csp import load_backbone, of_backbone
from perdure.train.embedder.data import Crops, read_crops
from perdure.train.embedder.distill import evening
from perdure.train.embedder.export import export_onnx
from perdure.train.embedder.last_layer import steady_last_layer, turn_last_layer
from perdure.train.embedder.losses import (
    batch_hard_triplet,
    box_consistency,
    centre,
    centroid_triplet,
    circle,
    contrastive,
    identity_loss,
    moved_centres,
    teacher_cosine,
    teacher_relations,
)
from perdure.train.embedder.material import Batch, Material, batches_of, gather
from perdure.train.embedder.muon import Muon, mixes_channels
from perdure.train.embedder.nets import BodyNet, BodyOutput
from perdure.train.embedder.quality import identity_centres, train_quality
from perdure.train.embedder.restore import put_weights
from perdure.train.embedder.validate import as_planes, validate

log = logging.getLogger(__name__)

CLASSIFIER_SCALE = (
    0.6  # length of each row at the start: with embeddings of 25 (perdure-s) a softmax of 15 times the cosine
)


class Learner(nn.Module):
    """The network, and the identity classifier and the identities' centres that only training needs."""

    centres: Tensor

    def __init__(self, net: BodyNet, identities: int) -> None:
        super().__init__()
        self.net = net
        self.classify = nn.Linear(net.shape.dim, identities, bias=False)
        nn.init.normal_(self.classify.weight, std=0.01)
        self.register_buffer("centres", torch.zeros(identities, net.shape.dim))

    def forward(self, images: Tensor) -> tuple[BodyOutput, Tensor]:
        """The network's outputs and the classifier's logits, (N, identities)."""
        out = self.net(images)
        return out, self.classify(out.embedding)

    def follow(self, raw: Tensor, labels: Tensor) -> None:
        """Move the centres towards a batch of raw embeddings (N, D); -1 is nobody's."""
        known = labels >= 0
        self.centres.copy_(moved_centres(self.centres, raw[known].detach(), labels[known]))


def train_embedder(config_path: Path, resume: bool) -> None:
    """Run the training that `config_path` describes; with `resume`, go on from its last checkpoint.

    Raises:
        ConfigError: the file is wrong.
        InputError: the data cannot be read, or there is nothing to resume.
    """
    config = read_config(config_path)
    if config.start is not None and not expand(config.start).is_file():  # told before the teacher's long work
        raise InputError(
            f"cannot read the weights {expand(config.start)} to start from: no such file, train them first"
        )
    material = gather(config)
    run = begin(config, material)
    if resume:
        run.load()
    for number, phase in enumerate(config.phases):
        if number >= run.phase:
            run_phase(run, number, phase, material)
    finish(run, material)


def begin(config: TrainingConfig, material: Material) -> Run:
    """A run at its start: a new network, or the weights to start from."""
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    learner = Learner(BodyNet(config.net), len(np.unique(material.labelled.identities)))
    if config.backbone is not None and config.net.blocks == "csp":
        pictures = augmented(material.labelled, config, np.random.default_rng((config.seed, 5)))
        load_backbone(learner.net.stem, learner.net.stages, expand(config.backbone), learner.net.scaled(pictures))
    if config.start is not None:
        start_from(learner, expand(config.start), config, material)
    learner.to(device_of(config), memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Run(config, learner)


def start_from(learner: Learner, path: Path, config: TrainingConfig, material: Material) -> None:
    """Put kept weights (`-<phase>.pt`) or a shipped file (`.onnx`) into the network.

    The classifier begins at the centres of the identities: the first steps do not undo what the network knows.
    """
    crops, rng = material.labelled, np.random.default_rng((config.seed, 5))
    put_weights(learner.net, path, augmented(crops, config, rng))
    centres = identity_centres(learner.net, crops, material.labels, config.size_hw, rng)
    with torch.no_grad():
        learner.classify.weight.copy_(centres * CLASSIFIER_SCALE)


def augmented(crops: Crops, config: TrainingConfig, rng: np.random.Generator) -> Tensor:
    """(B, 3, H, W) at most 256 crops as the network will see them."""
    some = rng.permutation(len(crops))[: min(len(crops), 256)]
    pictures = [augment(crops.pixels[i], crops.pixels[i - 1], config.size_hw, config.augment, rng) for i in some]
    return as_planes(np.stack(pictures))


def device_of(config: TrainingConfig) -> torch.device:
    """Where to train; raises `ConfigError` where a GPU is asked for and there is none."""
    if config.device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device: cuda, but torch finds no GPU: use auto or cpu, or install a torch with CUDA")
    return torch.device("cuda" if config.device != "cpu" and torch.cuda.is_available() else "cpu")


class Run:
    """The state that a checkpoint keeps: weights, their running mean, and how far the run has come."""

    def __init__(self, config: TrainingConfig, learner: Learner) -> None:
        self.config = config
        self.learner = learner
        self.average = deepcopy(learner).eval()
        self.phase = 0
        self.epoch = 0
        self.optimizer_states: list[dict[str, object]] | None = None
        self.folder = expand(config.folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def checkpoint(self) -> Path:
        """The file that is overwritten after every epoch."""
        return self.folder / f"{self.config.name}.pt"

    def save(self, optimizers: list[torch.optim.Optimizer]) -> None:
        """Write the checkpoint whole or not at all."""
        content = {
            "learner": self.learner.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.config.optimizer,
            "optimizers": [o.state_dict() for o in optimizers],
            "phase": self.phase,
            "epoch": self.epoch,
        }
        draft = self.checkpoint.with_suffix(".tmp")
        torch.save(content, draft)
        draft.replace(self.checkpoint)

    def load(self) -> None:
        """Take up the checkpoint; raises `InputError` where there is none or it is of another network or optimizer."""
        if not self.checkpoint.is_file():
            raise InputError(f"there is no checkpoint {self.checkpoint} to resume from: start without --resume")
        where = self.learner.classify.weight.device
        content = torch.load(self.checkpoint, weights_only=True, map_location=where)
        if content["optimizer"] != self.config.optimizer:
            raise InputError(f"{self.checkpoint} is not of {self.config.optimizer}: give the run a new name")
        try:
            self.learner.load_state_dict(content["learner"])
            self.average.load_state_dict(content["average"])
        except RuntimeError as error:
            raise InputError(f"{self.checkpoint} is of another network or data set: give the run a new name") from error
        self.optimizer_states = content["optimizers"]
        self.phase, self.epoch = content["phase"], content["epoch"]

    def step(self, phase: Phase, batch: Batch, optimizers: list[torch.optim.Optimizer], learning_rate: float) -> float:
        """Learn from one batch; gives its loss."""
        for group in [g for o in optimizers for g in o.param_groups]:
            group["lr"] = learning_rate * group["share"]
        device = self.learner.classify.weight.device
        batch = batch.to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=self.config.bf16):
            out, logits = self.learner(as_planes(batch.pictures, device))
        loss = total_loss(phase, self.config.label_smoothing, batch, out, logits, self.learner.centres)
        self.learner.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.learner.parameters(), 5.0)
        for optimizer in optimizers:
            optimizer.step()
        if phase.centre:
            self.learner.follow(out.raw, batch.labels)
        return float(loss.detach())

    def follow(self, decay: float) -> None:
        """Move the running mean towards the weights and statistics of the learner."""
        with torch.no_grad():
            mean, now = self.average.state_dict(), self.learner.state_dict()
            floats = [k for k, v in mean.items() if v.is_floating_point()]
            torch._foreach_lerp_([mean[k] for k in floats], [now[k] for k in floats], 1 - decay)

    def turn(self, matrix: np.ndarray, crops: Crops) -> None:
        """Multiply the embeddings by a matrix (D, D): the last layers change; what they expect is measured on crops."""
        pictures = augmented(crops, self.config, np.random.default_rng((self.config.seed, 5)))
        for net in (self.learner.net, self.average.net):
            turn_last_layer(net, matrix, pictures.to(net.project.weight.device))

    def note(self, entry: dict[str, float | int | str]) -> None:
        """One line of the curve, a JSON object, and the same on the log."""
        with (self.folder / f"{self.config.name}.jsonl").open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(entry) + "\n")
        log.info("%s", "  ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in entry.items()))


def run_phase(run: Run, number: int, phase: Phase, material: Material) -> None:
    """Train one phase from where the run stands to its end."""
    config = run.config
    size_hw = phase.size_hw or config.size_hw
    start_epoch = run.epoch if number == run.phase else 0
    people = phase.people_per_batch or config.people_per_batch
    steps = max(1, len(material.labelled) // (people * config.crops_per_person))
    optimizers = optimizers_of(run.learner, config, phase.learning_rate)
    if start_epoch and run.optimizer_states is not None:
        for optimizer, state in zip(optimizers, run.optimizer_states, strict=True):
            optimizer.load_state_dict(state)
    even = evening(material.told, phase.evened) if phase.evened else None
    if even is not None:
        if not start_epoch:
            run.turn(even, material.labelled)
        material = material.turned(even)
    batches = batches_of(config, phase, material, size_hw, np.random.default_rng((config.seed, number, start_epoch)))
    for epoch in range(start_epoch, phase.epochs):
        began = time.perf_counter()
        total = 0.0
        run.learner.train()
        for step in range(epoch * steps, (epoch + 1) * steps):
            share = rate_share(step / (phase.epochs * steps), min(0.05, 2 / phase.epochs))
            total += run.step(phase, next(batches), optimizers, share * phase.learning_rate)
            run.follow(min(config.average_decay, (1 + step) / (10 + step)))
        run.phase, run.epoch = number, epoch + 1
        seconds = time.perf_counter() - began
        entry: dict[str, float | int | str] = {"phase": phase.name, "epoch": epoch + 1, "loss": total / steps}
        entry |= {"seconds": round(seconds, 1), "left_min": round(seconds * (phase.epochs - epoch - 1) / 60, 1)}
        if (epoch + 1) % config.validate_every == 0 or epoch + 1 == phase.epochs:
            score = validate(run.average.net, material.held_out, config.size_hw)
            entry |= {"rank1": score.rank1, "mean_ap": score.mean_ap}
        run.note(entry)
        run.save(optimizers)
    if even is not None:
        run.turn(np.linalg.inv(even), material.labelled)
    before = run.folder / f"{config.name}-{config.phases[number - 1].name}.pt" if number else expand(config.start or "")
    if phase.share != 1 and before.is_file() and before.suffix == ".pt":
        blend(run.average.net, before, phase.share)
    torch.save(run.average.net.state_dict(), run.folder / f"{config.name}-{phase.name}.pt")
    run.phase, run.epoch, run.optimizer_states = number + 1, 0, None


def blend(net: BodyNet, before: Path, share: float) -> None:
    """Weights `share` of the way from those of the phase before to those of now, in place.

    Networks that one fine-tuning lies between mix well, and the mean generalises better than either (Wortsman et al.
    2022, "Robust fine-tuning of zero-shot models"). A little beyond the new ones there is more of what they learned.
    """
    now, then = net.state_dict(), torch.load(before, weights_only=True, map_location="cpu")
    with torch.no_grad():
        for key, value in now.items():
            if value.is_floating_point() and key in then:  # blocks that are new stay as they are
                value.copy_(torch.lerp(then[key].to(value), value, share))


def finish(run: Run, material: Material) -> None:
    """Steady the last layer, train the quality head, keep the network, write the file, score the sets to test on."""
    config, net = run.config, run.average.net.cpu()
    material = material.widened(config.border)
    if config.steadiness:
        crops = material.labelled if material.unlabelled is None else material.unlabelled
        steady_last_layer(net, crops, config.size_hw, config.steadiness, np.random.default_rng((config.seed, 61)))
    known = (material.labelled, material.labels)
    train_quality(net, *known, config.size_hw, config.quality, config.seed, material.described, material.places)
    torch.save(net.state_dict(), run.folder / f"{config.name}-final.pt")
    pictures = as_planes(np.stack([plain(p, config.size_hw) for p in material.held_out.pixels[:8]])).contiguous()
    done = export_onnx(net, config.size_hw, run.folder / f"{config.name}.onnx", pictures)
    log.info("wrote %s, %d bytes, within %.1e of torch", done.path, done.bytes, done.difference)
    for test in config.tests:
        score = validate(net, read_crops(test.layout, expand(test.path), config.source_hw), config.size_hw)
        counted: dict[str, float | int | str] = {"test": test.path, "queries": score.queries}
        run.note(counted | {"rank1": score.rank1, "mean_ap": score.mean_ap})


def total_loss(
    phase: Phase, smoothing: float, batch: Batch, out: BodyOutput, logits: Tensor, centres: Tensor
) -> Tensor:
    """The weighted sum of the phase's losses; unlabelled crops (label -1) count for the teacher's only."""
    known = batch.labels >= 0
    raw, embedding, who = out.raw[known].float(), out.embedding.float(), batch.labels[known]
    terms: list[Tensor] = []
    if phase.identity:
        terms.append(phase.identity * identity_loss(logits[known].float(), who, smoothing))
    if phase.triplet:
        terms.append(phase.triplet * batch_hard_triplet(raw, who))
    if phase.centroid:
        terms.append(phase.centroid * centroid_triplet(raw, who))
    if phase.centre:
        terms.append(phase.centre * centre(raw, who, centres))
    if phase.contrastive:
        terms.append(phase.contrastive * contrastive(embedding[known], who))
    if phase.circle:
        terms.append(phase.circle * circle(embedding[known], who))
    if batch.teacher is not None and phase.teacher:
        terms.append(phase.teacher * teacher_cosine(embedding, batch.teacher))
    if batch.teacher is not None and phase.relations:
        terms.append(phase.relations * teacher_relations(embedding, batch.teacher))
    if phase.pairs_boxes:
        boxed = embedding[~known]
        terms.append(phase.consistency * box_consistency(boxed[0::2], boxed[1::2]))
    return torch.stack(terms).sum()


def rate_share(done: float, warm_up: float) -> float:
    """Share of the learning rate after `done` (0..1) of a phase: linear warm-up, then a half cosine down to 1 %."""
    if done < warm_up:
        return max(done / warm_up, 0.01)
    return 0.01 + 0.99 * 0.5 * (1 + float(np.cos(np.pi * (done - warm_up) / (1 - warm_up))))


def optimizers_of(learner: Learner, config: TrainingConfig, learning_rate: float) -> list[torch.optim.Optimizer]:
    """What steps every parameter but those of the quality head.

    Weight decay is for matrices and kernels only; what came with the backbone has a rate of its own.
    """
    groups: dict[tuple[bool, float, float], list[nn.Parameter]] = {}
    for name, parameter in learner.named_parameters():
        if "quality_head" not in name:
            turned = config.optimizer == "muon" and mixes_channels(parameter)
            share = config.backbone_rate if config.backbone and of_backbone(name.removeprefix("net.")) else 1.0
            decay = config.weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((turned, share, decay), []).append(parameter)
    made = [(key[0], {"params": some, "share": key[1], "weight_decay": key[2]}) for key, some in groups.items()]
    turned_groups, others = [g for turned, g in made if turned], [g for turned, g in made if not turned]
    plain: list[torch.optim.Optimizer] = [torch.optim.AdamW(others, lr=learning_rate)]
    return [*plain, Muon(turned_groups, learning_rate)] if turned_groups else plain
