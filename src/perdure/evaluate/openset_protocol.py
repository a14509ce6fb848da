"""An open-set test from labelled embeddings: who is enrolled, who is a stranger, and who sets the threshold.

People seen by at least two cameras are dealt at random: half are enrolled, a quarter are strangers who set thresholds
and calibrations, a quarter are strangers who are counted. An enrolled person's entry is the unit mean of all pictures
of one camera drawn at random; probes are one picture per person and camera, for enrolled people in other cameras only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from perdure.errors import InputError
from perdure.evaluate.calibration import Reliability, cllr, even_odds, fit_affine, min_cllr, reliability
from perdure.evaluate.datasets import query_each
from perdure.evaluate.embeddings import Embeddings, people
from perdure.evaluate.openset import Interval, Searches, interval, realised_fpir, search, threshold_at
from perdure.gallery.exemplars import unit
from perdure.types import Bools, Float32s, Float64s, Ints

MIN_PEOPLE = 8
ThresholdRule: TypeAlias = "Callable[[OpenSetTest, float], float]"
"""A dealing and the requested FPIR to a threshold."""


@dataclass(frozen=True, slots=True, eq=False)
class OpenSetTest:
    """Similarities of P probes to N entries, and whose they are."""

    similarity: Float32s
    """(P, N) float32."""
    probe_person: Ints
    """(P,)"""
    enrolled_person: Ints
    """(N,)"""
    setting: Bools
    """(P,) probes of strangers who set thresholds; the other strangers are counted."""

    def counted(self) -> Searches:
        """Searches by enrolled people and by the strangers who are counted."""
        rows = ~self.setting
        return search(self.similarity[rows], self.probe_person[rows], self.enrolled_person)

    def threshold(self, fpir: float) -> float:
        """The threshold that the setting strangers ask for."""
        rows = self.setting
        return threshold_at(
            search(self.similarity[rows], self.probe_person[rows], self.enrolled_person).stranger_score, fpir
        )

    def gaussian_threshold(self, fpir: float) -> float:
        """The threshold for normal, independent scores: what mean and spread of the setting strangers' scores promise.

        P(highest of N <= t) = Phi((t - mean) / std)^N. Real scores have a longer tail.
        """
        from scipy.special import ndtri

        scores = self.similarity[self.setting].astype(np.float64)
        quantile = ndtri((1 - fpir) ** (1 / len(self.enrolled_person)))
        return float(scores.mean() + scores.std() * quantile) if scores.size else float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class PairCalibration:
    """Probabilities of "same person" on people other than those the calibration was fitted to."""

    cllr: float
    min_cllr: float
    reliability: Reliability
    pairs_same: int
    pairs_different: int


def deal(embeddings: Embeddings, seed: int = 0) -> OpenSetTest:
    """One random dealing of the people.

    Raises:
        InputError: fewer than ``MIN_PEOPLE`` people are seen by two cameras.
    """
    rng = np.random.default_rng(seed)
    able = rng.permutation(_in_two_cameras(embeddings))
    if len(able) < MIN_PEOPLE:
        raise InputError(f"an open-set test needs {MIN_PEOPLE} people seen by two cameras, there are {len(able)}")
    enrolled, setting = np.sort(able[: len(able) // 2]), able[len(able) // 2 : 3 * len(able) // 4]
    entry_rows = query_each(embeddings.person, embeddings.camera, seed)
    rng.shuffle(entry_rows)
    chosen = [entry_rows[np.argmax(embeddings.person[entry_rows] == person)] for person in enrolled]
    entry_camera = embeddings.camera[chosen]
    means = [
        embeddings.vectors[(embeddings.person == person) & (embeddings.camera == camera)].mean(axis=0)
        for person, camera in zip(enrolled, entry_camera, strict=True)
    ]
    entries = unit(np.stack(means))
    probes = query_each(embeddings.person, embeddings.camera, seed + 1)
    probes = probes[np.isin(embeddings.person[probes], able)]
    place = np.minimum(np.searchsorted(enrolled, embeddings.person[probes]), len(enrolled) - 1)
    at_entry = (enrolled[place] == embeddings.person[probes]) & (entry_camera[place] == embeddings.camera[probes])
    probes = probes[~at_entry]
    probe_person = embeddings.person[probes]
    similarity = embeddings.vectors[probes] @ entries.T
    return OpenSetTest(similarity, probe_person, enrolled, np.isin(probe_person, setting))


def _in_two_cameras(embeddings: Embeddings) -> Ints:
    known = people(embeddings)
    pairs = np.unique(np.column_stack([embeddings.person, embeddings.camera]), axis=0)[:, 0]
    seen = np.searchsorted(pairs, known, "right") - np.searchsorted(pairs, known, "left")
    return known[seen >= 2]


def requested_and_realised(tests: list[OpenSetTest], fpir: float, rule: ThresholdRule, repeats: int = 200) -> Interval:
    """The FPIR really met where ``fpir`` was asked for, over several dealings, with its interval over people."""
    outcomes = [realised_fpir(rule(test, fpir), test.counted(), repeats, seed) for seed, test in enumerate(tests)]
    return interval(float(np.mean([value for value, _ in outcomes])), np.concatenate([many for _, many in outcomes]))


def pair_calibration(embeddings: Embeddings, seed: int = 0) -> PairCalibration:
    """Cosine calibrated on half the people's cross-camera pairs, measured on the other half's.

    One picture per person and camera, so that nobody counts for standing still.
    """
    rng = np.random.default_rng(seed)
    able = rng.permutation(_in_two_cameras(embeddings))
    rows = query_each(embeddings.person, embeddings.camera, seed)
    halves = able[: len(able) // 2], able[len(able) // 2 :]
    (fit_score, fit_same), (score, same) = (
        cross_camera_pairs(embeddings[rows[np.isin(embeddings.person[rows], half)]]) for half in halves
    )
    slope, intercept = fit_affine(fit_score, fit_same)
    log_ratio = slope * score + intercept
    probability = 1 / (1 + np.exp(-log_ratio))
    return PairCalibration(
        cllr(log_ratio, same),
        min_cllr(score, same),
        reliability(probability, same, even_odds(same)),
        int(np.count_nonzero(same)),
        int(np.count_nonzero(~same)),
    )


def cross_camera_pairs(embeddings: Embeddings) -> tuple[Float64s, Bools]:
    """(K,) cosines of all pairs from two cameras, and which of them show one person."""
    first, second = np.triu_indices(len(embeddings), k=1)
    across = embeddings.camera[first] != embeddings.camera[second]
    first, second = first[across], second[across]
    cosine = (embeddings.vectors @ embeddings.vectors.T)[first, second]
    return cosine.astype(np.float64), embeddings.person[first] == embeddings.person[second]
