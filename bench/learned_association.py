"""A learned pair scorer against its parent, the fitted evidence: leave one sequence out, boxes only.

    python bench/learned_association.py [--seeds 1]

The default rule tracks every sequence; each near pair of a track and a box is described by twenty numbers (the parent's
evidence, its parts, who else wants the box, occlusion, border, age, scores) and labelled by the ground truth: does the
box show whom the track showed last? A small network (20-24-1) on top of half the parent's evidence learns the log odds
from all sequences but one, and tracks the one left out: alone, and as a share of the evidence. Needs ``perdure[train]``
and ``PERDURE_SHARED``.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from fit_association import owners
from perdure import geometry
from perdure.config import TrackingConfig
from perdure.evaluate.motfiles import read_truth
from perdure.evaluate.tracking import TrackingScores, score
from perdure.evaluate.tracks import Truth
from perdure.interop.mot import Sequence, read_sequence
from perdure.track.core import RuleTracker
from perdure.track.default import DefaultRule
from perdure.track.pairs import Pairs
from perdure.track.scene import Looks, Scene
from perdure.track.tracks import Tracks
from tracking import combined, folders, followed, header, row

Score = Callable[[np.ndarray], np.ndarray]
"""(P, 20) described pairs -> (P,) nats."""


def described(rule: DefaultRule, scene: Scene, pairs: Pairs, dt: float) -> np.ndarray:
    """(P, 20), the parent's evidence first."""
    tracks, track, box = scene.tracks, pairs.track, pairs.box
    motion, predicted = tracks.motion, scene.predicted
    error = (rule.model.measure(scene.boxes)[box] - motion.place[track]) / np.sqrt(motion.spread(rule.model))[track]
    with_speed = np.tanh(error[:, 0]) * np.tanh(4 * motion.speed[track, 0] / np.maximum(motion.place[track, 3], 1))
    columns = (
        pairs.gain / 5,
        *np.log1p(np.abs(error)).T,
        iou_each(predicted[track], scene.boxes[box]),
        iou_each(tracks.box[track], scene.boxes[box]),
        np.log1p(scene.unseen_s[track] / 0.1),
        np.log1p(np.minimum(tracks.hits[track], 100)) / 2,
        scene.scores[box],
        tracks.trust[track],
        lead(track, pairs.gain) / 5,
        lead(box, pairs.gain) / 5,
        to_border(scene.boxes, scene.size)[box],
        to_border(predicted, scene.size)[track],
        covered_in_front(predicted)[track],
        covered_in_front(scene.boxes)[box],
        np.full(len(track), 10 * dt),
        with_speed,
        tracks.occluded[track],
    )
    return np.column_stack(columns).astype(np.float64)


