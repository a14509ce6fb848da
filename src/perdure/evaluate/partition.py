"""How well predicted identities divide the same items as the true ones: B-cubed, pairs, IDF1, fragments, purity.

B-cubed: Bagga and Baldwin, "Algorithms for scoring coreference chains", 1998; its weighted and extended forms: Amigo et
al., "A comparison of extrinsic clustering evaluation metrics", 2009. IDF1: Ristani et al., 2016, over items.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from perdure.evaluate.contingency import heaviest_matching
from perdure.types import Float64s, Ints


@dataclass(frozen=True, slots=True)
class PartitionScores:
    """Scores in [0, 1] of one partition against another of the same items; without any item all are 1."""

    items: int
    weight: float
    """Of all items, e.g. crops where the items are tracklets."""
    people: int
    ids: int
    """Predicted identities."""
    b_cubed_precision: float
    """Weighted mean over items: the share of its predicted identity that is the same person."""
    b_cubed_recall: float
    """Weighted mean over items: the share of its person that has the same predicted identity."""
    pair_precision: float
    """Of all pairs of items with one predicted identity (not weighted), the share that is one person."""
    pair_recall: float
    """Of all pairs of items of one person (not weighted), the share that has one predicted identity."""
    idf1: float
    """Share of the weight that is right when people and identities are matched one to one as well as possible."""
    purity: float
    """Share of the weight that belongs to the majority person of its identity."""
    fragments_per_person: float
    """Mean number of predicted identities a person is spread over."""
    mixed_ids: int
    """Predicted identities with more than one person."""

    @property
    def b_cubed_f(self) -> float:
        """Harmonic mean of B-cubed precision and recall."""
        return harmonic(self.b_cubed_precision, self.b_cubed_recall)

    @property
    def pair_f(self) -> float:
        """Harmonic mean of pair precision and recall."""
        return harmonic(self.pair_precision, self.pair_recall)

    def figures(self) -> dict[str, float]:
        """All scores by name."""
        names = [name for name in self.__slots__ if not name.startswith("_")]
        return {name: getattr(self, name) for name in [*names, "b_cubed_f", "pair_f"]}


def partition(truth: npt.ArrayLike, predicted: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> PartitionScores:
    """Scores of a partition of N items.

    Args:
        truth: (N,) labels of any kind: who each item shows.
        predicted: (N,) labels of any kind: which identity each item was given. Leave out items without one.
        weights: (N,) > 0, 1 each by default.
    """
    people, person = np.unique(np.asarray(truth), return_inverse=True)
    ids, identity = np.unique(np.asarray(predicted), return_inverse=True)
    weight = np.ones(len(person)) if weights is None else np.asarray(weights, np.float64)
    if not len(person) == len(identity) == len(weight):
        raise ValueError(f"{len(person)} true and {len(identity)} predicted labels, {len(weight)} weights")
    if not len(person):
        return PartitionScores(0, 0.0, 0, 0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0)
    cells, cell = np.unique(person * len(ids) + identity, return_inverse=True)
    row, column = cells // len(ids), cells % len(ids)
    shared = np.bincount(cell, weight).astype(np.float64, copy=False)
    of_person, of_identity = np.bincount(person, weight), np.bincount(identity, weight)
    total = float(weight.sum())
    majority = np.zeros(len(ids))
    np.maximum.at(majority, column, shared)
    together = _pairs(np.bincount(cell))
    return PartitionScores(
        items=len(person),
        weight=total,
        people=len(people),
        ids=len(ids),
        b_cubed_precision=float((shared**2 / of_identity[column]).sum()) / total,
        b_cubed_recall=float((shared**2 / of_person[row]).sum()) / total,
        pair_precision=_ratio(together, _pairs(np.bincount(identity))),
        pair_recall=_ratio(together, _pairs(np.bincount(person))),
        idf1=heaviest_matching(row, column, shared) / total,
        purity=float(majority.sum()) / total,
        fragments_per_person=len(cells) / len(people),
        mixed_ids=int((np.bincount(column) > 1).sum()),
    )


def harmonic(first: float, second: float) -> float:
    """The harmonic mean of two shares; 0 where both are 0."""
    return 2 * first * second / (first + second) if first + second else 0.0


def _pairs(counts: Ints) -> Float64s:
    """The number of pairs in all groups of these sizes, exact up to 2^53."""
    return np.asarray((counts * (counts - 1) // 2).sum(), np.float64)


def _ratio(part: Float64s, whole: Float64s) -> float:
    """1 where there is no pair at all: nothing claimed is nothing wrong."""
    return float(part / whole) if whole else 1.0
