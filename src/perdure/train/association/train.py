"""Training of the association: labels first, then rewards; every stage is scored against its parent.

    perdure train association --config src/perdure/train/association/configs/mot.yaml [--resume]

Sequences named in ``held_out`` are never learned from. ``report.json`` says what each stage is worth on them, and
``curve.csv`` how the reward rose. A run that is broken off goes on from the last step with ``--resume``.
"""

from __future__ import annotations

import csv
import json
import logging
from pathlib import Path
from pickle import UnpicklingError

import numpy as np
import torch

from perdure.config import TrackingConfig
from perdure.errors import ConfigError, InputError
from perdure.evaluate.tracking import combined, score
from perdure.track.default import DefaultRule
from perdure.track.learned import Net
from perdure.track.linking import Constants
from perdure.train.association.clips import Recording, read_recording
from perdure.train.association.config import AssociationTraining, PolicyStage, read_config
from perdure.train.association.policy import Policy, World, explored, improve, prepared
from perdure.train.association.replay import replay
from perdure.train.association.scenes import simulated
from perdure.train.association.scorer import Weights, described_pairs, fit_scorer, unchanged

log = logging.getLogger(__name__)
_FIGURES = ("HOTA", "AssA", "IDF1", "IDSW", "Recall")
_SCORED_EVERY = 10
Curve = list[dict[str, float]]


