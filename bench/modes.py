"""Closed set and watch list on labelled pictures: who is enrolled by a few pictures, and everybody comes.

    python bench/modes.py --embeddings osnet.npz [--last-people N] [--seeds 3]

Half of the people set the calibration (every second by number), the other half comes; nothing is tuned on those. Each
enrolled person gives the pictures of one of their tracklets, drawn at random, at most eight; all their other tracklets
come, in order of filming, without capture times (appearance alone).

Closed set: everybody of the half is enrolled; accuracy is the share of tracklets whose identity is the right one.
Beside it the nearest mean of the enrolment pictures by plain cosine.

Watch list: some people (``--listed``) are enrolled, all others of the half are strangers. FPIR is the share of
strangers' tracklets that are taken for somebody listed; TPIR the share of the listed people's tracklets that are found
as them. In hindsight: by the same scores, at the threshold that lets in exactly the requested share. Intervals are
bootstraps over people.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from perdure.assemble import gallery as open_gallery
from perdure.config import GalleryConfig
from perdure.evaluate.embeddings import load, people
from perdure.evaluate.openset import person_weights
from perdure.evaluate.stream import Stream, halves, of_pictures
from perdure.evaluate.stream_calibration import fit_calibration
from perdure.gallery.calibrate import Calibration
from perdure.gallery.decide import Candidates, Rule
from perdure.gallery.enrolment import enrol
from perdure.gallery.exemplars import mean, select
from perdure.gallery.topology import Topology
from perdure.types import Decision, Exemplars, Float64s, Ints, Tracklet

LISTED, PICTURES = 20, 8
RATES = (0.01, 0.05)


@dataclass
class Noted:
    """A decision rule that writes down how near the nearest listed person was."""

    rule: Rule
    best: list[str | None] = field(default_factory=list)
    score: list[float] = field(default_factory=list)

    def __call__(self, candidates: Candidates) -> Decision:
        """Decide as ever."""
        decision = self.rule(candidates)
        self.best.append(decision.evidence.best)
        self.score.append(decision.evidence.best_score)
        return decision


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--embeddings", type=Path, required=True)
    parser.add_argument("--last-people", type=int, help="only the last N people by number")
    parser.add_argument("--listed", type=int, default=LISTED, help="people on the watch list")
    parser.add_argument("--seeds", type=int, default=3)
    chosen = parser.parse_args()
    everybody = load(chosen.embeddings)
    numbers = people(everybody)
    kept = everybody[np.isin(everybody.person, numbers[-(chosen.last_people or len(numbers)) :])]
    fitted, shown = halves(kept.person)
    calibration = fit_calibration(kept[np.isin(kept.person, fitted)])
    told = of_pictures(kept[np.isin(kept.person, shown)], with_time=False)
    print(f"{kept.model}: {len(shown)} people, {len(told)} tracklets; calibrated on {len(fitted)} others", flush=True)
    closed = np.array([closed_set(told, calibration, seed) for seed in range(chosen.seeds)])
    accuracy, nearest, right, sure = closed.T
    print(
        f"closed set of {len(shown)}: accuracy {accuracy.mean():.3f} (seeds {accuracy.min():.3f} to "
        f"{accuracy.max():.3f}); nearest mean {nearest.mean():.3f}; of decisions said to be 90 % sure "
        f"{right.mean():.3f} are right, they are {sure.mean():.2f} of all",
        flush=True,
    )
    for rate in RATES:
        print(watch_list(told, calibration, rate, chosen.listed, chosen.seeds), flush=True)


def enrolments(told: Stream, who: Ints, seed: int) -> dict[int, int]:
    """Person -> row of the stream whose pictures are given; the other rows come."""
    rng = np.random.default_rng([seed, 7])
    return {int(person): int(rng.choice(np.flatnonzero(told.person == person))) for person in who}


def given(told: Stream, row: int) -> Exemplars:
    """The pictures of a tracklet, a few good ones."""
    return select(told.told[row].exemplars[0], PICTURES)


def closed_set(told: Stream, calibration: Calibration, seed: int) -> tuple[float, float, float, float]:
    """Accuracy; that of the nearest mean; the share of sure decisions that are right; and how many are sure."""
    gallery = open_gallery(GalleryConfig(mode="closed"), told.model, told.dim, calibration, Topology(learns=False))
    rows = enrolments(told, np.unique(told.person), seed)
    name_of = {enrol(gallery, 0.0, str(person), given(told, row))[0]: person for person, row in rows.items()}
    means = np.stack([mean(given(told, row)) for row in rows.values()])
    whom = np.array(list(rows))
    right, nearest, sure = [], [], []
    for row in np.setdiff1d(np.arange(len(told)), list(rows.values())).tolist():
        tracklet, person = thin(told, row), int(told.person[row])
        gallery.observe([tracklet])
        right.append(name_of[gallery.partition.identity_of[tracklet.id]] == person)
        sure.append(gallery.certainty_of(tracklet.id) >= 0.9)
        nearest.append(whom[int(np.argmax(means @ mean(tracklet.exemplars[0])))] == person)
    good, certain = np.array(right), np.array(sure)
    return float(good.mean()), float(np.mean(nearest)), float(good[certain].mean()), float(certain.mean())


def thin(told: Stream, row: int) -> Tracklet:
    """A tracklet as the pipeline hands it on."""
    tracklet = told.told[row]
    return replace(tracklet, exemplars=tuple(select(e, PICTURES) for e in tracklet.exemplars))


def watch_list(told: Stream, calibration: Calibration, rate: float, count: int, seeds: int) -> str:
    """One line."""
    found: list[Float64s] = []
    for seed in range(seeds):
        config = GalleryConfig(mode="watch", false_match_rate=rate)
        gallery = open_gallery(config, told.model, told.dim, calibration, Topology(learns=False))
        noted = gallery.rule = Noted(gallery.rule)
        who = np.random.default_rng([seed, 8]).permutation(np.unique(told.person))[:count]
        rows = enrolments(told, who, seed)
        name_of = {enrol(gallery, 0.0, str(person), given(told, row))[0]: person for person, row in rows.items()}
        for row in np.setdiff1d(np.arange(len(told)), list(rows.values())).tolist():
            tracklet, person = thin(told, row), int(told.person[row])
            gallery.tick(float(row))
            gallery.observe([tracklet])
            matched = name_of.get(gallery.partition.identity_of.get(tracklet.id, ""), 0)
            nearest = name_of.get(noted.best[-1] or "", 0)
            found.append(np.array([seed, person, person in rows, matched, nearest, noted.score[-1]]))
    table = np.array(found)
    listed = table[:, 2] == 1
    wrong, hit = (table[:, 3] > 0) & ~listed, (table[:, 3] == table[:, 1]) & listed
    fpir, tpir = wrong[~listed].mean(), hit[listed].mean()
    bar = np.quantile(table[~listed, 5], 1 - rate)
    hindsight = ((table[listed, 4] == table[listed, 1]) & (table[listed, 5] > bar)).mean()
    weights = person_weights(table[:, 1].astype(np.int64), 1000, np.random.default_rng(0))
    replicates = (weights * wrong).sum(axis=1) / (weights * ~listed).sum(axis=1)
    low, high = np.quantile(replicates, [0.025, 0.975])
    return (
        f"watch list of {count}: FPIR {rate:g} requested, {fpir:.4f} realised [{low:.4f}, {high:.4f}]; "
        f"TPIR {tpir:.3f}, in hindsight {hindsight:.3f}"
    )


if __name__ == "__main__":
    main()
