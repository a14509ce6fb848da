"""The policy stage: links are accepted or held and lost tracks ended by chance, and what paid becomes more likely.

Williams, "Simple Statistical Gradient-Following Algorithms for Connectionist Reinforcement Learning" (REINFORCE),
Machine Learning 1992, with the clipped ratio of Schulman et al., "Proximal Policy Optimization Algorithms",
arXiv:1707.06347, eq. 7. Baseline: every clip is replayed several times, and each replay is judged by the mean of the
others (Kool et al., "Buy 4 REINFORCE Samples, Get a Baseline for Free!", ICLR workshop 2019), here person by person
and frame by frame: a choice is credited with what happened from then on to the people it was about, and to nobody else.

The policy is linear in what is told of a pair (and of a lost track), on top of its parent, and starts at 0: as the
parent. So few parameters because labels are few: a dozen clips.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from perdure.track.learned import LOST_COLUMNS, PAIR_COLUMNS, Net
from perdure.track.linking import Constants
from perdure.train.association.choices import Choices
from perdure.train.association.clips import Recording, part
from perdure.train.association.config import PolicyStage
from perdure.train.association.replay import Replayed, replay
from perdure.train.association.rewards import returns, rewards
from perdure.train.association.scorer import Weights
from perdure.train.association.table import Clip
from perdure.types import Float64s

_EXPLORED = -2.0
"""Nats: floor of the pairs described, so that links the parent would just refuse are tried too."""
_ENDING = -1.5
"""Nats of ending a lost track at the start: never without chance, about once in ten seconds with it."""


class Policy(nn.Module):
    """What is added to the parent: nats for a link, nats for ending a lost track."""

    def __init__(self) -> None:
        super().__init__()
        self.link = nn.Linear(len(PAIR_COLUMNS), 1)
        self.lost = nn.Linear(len(LOST_COLUMNS), 1)
        for parameter in self.parameters():
            nn.init.zeros_(parameter)

    def on(self, parent: Weights) -> Weights:
        """Parent and policy as one net."""
        link, shift, lost, ending = (p.detach().numpy().astype(np.float64) for p in self.parameters())
        return parent | {
            "linear": parent["linear"] + link[0],
            "shift": np.asarray(parent["shift"] + shift[0]),
            "lost_linear": parent["lost_linear"] + lost[0],
            "lost_shift": np.asarray(parent["lost_shift"] + ending[0]),
        }


@dataclass(frozen=True, eq=False)
class Batch:
    """The choices of one kind of a step: (C, K) standardised columns, (C,) log odds of taking, taken, and advantage."""

    z: torch.Tensor
    odds: torch.Tensor
    taken: torch.Tensor
    advantage: torch.Tensor


@dataclass(eq=False)
class World:
    """Recordings to learn from, and what a replay needs beside the net."""

    recordings: Sequence[Recording]
    constants: Constants
    low_score: float
    stage: PolicyStage
    people: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.people = [int(r.clip.owner.max(initial=-1)) + 1 for r in self.recordings]

    def drawn(self, rng: np.random.Generator) -> list[tuple[Clip, int]]:
        """Clips of a step, and how many people there are; recordings without people are never drawn."""
        known = [k for k, people in enumerate(self.people) if people]
        clips = []
        for k in rng.choice(known, self.stage.clips).tolist():
            whole = self.recordings[k].clip
            last = max(int(np.searchsorted(whole.at, whole.at[-1] - self.stage.seconds)), 0)
            start = int(rng.integers(0, last + 1))
            stop = int(np.searchsorted(whole.at, whole.at[start] + self.stage.seconds))
            clips.append((part(whole, start, stop), self.people[k]))
        return clips

    def paid(self, clip: Clip, people: int, done: Replayed) -> Float64s:
        """(F, W) rewards of a replay."""
        prices = (self.stage.switch_s, self.stage.theft_s, self.stage.gap_s)
        return np.asarray(rewards(clip, done.numbers, done.tracks, people, *prices))

    def greedy(self, net: Net) -> float:
        """Reward of everything replayed without chance, per second that people were there to be followed."""
        total, best = 0.0, 0.0
        for recording, people in zip(self.recordings, self.people, strict=True):
            done = replay(recording.clip, self.constants, net, self.low_score, 0.0, 0, 0)
            total += float(self.paid(recording.clip, people, done).sum())
            best += _followable_s(recording.clip)
        return total / max(best, 1e-9)


def prepared(parent: Weights, world: World, rng: np.random.Generator) -> Weights:
    """The parent with room for a policy: pairs it just refuses described too, and columns standardised."""
    ready = parent | {"lost_shift": np.array(_ENDING), "floor": np.minimum(parent["floor"], _EXPLORED)}
    net = Net.of(ready)
    links, ends = [], []
    for clip, _ in world.drawn(rng):
        done = replay(clip, world.constants, net, world.low_score, world.stage.warmth, int(rng.integers(2**31)), 0)
        links.append(done.links.rows[: done.links.count[0]])
        ends.append(done.ends.rows[: done.ends.count[0]])
    lost = np.concatenate(ends)
    ready |= {"lost_mean": lost.mean(axis=0), "lost_scale": lost.std(axis=0) + 0.1} if len(lost) else {}
    if not parent["bias"].size:  # a scorer has its own standard, which its layers need
        seen = np.concatenate(links)
        ready |= {"mean": seen.mean(axis=0), "scale": seen.std(axis=0) + 0.1} if len(seen) else {}
    return ready


def explored(world: World, weights: Weights, rng: np.random.Generator) -> tuple[list[Batch], float]:
    """The choices of links and of endings of one step with their advantages, and the mean reward per second."""
    net, stage = Net.of(weights), world.stage
    made: list[list[tuple[Choices, Float64s]]] = [[], []]
    total, best = 0.0, 0.0
    for clip, people in world.drawn(rng):
        seeds = rng.integers(2**31, size=stage.rollouts).tolist()
        done = [replay(clip, world.constants, net, world.low_score, stage.warmth, seed, 0) for seed in seeds]
        paid = [world.paid(clip, people, one) for one in done]
        total, best = total + sum(float(p.sum()) for p in paid), best + len(paid) * _followable_s(clip)
        future = np.stack([returns(p, clip.at, stage.horizon_s) for p in paid])
        better = (future - future.mean(axis=0)) * len(paid) / (len(paid) - 1)
        for one, advantage in zip(done, better, strict=True):
            made[0].append((one.links, _credit(one.links, advantage)))
            made[1].append((one.ends, _credit(one.ends, advantage)))
    scales = [(weights["mean"], weights["scale"]), (weights["lost_mean"], weights["lost_scale"])]
    odds = [1 / stage.warmth, 1.0]
    batches = [_batch(some, *scale, by) for some, scale, by in zip(made, scales, odds, strict=True)]
    return batches, total / max(best, 1e-9)


def improve(policy: Policy, optimiser: torch.optim.Optimizer, batches: Sequence[Batch], stage: PolicyStage) -> None:
    """Some steps along the gradient of the clipped objective, pulled back to the parent."""
    with torch.no_grad():
        before = [head(b.z)[:, 0] for head, b in zip((policy.link, policy.lost), batches, strict=True)]
    for _ in range(stage.epochs):
        loss = stage.pull * sum(((p**2).sum() for p in policy.parameters()), torch.zeros(()))
        for head, old, batch in zip((policy.link, policy.lost), before, batches, strict=True):
            if len(batch.z):
                odds = batch.odds + (head(batch.z)[:, 0] - old) / stage.warmth
                ratio = torch.exp(_log_probability(odds, batch.taken) - _log_probability(batch.odds, batch.taken))
                clipped = ratio.clamp(1 - stage.clip, 1 + stage.clip)
                loss = loss - torch.minimum(ratio * batch.advantage, clipped * batch.advantage).mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()


def _followable_s(clip: Clip) -> float:
    """Seconds of people in boxes: the reward of the perfect tracker, nearly."""
    step = (clip.at[-1] - clip.at[0]) / max(len(clip.at) - 1, 1)
    return float((clip.owner >= 0).sum() * step)


def _credit(made: Choices, advantage: Float64s) -> Float64s:
    """(C,) of each choice: the advantages, from its frame on, of the one or two people it is about."""
    count = int(made.count[0])
    frame, whose, other = made.where[:count].T
    of_whose = np.where(whose >= 0, advantage[frame, whose], 0.0)
    return np.asarray(of_whose + np.where((other >= 0) & (other != whose), advantage[frame, other], 0.0))


def _batch(made: list[tuple[Choices, Float64s]], mean: Float64s, scale: Float64s, by: float) -> Batch:
    counts = [int(choices.count[0]) for choices, _ in made]
    rows, nats, taken = (
        np.concatenate([getattr(choices, name)[:n] for (choices, _), n in zip(made, counts, strict=True)])
        for name in ("rows", "nats", "taken")
    )
    advantage = np.concatenate([a for _, a in made])
    advantage = advantage / (advantage.std() + 1e-6) if len(advantage) else advantage
    parts = ((rows - mean) / scale, nats * by, taken, advantage)
    return Batch(*(torch.from_numpy(np.asarray(p, np.float32)) for p in parts))


def _log_probability(odds: torch.Tensor, taken: torch.Tensor) -> torch.Tensor:
    return functional.logsigmoid(odds * (2 * taken - 1))
