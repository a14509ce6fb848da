"""Open-set identification: find the enrolled person, and nobody for a stranger.

A search compares one probe with every enrolled person and returns candidates with similarity >= threshold. After
ISO/IEC 19795-1 and NIST FRVT 1:N (NISTIR 8271, section 3):

- FPIR: share of searches by strangers that return anybody.
- FNIR(N, T): share of searches by enrolled people whose own entry does not score >= T among N; TPIR = 1 - FNIR.
- DIR at FAR (Phillips, Grother & Micheals, Handbook of Face Recognition, 2005): the own entry also has to be the best;
  FAR is the FPIR.

Intervals are percentile bootstraps over people, never over pictures: pictures of one person succeed and fail together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perdure.types import Float32s, Float64s, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Searches:
    """Outcomes of M searches by enrolled people and S by strangers."""

    mate_score: Float64s
    """(M,) similarity to the own entry."""
    mate_rank: Ints
    """(M,) place of the own entry from 1; entries with equal similarity count as before it."""
    mate_person: Ints
    """(M,)"""
    stranger_score: Float64s
    """(S,) the highest similarity to any entry."""
    stranger_person: Ints
    """(S,)"""
    gallery_size: int
    """Enrolled people."""


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """What a threshold reaches."""

    fpir: float
    """Requested: at most this share of strangers gets a candidate."""
    threshold: float
    tpir: float
    detection_rate: float
    """DIR: the own entry is above the threshold and the best."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


def search(similarity: Float32s, probe_person: Ints, enrolled_person: Ints) -> Searches:
    """Outcomes from (P, N) similarities of probes to enrolled people; a probe of nobody enrolled is a stranger's.

    Raises:
        ValueError: nobody enrolled, one person enrolled twice, or shapes that do not agree.
    """
    if similarity.shape != (len(probe_person), len(enrolled_person)) or not len(enrolled_person):
        raise ValueError(f"{similarity.shape} for {len(probe_person)} probes, {len(enrolled_person)} enrolled")
    order = np.argsort(enrolled_person)
    if np.any(np.diff(enrolled_person[order]) == 0):
        raise ValueError("one person is enrolled twice")
    place = np.minimum(np.searchsorted(enrolled_person[order], probe_person), len(order) - 1)
    column = order[place]
    mated = enrolled_person[column] == probe_person
    rows = np.flatnonzero(mated)
    own = similarity[rows, column[rows]]
    rank = np.count_nonzero(similarity[rows] >= own[:, None], axis=1)
    best = similarity[~mated].max(axis=1, initial=-np.inf)
    return Searches(
        own.astype(np.float64),
        rank.astype(np.int64),
        probe_person[rows],
        best.astype(np.float64),
        probe_person[~mated],
        len(enrolled_person),
    )


def threshold_at(stranger_score: Float64s, fpir: float) -> float:
    """The lowest float32 threshold that at most the share ``fpir`` of these scores reaches; NaN without scores.

    float32, so that it separates the same scores wherever similarities are kept in that precision.
    """
    if not len(stranger_score):
        return float("nan")
    allowed = int(np.floor(fpir * len(stranger_score) + 1e-9))
    if allowed >= len(stranger_score):
        return float("-inf")
    first_refused = np.partition(stranger_score, len(stranger_score) - 1 - allowed)[-1 - allowed]
    return float(np.nextafter(np.float32(first_refused), np.float32(np.inf)))


def operating_point(searches: Searches, fpir: float) -> OperatingPoint:
    """TPIR and DIR at the threshold that the strangers of these very searches set."""
    threshold = threshold_at(searches.stranger_score, fpir)
    accepted = searches.mate_score >= threshold
    if not len(accepted) or np.isnan(threshold):
        return OperatingPoint(fpir, threshold, float("nan"), float("nan"))
    best = accepted & (searches.mate_rank == 1)
    return OperatingPoint(fpir, threshold, float(accepted.mean()), float(best.mean()))