def train_association(config_path: Path, resume: bool) -> None:
    """Run the training that ``config_path`` describes; with ``resume``, go on from its last checkpoint.

    Raises:
        ConfigError: the file is not as documented, or names a sequence to hold out that is not there.
        InputError: a sequence cannot be read, or there is nothing to resume.
    """
    config = read_config(config_path)
    recordings = [read_recording(folder) for folder in config.sequences]
    unknown = set(config.held_out) - {r.name for r in recordings}
    if unknown:
        names = ", ".join(sorted(r.name for r in recordings)) or "none"
        raise ConfigError(f"{config_path}: held_out: no sequence {', '.join(sorted(unknown))}; there are {names}")
    learned_from = [r for r in recordings if r.name not in config.held_out]
    held_out = [r for r in recordings if r.name in config.held_out]
    for scenes in config.simulated:
        for seed in scenes.seeds:
            learned_from += simulated(scenes.plan, scenes.minutes, scenes.rate_fps, seed)
    log.info("learning from %d recordings, %d held out", len(learned_from), len(held_out))
    config.out.mkdir(parents=True, exist_ok=True)
    stages = trained(config, learned_from, resume)
    report = {name: figures(weights, held_out or recordings, config) for name, weights in stages.items()}
    for name, row in report.items():
        log.info("%-8s %s", name, "  ".join(f"{key} {value:.3f}" for key, value in row.items()))
    told = {"scored on": "held out" if held_out else "the training sequences", "stages": report}
    (config.out / "report.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def trained(config: AssociationTraining, recordings: list[Recording], resume: bool) -> dict[str, Weights]:
    """The stages in order, the parent first; their weights are written to ``scorer.npz`` and ``policy.npz``."""
    rule, stages = constants_of(config), {"default": unchanged()}
    torch.set_num_threads(1)
    low_score = TrackingConfig().low_score
    if config.scorer:
        samples = [described_pairs(r, rule, low_score, config.scorer.pairs) for r in recordings]
        stages["scorer"], losses = fit_scorer([s for s in samples if len(s[1])], config.scorer, config.seed)
        log.info("scorer: loss %.3f -> %.3f", losses[0], losses[-1])
        np.savez(config.out / "scorer.npz", **stages["scorer"])  # type: ignore[arg-type]
    if config.policy:
        world = World(recordings, rule, low_score, config.policy)
        if not any(world.people):
            raise InputError("none of the recordings shows anybody in its boxes: there is nothing to learn from")
        run = PolicyRun(world, stages[config.policy.parent], config.out, config.seed)
        stages["policy"] = run.go(resume)
        np.savez(config.out / "policy.npz", **stages["policy"])  # type: ignore[arg-type]
    return stages


def constants_of(config: AssociationTraining) -> Constants:
    """The default rule that is improved on."""
    tracking = TrackingConfig(confirm_s=config.confirm_s)
    return DefaultRule(tracking.high_score, tracking.confirm_s, tracking.lost_after_s).constants()


def figures(weights: Weights, recordings: list[Recording], config: AssociationTraining) -> dict[str, float]:
    """The usual figures of recordings with a truth, replayed with these weights."""
    rule, net, low_score = constants_of(config), Net.of(weights), TrackingConfig().low_score
    scores = {}
    for recording in recordings:
        if recording.truth is not None:
            shown = recording.shown(replay(recording.clip, rule, net, low_score, 0.0, 0, 0).numbers)
            scores[recording.name] = score(recording.truth, shown)
    return {name: combined(scores).figures()[name] for name in _FIGURES} if scores else {}


class PolicyRun:
    """The policy stage with its checkpoint and its curve."""

    def __init__(self, world: World, parent: Weights, out: Path, seed: int) -> None:
        self._world, self._stage, self._out, self._seed = world, world.stage, out, seed
        self._parent = prepared(parent, world, np.random.default_rng([seed, 2**31]))
        self._policy = Policy()
        self._optimiser = torch.optim.Adam(self._policy.parameters(), self._stage.rate)
        self._done, self._curve = 0, Curve()

    @property
    def checkpoint(self) -> Path:
        """The file a run goes on from."""
        return self._out / "policy.pt"

    def go(self, resume: bool) -> Weights:
        """All steps that are left; the weights of parent and policy together."""
        if resume:
            self._take_up()
        while self._done < self._stage.steps:
            self._step(self._stage)
        return self._policy.on(self._parent)

    def _step(self, stage: PolicyStage) -> None:
        if self._done % _SCORED_EVERY == 0:
            self._greedy()
        rng = np.random.default_rng([self._seed, self._done])
        batches, reward = explored(self._world, self._policy.on(self._parent), rng)
        improve(self._policy, self._optimiser, batches, stage)
        self._done += 1
        self._curve.append({"step": self._done, "reward": reward, "greedy": float("nan")})
        log.info("policy: step %d of %d, reward %.4f", self._done, stage.steps, reward)
        if self._done == stage.steps:
            self._greedy()
        self._keep()

    def _greedy(self) -> None:
        reward = self._world.greedy(Net.of(self._policy.on(self._parent)))
        self._curve.append({"step": self._done, "reward": float("nan"), "greedy": reward})
        log.info("policy: step %d, reward without chance %.4f", self._done, reward)

    def _keep(self) -> None:
        """Checkpoint and curve, whole or not at all."""
        state = {"done": self._done, "policy": self._policy.state_dict(), "optimiser": self._optimiser.state_dict()}
        draft = self.checkpoint.with_suffix(".tmp")
        torch.save(state | {"curve": self._curve, "stage": self._stage.model_dump_json()}, draft)
        draft.replace(self.checkpoint)
        with (self._out / "curve.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, ("step", "reward", "greedy"))
            writer.writeheader()
            writer.writerows(self._curve)

    def _take_up(self) -> None:
        if not self.checkpoint.is_file():
            raise InputError(f"there is no checkpoint {self.checkpoint} to resume from: start without --resume")
        try:
            state = torch.load(self.checkpoint, weights_only=True)
            stage = PolicyStage.model_validate_json(state["stage"])
            self._policy.load_state_dict(state["policy"])
            self._optimiser.load_state_dict(state["optimiser"])
            self._done, self._curve = int(state["done"]), list(state["curve"])
        except (RuntimeError, KeyError, ValueError, EOFError, UnpicklingError) as error:
            raise InputError(
                f"{self.checkpoint} is not a checkpoint of this training: give it another folder"
            ) from error
        if stage.model_copy(update={"steps": self._stage.steps}) != self._stage:
            raise InputError(f"{self.checkpoint} is of other settings: start without --resume, or give another folder")
        log.info("policy: going on after step %d", self._done)