def iou_each(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    shared = geometry.intersection_each(first, second)
    return shared / np.maximum(geometry.area(first) + geometry.area(second) - shared, 1e-9)


def to_border(boxes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    height = np.maximum(boxes[:, 3] - boxes[:, 1], 1)
    away = np.minimum.reduce([boxes[:, 0], size[0] - boxes[:, 2], size[1] - boxes[:, 3]])
    return np.clip(away / height, -0.2, 1)


def covered_in_front(boxes: np.ndarray) -> np.ndarray:
    nearer = boxes[None, :, 3] > boxes[:, None, 3]
    return np.where(nearer, geometry.covered(boxes, boxes), 0).max(axis=1, initial=0)


def lead(node: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """How much better each pair is than the best other one of its track (or box)."""
    best, second = np.full(node.max(initial=0) + 1, -6.0), np.full(node.max(initial=0) + 1, -6.0)
    for pair in np.argsort(gain):
        second[node[pair]], best[node[pair]] = best[node[pair]], gain[pair]
    others = np.where(gain >= best[node], second[node], best[node])
    return np.clip(gain - others, -12, 12)


@dataclass
class Record:
    """What was described, and by whom each track was last seen to be owned."""

    truth: Truth
    rate_fps: float
    pairs: list[np.ndarray] = field(default_factory=list)
    same: list[np.ndarray] = field(default_factory=list)
    owner: dict[int, int] = field(default_factory=dict)


class Scored(DefaultRule):
    """The default with ``worth`` of the described pairs as evidence, or recording them."""

    def __init__(self, config: TrackingConfig, worth: Score | None = None, record: Record | None = None) -> None:
        super().__init__(config.high_score, config.confirm_s, config.lost_after_s)
        self._worth, self._record, self._before, self._floor = worth, record, 0.0, -5.0
        self._last: tuple[Pairs, np.ndarray, np.ndarray] | None = None

    def _evidence(self, scene: Scene, measured: np.ndarray) -> Pairs:
        scene.pictured[:] = True  # keeps the pairs below 0: the network may think better of them
        pairs = super()._evidence(scene, measured)
        if not len(pairs.track):
            return pairs
        rows = described(self, scene, pairs, scene.at - self._before)
        if self._record is not None:
            self._last = pairs, rows, scene.tracks.number.copy()
        if self._worth is None:
            return pairs
        return Pairs(pairs.track, pairs.box, self._worth(rows), pairs.n_tracks, pairs.n_boxes)

    def unclear(self, scene: Scene, links: np.ndarray) -> np.ndarray:  # noqa: ARG002
        """Boxes only."""
        return np.zeros(len(links), np.bool_)

    def remember(self, scene: Scene, tracks: Tracks, numbers: np.ndarray, looks: Looks | None) -> None:  # noqa: ARG002
        """Label what was described."""
        self._before = scene.at
        record = self._record
        if record is None:
            return
        who = owners(scene.boxes, record.truth, round(scene.at * record.rate_fps) + 1)
        if self._last is not None:
            pairs, rows, known = self._last
            owner = np.array([record.owner.get(n, -1) for n in known.tolist()])[pairs.track]
            labelled = (owner >= 0) | (who[pairs.box] >= 0)
            record.pairs.append(rows[labelled])
            record.same.append(((owner == who[pairs.box]) & (owner >= 0))[labelled])
            self._last = None
        record.owner.update((n, w) for n, w in zip(numbers.tolist(), who.tolist(), strict=True) if n >= 0 <= w)


def tracked(folder: Path, make: Callable[[TrackingConfig, Sequence], DefaultRule]) -> TrackingScores:
    sequence, config = read_sequence(folder), TrackingConfig(confirm_s=0.1)
    tracker = RuleTracker("bench", config, make(config, sequence))

    def step(index: int, at: float, found: object) -> tuple[np.ndarray, np.ndarray]:
        tracker.propose(index, at, sequence.size, found)
        tracker.commit([])
        return tracker.observed()

    return score(read_truth(folder / "gt" / "gt.txt"), followed(step, sequence))


def recorded(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    record = Record(read_truth(folder / "gt" / "gt.txt"), read_sequence(folder).rate_fps)
    tracked(folder, lambda config, _: Scored(config, record=record))
    return np.concatenate(record.pairs), np.concatenate(record.same)


def learned(samples: list[tuple[np.ndarray, np.ndarray]], seed: int, epochs: int = 10) -> Score:
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    x = np.concatenate([rows for rows, _ in samples])
    mean, std = x.mean(axis=0), x.std(axis=0) + 1e-3
    weight = np.concatenate([np.full(len(same), len(same) ** -0.5) for _, same in samples])
    parts = ((x - mean) / std, 2.5 * x[:, 0], np.concatenate([same for _, same in samples]), weight / weight.mean())
    inputs, parent, target, weights = (torch.from_numpy(np.asarray(p, np.float32)) for p in parts)
    net = torch.nn.Sequential(torch.nn.Linear(x.shape[1], 24), torch.nn.ReLU(), torch.nn.Linear(24, 1))
    torch.nn.init.zeros_(net[2].weight)
    optimiser = torch.optim.AdamW(net.parameters(), 5e-3, weight_decay=1e-3)
    steps = epochs * (len(x) // 1024 + 1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 5e-3, total_steps=steps)
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(1024):
            odds = net(inputs[rows])[:, 0] + parent[rows]
            loss = torch.nn.functional.binary_cross_entropy_with_logits(odds, target[rows], weights[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    first, bias, last, shift = (p.detach().numpy().astype(np.float64) for p in net.parameters())
    return lambda rows: np.maximum((rows - mean) / std @ first.T + bias, 0) @ last[0] + shift[0] + 2.5 * rows[:, 0]


def loss_of(odds: np.ndarray, same: np.ndarray) -> float:
    return float(np.mean(np.logaddexp(0, np.where(same, -odds, odds))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=1)
    given = parser.parse_args()
    root = Path(os.environ.get("PERDURE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    every = [f for year in ("MOT15", "MOT17") for f in folders(root, year)]
    samples = {folder: recorded(folder) for folder in every}
    results: dict[str, dict[Path, TrackingScores]] = {"parent": {f: tracked(f, lambda c, _: Scored(c)) for f in every}}
    for seed in range(given.seeds):
        for folder in every:
            net = learned([s for f, s in samples.items() if f != folder], seed)
            rows, same = samples[folder]
            print(f"{folder.name:20} loss: {loss_of(2.5 * rows[:, 0], same):.3f} -> {loss_of(net(rows), same):.3f}")
            for share in (1.0, 0.5, 0.25):

                def worth(x: np.ndarray, net: Score = net, share: float = share) -> np.ndarray:
                    return share * (net(x) + 1.0) + (1 - share) * 5 * x[:, 0]

                label = f"learned, share {share:g}, seed {seed}"
                results.setdefault(label, {})[folder] = tracked(folder, lambda c, _, w=worth: Scored(c, w))
    for year in ("MOT15", "MOT17"):
        header(year)
        for label, scores in results.items():
            row(label, combined({f.name: s for f, s in scores.items() if f.parent.name == year}))


if __name__ == "__main__":
    main()
