"""Fit the evidence of the default association on ground truth, and say what the choice is worth on sequences left out.

    python bench/fit_association.py            # maximum likelihood: weights of every term, for all and per sequence
    python bench/fit_association.py --select   # tracks with variants of the weights; picks leave-one-sequence-out

Pairs: every track of the truth, fed with the detections that are its own, against every detection near it; the label
is whether it is the same person. Weights: logistic regression, which maximises the likelihood of these labels.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment, minimize

from perdure.config import TrackingConfig
from perdure.evaluate.motfiles import read_truth
from perdure.evaluate.tracking import TrackingScores, combined, score
from perdure.evaluate.tracks import Truth
from perdure.geometry import iou
from perdure.interop.mot import Sequence, read_sequence
from perdure.track.associate import motion_llr, overlap
from perdure.track.core import RuleTracker
from perdure.track.default import DefaultRule, Weights
from perdure.track.kalman import Motion
from perdure.track.walking import WalkingModel
from perdure.types import Detections
from tracking import folders, followed

KEPT_S = 2.05
TERMS = ("prior", "motion", "overlap", "unseen")


def labelled(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """(P, 3) motion, overlap, time unseen; (P,) same person."""
    sequence, truth = read_sequence(folder), read_truth(folder / "gt" / "gt.txt")
    model, weights = WalkingModel(), Weights()
    motion, ids, seen = Motion.started(model, np.zeros((0, 4))), np.zeros(0, np.int64), np.zeros(0)
    terms, same, before = [], [], 0.0
    for frame in range(1, sequence.length + 1):
        at = frame / sequence.rate_fps
        found = sequence.boxes.boxes[sequence.boxes.rows(frame)]
        who = owners(found, truth, frame)
        motion.predict(model, at - before)
        kept = at - seen <= KEPT_S
        motion, ids, seen, before = motion.take(kept), ids[kept], seen[kept], at
        if len(ids) and len(found):
            llr = motion_llr(motion, model, model.measure(found), sequence.size, weights.freedom, 0.0)
            near = llr > -12
            shared = overlap(model.boxes(motion.place), found, weights.buffer)
            unseen = np.repeat(np.log1p((at - seen) / 0.1)[:, None], len(found), axis=1)
            terms.append(np.stack([llr[near], shared[near], unseen[near]], axis=1))
            same.append((ids[:, None] == who[None, :])[near])
        known = np.flatnonzero(np.isin(who, ids))
        rows = np.array([np.flatnonzero(ids == who[k])[0] for k in known], np.int64)
        motion.update(model, rows, found[known])
        seen[rows] = at
        new = np.flatnonzero((who >= 0) & ~np.isin(who, ids))
        motion = motion.joined(Motion.started(model, found[new]))
        ids, seen = np.append(ids, who[new]), np.append(seen, np.full(len(new), at))
    return np.concatenate(terms), np.concatenate(same)


def owners(found: np.ndarray, truth: Truth, frame: int) -> np.ndarray:
    """(M,) identity of each detection, -1 where it is nobody's (IoU 0.5)."""
    tracks, counted = truth.tracks, truth.counted
    here = (tracks.frames == frame) & counted
    who = np.full(len(found), -1, np.int64)
    if here.any() and len(found):
        shared = iou(tracks.boxes[here], found)
        rows, columns = linear_sum_assignment(-np.where(shared >= 0.5, shared, 0))
        good = shared[rows, columns] >= 0.5
        who[columns[good]] = tracks.ids[here][rows[good]]
    return who


def fitted(samples: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """(4,) prior, motion, overlap, unseen of greatest likelihood; every sequence counts alike."""

    def loss(weights: np.ndarray) -> float:
        total = 1e-4 * float(weights @ weights)
        for terms, same in samples:
            odds = weights[0] + terms @ weights[1:]
            total += float(np.mean(np.logaddexp(0, np.where(same, -odds, odds))))
        return total

    return np.asarray(minimize(loss, np.zeros(4), method="BFGS").x)


def variants() -> Iterator[Weights]:
    pairs = ((1.0, 3.0), (0.85, 4.0), (0.7, 5.0), (0.5, 6.0))
    for (motion, shared), unseen, prior in product(pairs, (0.0, -0.3, -0.7), (-3.2, -2.5, -1.8)):
        yield replace(Weights(), prior=prior, motion=motion, overlap=shared, unseen=unseen)


def tracked(folder: Path, weights: Weights) -> TrackingScores:
    sequence: Sequence = read_sequence(folder)
    config = TrackingConfig(confirm_s=0.1)
    rule = DefaultRule(config.high_score, config.confirm_s, config.lost_after_s, weights)
    tracker = RuleTracker("bench", config, rule)

    def step(index: int, at: float, found: Detections) -> tuple[np.ndarray, np.ndarray]:
        tracker.propose(index, at, sequence.size, found)
        tracker.commit([])
        tracker.tell()
        return tracker.observed()

    return score(read_truth(folder / "gt" / "gt.txt"), followed(step, sequence))


def worth(scores: dict[str, TrackingScores]) -> float:
    """What is maximised: HOTA + IDF1, each sequence alike, so that no long one decides alone."""
    figures = [s.figures() for s in scores.values()]
    return float(np.mean([f["HOTA"] + f["IDF1"] for f in figures]))


def select(root: Path) -> None:
    all_folders = [*folders(root, "MOT15"), *folders(root, "MOT17")]
    table: dict[Weights, dict[str, TrackingScores]] = {}
    for weights in variants():
        table[weights] = {folder.name: tracked(folder, weights) for folder in all_folders}
        print(weights, f"{worth(table[weights]):.4f}", flush=True)
    held_out: dict[str, dict[str, TrackingScores]] = {"MOT15": {}, "MOT17": {}}
    for folder in all_folders:
        others = {w: worth({n: s for n, s in of.items() if n != folder.name}) for w, of in table.items()}
        best = max(others, key=lambda w: others[w])
        held_out[folder.parent.name][folder.name] = table[best][folder.name]
        print(f"without {folder.name:20} {best}")
    for year, scores in held_out.items():
        f = combined(scores).figures()
        print(f"{year} left out: HOTA {100 * f['HOTA']:.1f} IDF1 {100 * f['IDF1']:.1f} IDSW {f['IDSW']:.0f}")
    print("of all:", max(table, key=lambda w: worth(table[w])))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--select", action="store_true")
    root = Path(os.environ.get("PERDURE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    if parser.parse_args().select:
        select(root)
        return
    samples = {f.name: labelled(f) for year in ("MOT15", "MOT17") for f in folders(root, year)}
    print(f"{'':22} {'pairs':>8} " + " ".join(f"{t:>8}" for t in TERMS))
    for name, sample in {"all": None, **samples}.items():
        chosen = list(samples.values()) if sample is None else [sample]
        cells = " ".join(f"{value:8.2f}" for value in fitted(chosen))
        print(f"{name:22} {sum(len(s[1]) for s in chosen):8d} {cells}", flush=True)


if __name__ == "__main__":
    main()
