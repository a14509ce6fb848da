"""Is the simulated crowd like the real one? Score distributions and retrieval figures side by side.

The people are dealt into two halves. The model is fitted to one; the other is simulated picture by picture, with as
many people, cameras, tracklets and pictures as it really has, and compared with what it really looks like. What two
real halves differ by is given beside it: no simulator can be asked to do better.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from perdure.evaluate.datasets import query_each
from perdure.evaluate.embeddings import Embeddings, people
from perdure.evaluate.report import Cell, Report, Table, new_figure
from perdure.evaluate.retrieval_report import figures, scores_of
from perdure.simulate.stream_fit import fit, tracklets_of
from perdure.simulate.stream_people import FittedPeople, Habits, RealPeople
from perdure.types import Float32s, Float64s, Ints

KINDS = (
    "same tracklet",
    "same person, same camera",
    "same person, other camera",
    "strangers, same camera",
    "strangers, other camera",
)
QUANTILES = (0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999)
SAMPLED_PAIRS = 200_000
ONE_DAY = Habits(new_clothes=0.0, look_alikes=0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """One half of the people, real and simulated, and the real other half."""

    real: Mapping[str, Float32s]
    """Cosines by kind of pair, at most ``SAMPLED_PAIRS`` each."""
    simulated: Mapping[str, Float32s]
    other_half: Mapping[str, Float32s]
    real_retrieval: Mapping[str, float]
    simulated_retrieval: Mapping[str, float]


def compare(embeddings: Embeddings, seed: int = 0) -> Comparison:
    """Fits to half of the people and simulates the other half.

    Raises:
        InputError: too few people, or nobody in two cameras.
    """
    known = np.random.default_rng(seed).permutation(people(embeddings))
    fitted_half = embeddings[np.isin(embeddings.person, known[: len(known) // 2])]
    real = embeddings[np.isin(embeddings.person, known[len(known) // 2 :])]
    simulated = simulated_twin(real, fitted_people(fitted_half, seed, ONE_DAY))
    return Comparison(
        scores_by_kind(real),
        scores_by_kind(simulated),
        scores_by_kind(fitted_half),
        _retrieval(real),
        _retrieval(simulated),
    )


def fitted_people(embeddings: Embeddings, seed: int, habits: Habits | None = None) -> FittedPeople:
    """Any number of made-up people like these, for ``perdure.simulate.stream``.

    Raises:
        InputError: fewer than two people, or nobody in two cameras.
    """
    labels = embeddings.person, embeddings.camera, _tracklets(embeddings)
    model = fit(embeddings.model, embeddings.vectors, *labels, embeddings.quality)
    return FittedPeople(model, seed, habits or Habits())


def real_people(embeddings: Embeddings) -> RealPeople:
    """These very people, for ``perdure.simulate.stream``.

    Raises:
        InputError: there are none.
    """
    labels = embeddings.person, embeddings.camera, _tracklets(embeddings)
    return RealPeople.of(embeddings.model, embeddings.vectors, *labels, embeddings.quality, embeddings.paths)


def _tracklets(embeddings: Embeddings) -> Ints:
    return tracklets_of(embeddings.person, embeddings.camera, embeddings.sequence, embeddings.frame)


def simulated_twin(real: Embeddings, looks: FittedPeople) -> Embeddings:
    """The same labels with made-up vectors."""
    tracklet = _tracklets(real)
    number = np.unique(real.person, return_inverse=True)[1]
    place = np.unique(real.camera, return_inverse=True)[1]
    vectors = np.empty_like(real.vectors)
    order = np.argsort(tracklet, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(tracklet[order])) + 1):
        rng = np.random.default_rng([looks.seed, int(tracklet[rows[0]])])
        vectors[rows] = looks.pictures(int(number[rows[0]]), 0, int(place[rows[0]]), len(rows), rng).vectors
    return replace(real, vectors=vectors)


def scores_by_kind(embeddings: Embeddings) -> dict[str, Float32s]:
    """Cosines of pairs of pictures by what they share; a random sample of each kind where there are very many."""
    tracklet = _tracklets(embeddings)
    cosine = embeddings.vectors @ embeddings.vectors.T
    above = np.triu(np.ones(cosine.shape, bool), 1)
    same = embeddings.person[:, None] == embeddings.person
    camera = embeddings.camera[:, None] == embeddings.camera
    tracked = tracklet[:, None] == tracklet
    masks = tracked, same & camera & ~tracked, same & ~camera, ~same & camera, ~same & ~camera
    rng = np.random.default_rng(0)
    found = {}
    for kind, mask in zip(KINDS, masks, strict=True):
        scores = cosine[mask & above]
        found[kind] = scores if len(scores) <= SAMPLED_PAIRS else scores[rng.integers(0, len(scores), SAMPLED_PAIRS)]
    return found


def _retrieval(embeddings: Embeddings) -> dict[str, float]:
    query, gallery = query_each(embeddings.person, embeddings.camera), np.arange(len(embeddings))
    return figures(scores_of(embeddings, query, gallery))


def largest_gap(first: Float32s, second: Float32s) -> float:
    """Kolmogorov-Smirnov distance: the largest difference of the two distribution functions; NaN without scores."""
    if not len(first) or not len(second):
        return float("nan")
    points = np.concatenate([first, second])
    below = [np.searchsorted(np.sort(scores), points, "right") / len(scores) for scores in (first, second)]
    return float(np.abs(below[0] - below[1]).max())


def exact(found: Comparison) -> dict[str, object]:
    """All figures by name."""
    kinds = {
        kind: {
            "pairs": len(found.real[kind]),
            "real": _quantiles(found.real[kind]),
            "simulated": _quantiles(found.simulated[kind]),
            "gap_simulated": largest_gap(found.real[kind], found.simulated[kind]),
            "gap_other_half": largest_gap(found.real[kind], found.other_half[kind]),
        }
        for kind in KINDS
    }
    retrieval = {"real": found.real_retrieval, "simulated": found.simulated_retrieval}
    return {"quantiles": QUANTILES, "scores": kinds, "retrieval": retrieval}


def _quantiles(scores: Float32s) -> Float64s:
    return np.quantile(scores.astype(np.float64), QUANTILES) if len(scores) else np.full(len(QUANTILES), np.nan)


def report(found: Comparison, model: str) -> Report:
    """Quantiles and retrieval side by side, and a histogram of each kind of pair."""
    columns = "pairs", "of", *(f"{100 * q:g} %" for q in QUANTILES), "gap"
    rows: list[tuple[Cell, ...]] = []
    plots = {}
    for kind in KINDS:
        real, made, other = found.real[kind], found.simulated[kind], found.other_half[kind]
        rows.append((kind, "real", *map(float, _quantiles(real)), ""))
        rows.append(("", "simulated", *map(float, _quantiles(made)), largest_gap(real, made)))
        rows.append(("", "real, other half", *map(float, _quantiles(other)), largest_gap(real, other)))
        plots[kind] = new_figure(5, 2.5)
        axes = plots[kind].add_subplot(xlabel="cosine", yticks=[])
        for name, scores in (("real", real), ("simulated", made)):
            share = np.full(len(scores), 1 / max(len(scores), 1))
            axes.hist(scores, bins=80, range=(0, 1), histtype="step", weights=share, label=name)
        axes.legend()
    names = tuple(found.real_retrieval)
    both = (("real", found.real_retrieval), ("simulated", found.simulated_retrieval))
    retrieval: tuple[tuple[Cell, ...], ...] = tuple((who, *(values[name] for name in names)) for who, values in both)
    tables = (
        Table("Quantiles of scores", columns, tuple(rows), "gap: Kolmogorov-Smirnov distance to the real half."),
        Table("Retrieval of the same pictures", ("", *names), retrieval),
    )
    return Report(
        "perdure eval simulator", tables, plots, (f"{model}: fitted to half of the people, shown the other.",)
    )
