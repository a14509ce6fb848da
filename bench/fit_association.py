"""Fit the evidence of the default association on ground truth, and say what the choice is worth on sequences left out.

    python bench/fit_association.py            # maximum likelihood: weights of every term, for all and per sequence
    python bench/fit_association.py --select   # tracks with random variants; their mean, leave-one-sequence-out

Pairs: every track of the truth, fed with the detections that are its own, against every detection near it; the label
is whether it is the same person. Weights: logistic regression, which maximises the likelihood of these labels.

``--select`` tracks every sequence with random variants of the weights and the motion model. A sequence left out is
tracked with the mean of the variants that are best on the others: with eleven sequences the single best variant is
mostly luck, the mean of twenty is not. The defaults are such a mean over all sequences.
"""

from __future__ import annotations

import argparse
from dataclasses import fields, replace

import numpy as np
from scipy.optimize import minimize

from perdure.config import TrackingConfig
from perdure.evaluate.tracking import TrackingScores, combined, score
from perdure.track.associate import motion_llr, overlap
from perdure.track.default import DefaultRule, Weights
from perdure.track.kalman import Motion
from perdure.track.learned import Net
from perdure.track.walking import WalkingModel
from perdure.train.association.clips import Recording, read_recording
from perdure.train.association.replay import replay
from perdure.train.association.table import Clip
from tracking import SHARED, folders, worth

KEPT_S = 2.05
TERMS = ("prior", "motion", "overlap", "unseen")


def labelled(clip: Clip) -> tuple[np.ndarray, np.ndarray]:
    """(P, 3) motion, overlap, time unseen; (P,) same person."""
    model, weights = WalkingModel(), Weights()
    motion, ids, seen = Motion.started(model, np.zeros((0, 4))), np.zeros(0, np.int64), np.zeros(0)
    terms, same, before = [], [], 0.0
    for frame, at in enumerate(clip.at.tolist()):
        here = slice(int(clip.first[frame]), int(clip.first[frame + 1]))
        found, who = clip.boxes[here], clip.owner[here]
        motion.predict(model, at - before)
        kept = at - seen <= KEPT_S
        motion, ids, seen, before = motion.take(kept), ids[kept], seen[kept], at
        if len(ids) and len(found):
            llr = motion_llr(motion, model, model.measure(found), clip.size, weights.freedom, 0.0)
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


def fitted(samples: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """(4,) prior, motion, overlap, unseen of greatest likelihood; every sequence counts alike."""

    def loss(weights: np.ndarray) -> float:
        total = 1e-4 * float(weights @ weights)
        for terms, same in samples:
            odds = weights[0] + terms @ weights[1:]
            total += float(np.mean(np.logaddexp(0, np.where(same, -odds, odds))))
        return total

    return np.asarray(minimize(loss, np.zeros(4), method="BFGS").x)


Variant = dict[str, np.ndarray]
"""Values by field of ``Weights`` or ``WalkingModel``."""
RANGES: dict[str, tuple[tuple[float, float], ...]] = {
    "prior": ((-3.0, -1.6),),
    "motion": ((0.5, 0.95),),
    "freedom": ((4.0, 12.0),),
    "overlap": ((2.5, 6.0),),
    "buffer": ((0.1, 0.4),),
    "unseen": ((-0.6, -0.1),),
    "leaving": ((0.0, 2.0),),
    "young": ((-2.0, 0.0),),
    "moving_s": ((1.5, 2.6),),
    "low_unseen_s": ((0.1, 0.8),),
    "pushed": ((0.15, 0.32), (0.05, 0.15), (0.0, 0.05), (0.02, 0.09)),
    "speed_fades_s": ((1.5, 5.0),),
    "drift": ((0.0, 0.0), (0.02, 0.06), (0.06, 0.13), (0.06, 0.13)),
    "measured": ((0.03, 0.05), (0.04, 0.06), (0.05, 0.09), (0.045, 0.075)),
}


def variants(count: int) -> list[Variant]:
    rng = np.random.default_rng(0)
    return [{name: rng.uniform(*zip(*each, strict=True)) for name, each in RANGES.items()} for _ in range(count)]


def parts(variant: Variant) -> tuple[Weights, WalkingModel]:
    values = {k: float(v[0]) if len(v) == 1 else tuple(v.tolist()) for k, v in variant.items()}
    values["start_speed"] = tuple((2 * variant["pushed"]).tolist())
    weights = {f.name: values[f.name] for f in fields(Weights) if f.name in values}
    return replace(Weights(), **weights), replace(
        WalkingModel(), **{f.name: values[f.name] for f in fields(WalkingModel)}
    )


def mean_of_best(table: list[tuple[Variant, dict[str, TrackingScores]]], without: str | None, count: int) -> Variant:
    ranked = sorted(table, key=lambda row: -worth({n: s for n, s in row[1].items() if n != without}))
    best = [variant for variant, _ in ranked[:count]]
    return {name: np.mean([variant[name] for variant in best], axis=0) for name in RANGES}


def tracked(recording: Recording, variant: Variant) -> TrackingScores:
    """One sequence replayed (``train.association.replay``: the tracker itself, compiled as a whole)."""
    config = TrackingConfig(confirm_s=0.1)
    rule = DefaultRule(config.high_score, config.confirm_s, config.lost_after_s, *parts(variant))
    done = replay(recording.clip, rule.constants(), Net.none(), config.low_score, 0.0, 0, 0)
    return score(recording.truth, recording.shown(done.numbers))


def select(count: int) -> None:
    """The variants, then what the best one and the mean of the best are worth on each sequence left out."""
    recordings = [read_recording(folder) for year in ("MOT15", "MOT17") for folder in folders(SHARED, year)]
    table = []
    for variant in variants(count):
        table.append((variant, {r.name: tracked(r, variant) for r in recordings}))
        print(f"variant {len(table)}: {100 * worth(table[-1][1]):.2f}", flush=True)
    left_out = {
        "best variant": {r.name: tracked(r, mean_of_best(table, r.name, 1)) for r in recordings},
        "mean of the best 20": {r.name: tracked(r, mean_of_best(table, r.name, 20)) for r in recordings},
    }
    final = mean_of_best(table, None, 20)
    seen = {"mean of the best 20, all": {r.name: tracked(r, final) for r in recordings}}
    for year in ("MOT15", "MOT17"):
        for label, scores in (left_out | seen).items():
            f = combined({n: s for n, s in scores.items() if n.startswith("MOT17") == (year == "MOT17")}).figures()
            shares = " ".join(f"{name} {100 * f[name]:.1f}" for name in ("HOTA", "AssA", "IDF1", "Recall"))
            print(f"{year}, {label}: {shares} IDSW {f['IDSW']:.0f}")
    print("mean of the best 20 of all:", *parts(final), sep="\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--select", action="store_true")
    parser.add_argument("--variants", type=int, default=200)
    given = parser.parse_args()
    if given.select:
        select(given.variants)
        return
    recordings = [read_recording(folder) for year in ("MOT15", "MOT17") for folder in folders(SHARED, year)]
    samples = {r.name: labelled(r.clip) for r in recordings}
    print(f"{'':22} {'pairs':>8} " + " ".join(f"{t:>8}" for t in TERMS))
    for name, sample in {"all": None, **samples}.items():
        chosen = list(samples.values()) if sample is None else [sample]
        cells = " ".join(f"{value:8.2f}" for value in fitted(chosen))
        print(f"{name:22} {sum(len(s[1]) for s in chosen):8d} {cells}", flush=True)


if __name__ == "__main__":
    main()
