"""The supervised stage: a small network learns from labels how likely a box shows whom a track showed last."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from perdure.track.learned import LOST_COLUMNS, PAIR_COLUMNS, Net
from perdure.track.linking import Constants
from perdure.train.association.clips import Recording
from perdure.train.association.config import ScorerStage
from perdure.train.association.replay import replay
from perdure.types import Bools, Float64s

Weights = dict[str, np.ndarray]
"""Arrays by the field names of ``Net``."""

FLOOR = -5.0
"""Nats: pairs the parent would refuse by up to so much are described too; the network may think better of them."""
_PARENT = 0.5
"""Share of the parent's evidence that the network starts from: alone it is too sure of labels of single frames."""
_FREE = 1.0
"""Nats for a link beyond what a label says: of a pair alone, while in an assignment a box that nobody else explains is
the track's more often than not."""


def unchanged() -> Weights:
    """A net that leaves the parent as it is."""
    pair, lost = len(PAIR_COLUMNS), len(LOST_COLUMNS)
    return {
        "share": np.array(1.0),
        "floor": np.array(0.0),
        "mean": np.zeros(pair),
        "scale": np.ones(pair),
        "linear": np.zeros(pair),
        "shift": np.array(0.0),
        "first": np.zeros((pair, 0)),
        "bias": np.zeros(0),
        "last": np.zeros(0),
        "lost_mean": np.zeros(lost),
        "lost_scale": np.ones(lost),
        "lost_linear": np.zeros(lost),
        "lost_shift": np.array(-1.0),
    }


def described_pairs(recording: Recording, constants: Constants, low_score: float, most: int) -> tuple[Float64s, Bools]:
    """(P, F) pairs and (P,) whether they are of one person, as the parent meets them; ``most`` are taken, evenly."""
    net = Net.of(unchanged() | {"floor": np.array(FLOOR)})
    pairs = replay(recording.clip, constants, net, low_score, 0.0, 0, 12 * len(recording.clip.boxes) + 1).pairs
    count = int(pairs.count[0])
    rows = np.linspace(0, count - 1, min(count, most)).astype(np.int64) if count else np.zeros(0, np.int64)
    return pairs.rows[rows], pairs.taken[rows]


class _Scorer(nn.Module):
    """Columns -> log odds beyond the parent's share."""

    def __init__(self, columns: int, hidden: int) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(columns, hidden), nn.Linear(hidden, 1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """(P, F) -> (P,)"""
        odds: torch.Tensor = self.last(functional.relu(self.first(z)))[:, 0]
        return odds


def fit_scorer(samples: Sequence[tuple[Float64s, Bools]], stage: ScorerStage, seed: int) -> tuple[Weights, list[float]]:
    """Weights, and the mean loss of every epoch; each recording counts by the square root of its pairs."""
    torch.manual_seed(seed)
    rows, same = np.concatenate([r for r, _ in samples]), np.concatenate([s for _, s in samples])
    mean, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-3
    weight = np.concatenate([np.full(len(s), len(s) ** -0.5) for _, s in samples])
    parts = ((rows - mean) / scale, 5 * _PARENT * rows[:, 0], same, weight / weight.mean())
    z, parent, target, weights = (torch.from_numpy(np.asarray(part, np.float32)) for part in parts)
    net = _Scorer(rows.shape[1], stage.hidden)
    optimiser = torch.optim.AdamW(net.parameters(), stage.rate, weight_decay=1e-3)
    steps = stage.epochs * -(-len(rows) // stage.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, stage.rate, total_steps=steps)
    curve = []
    for _ in range(stage.epochs):
        total = 0.0
        for batch in torch.randperm(len(rows)).split(stage.batch):  # type: ignore[no-untyped-call]
            odds = net(z[batch]) + parent[batch]
            loss = functional.binary_cross_entropy_with_logits(odds, target[batch], weights[batch])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            total += float(loss.detach()) * len(batch)
        curve.append(total / len(rows))
    learned = {name: value.detach().numpy().astype(np.float64) for name, value in net.named_parameters()}
    return _blended(learned, mean, scale, stage.share), curve


def _blended(learned: Weights, mean: Float64s, scale: Float64s, share: float) -> Weights:
    """``share`` of the scorer and the rest of the parent, as one net."""
    return unchanged() | {
        "share": np.array(1 - share + share * _PARENT),
        "floor": np.array(FLOOR),
        "mean": mean,
        "scale": scale,
        "shift": share * (learned["last.bias"][0] + _FREE),
        "first": np.ascontiguousarray(learned["first.weight"].T),
        "bias": learned["first.bias"],
        "last": share * learned["last.weight"][0],
    }