def error_curve(searches: Searches, points: int = 200) -> tuple[Float64s, Float64s]:
    """(K,) FPIR and (K,) FNIR over all thresholds worth distinguishing, by rising FPIR."""
    grid = np.unique(np.linspace(0, len(searches.stranger_score), points).astype(np.int64))
    fpir = grid / max(len(searches.stranger_score), 1)
    return fpir, np.array([1 - operating_point(searches, rate).tpir for rate in fpir])


def at_gallery_sizes(
    similarity: Float32s, probe_person: Ints, enrolled_person: Ints, sizes: Ints, fpir: float, draws: int, seed: int = 0
) -> tuple[Float64s, Float64s]:
    """(S,) mean FNIR at ``fpir`` and (S,) mean FPIR of the smallest size's threshold, for random galleries by size.

    People not drawn are left out altogether: they become no strangers. So the searches by strangers are the same at
    every size and only the gallery grows. The second figure says what a threshold that once was right does later.
    """
    rng = np.random.default_rng(seed)
    outsiders = ~np.isin(probe_person, enrolled_person)
    fnir, kept_fpir = np.empty((draws, len(sizes))), np.empty((draws, len(sizes)))
    for draw in range(draws):
        order = rng.permutation(len(enrolled_person))
        kept_threshold = np.nan
        for position, size in enumerate(sizes):
            chosen = order[:size]
            probes = outsiders | np.isin(probe_person, enrolled_person[chosen])
            found = search(similarity[np.ix_(probes, chosen)], probe_person[probes], enrolled_person[chosen])
            point = operating_point(found, fpir)
            kept_threshold = point.threshold if position == 0 else kept_threshold
            fnir[draw, position] = 1 - point.tpir
            kept_fpir[draw, position] = np.mean(found.stranger_score >= kept_threshold)
    return fnir.mean(axis=0), kept_fpir.mean(axis=0)


def person_weights(person: Ints, repeats: int, rng: np.random.Generator) -> Float64s:
    """(R, P) how often each row counts in each of R resamplings of the people behind the (P,) rows."""
    _, owner = np.unique(person, return_inverse=True)
    people = int(owner.max(initial=-1)) + 1
    counts = rng.multinomial(people, np.full(people, 1 / max(people, 1)), size=repeats)
    return np.asarray(counts[:, owner], np.float64)


def interval(value: float, replicates: Float64s) -> Interval:
    """The 2.5 and 97.5 percentiles of bootstrap replicates around a value; NaN replicates are left out."""
    finite = replicates[np.isfinite(replicates)]
    if not len(finite):
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(finite, [0.025, 0.975])
    return Interval(value, float(low), float(high))


def tpir_interval(searches: Searches, fpir: float, repeats: int = 500, seed: int = 0) -> Interval:
    """TPIR at ``fpir`` with its interval: enrolled people and strangers resampled, the threshold set anew each time."""
    value = operating_point(searches, fpir).tpir
    if np.isnan(value):
        return Interval(value, value, value)
    rng = np.random.default_rng(seed)
    stranger_weight = person_weights(searches.stranger_person, repeats, rng)
    mate_weight = person_weights(searches.mate_person, repeats, rng)
    falling = np.argsort(-searches.stranger_score, kind="stable")
    reached = np.cumsum(stranger_weight[:, falling], axis=1)
    allowed = fpir * reached[:, -1:] + 1e-9
    refused = np.argmax(reached > allowed, axis=1)
    bar = searches.stranger_score[falling[refused]]
    accepted = searches.mate_score[None, :] > bar[:, None]
    replicates = (mate_weight * accepted).sum(axis=1) / mate_weight.sum(axis=1)
    return interval(value, replicates)


def realised_fpir(threshold: float, searches: Searches, repeats: int = 500, seed: int = 0) -> tuple[float, Float64s]:
    """The share of strangers who reach a threshold set elsewhere, and (R,) bootstrap replicates of it over people."""
    reached = searches.stranger_score >= threshold
    if not len(reached):
        return float("nan"), np.full(repeats, np.nan)
    weight = person_weights(searches.stranger_person, repeats, np.random.default_rng(seed))
    return float(reached.mean()), np.asarray((weight * reached).sum(axis=1) / weight.sum(axis=1), np.float64)
