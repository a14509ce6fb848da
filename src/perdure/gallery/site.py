"""What a site's own tracklets say a similarity is worth there: the card's calibration, corrected without labels.

A card was measured at another site. Three things of a site need nobody to say who is who:

- People seen at once before one camera are two. How alike they look on average is where centring starts from.
- Nearly all pairs of tracklets are two people. How far these spread is read off the lower half of all pairs, which the
  few pairs of one person cannot reach; the share of these, as the partition has it, is taken off the levels.
- The two halves of a tracklet are one person. Returns are less alike than halves, by the time between and the change of
  camera; by how much was measured with the card, and the ratio is taken to hold.

With d the distance between the mean similarities of one person and of two, and s the spread of two, a log-likelihood
ratio of two normal classes has slope d / s^2 and turns between them. The card's slope is scaled as d and s are here
against there, its turning point moves with d. Each quantity is a weighted mean of the card's and the site's, the card
weighing as much as so many pairs, people or tracklets (empirical Bayes: Robbins 1956; Efron & Morris, JASA 1975). It is
a function of the tracklets and of who is who, so a replay learns the same. Unsupervised calibration of speakers' scores
fits the two classes as a mixture (Bruemmer & Garcia-Romero, Odyssey 2014); where pairs of one person are as
rare as here, the long tail of two people takes the place of the second class, so it is not done.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from perdure.gallery.calibrate import Calibration
from perdure.types import Float32s, Float64s, Ints

LATEST = 256
"""Tracklets that are looked at: bounded work."""
OVERLAP_S = 1.0
"""Two tracklets of one camera that overlap so long are two people."""
CARD_PAIRS = 2.0
"""The card's mean of strangers weighs as much as so many independent pairs seen at once."""
CARD_PEOPLE = 30.0
"""Its spread of strangers as much as that of so many people."""
CARD_HALVES = 30.0
"""Its similarity of one person as much as the halves of so many tracklets."""
LOWER, MIDDLE = 0.16, 0.5
"""Quantiles of all pairs by which the spread is read."""
SPREAD = 1.07
"""Standard deviation of strangers over the distance of these quantiles, which would be 1 if they were normal."""
CLOSEST, FARTHEST = 0.5, 2.0
"""No ratio of site and card is believed beyond these."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What some tracklets of a site say, each with how much is behind it."""

    spread: float = 0.0
    """Standard deviation of the similarity of two people."""
    people: float = 0.0
    """Effective number of them."""
    halves: float = 0.0
    """Mean similarity of the two halves of a tracklet."""
    halved: int = 0
    """Tracklets of two pictures or more."""


def mean_apart(vectors: Float32s, cameras: Ints, starts: Float64s, ends: Float64s) -> tuple[float, float]:
    """Mean cosine of N tracklets seen at once, and how many independent pairs there are: no tracklet counts twice."""
    overlap = np.minimum(ends[:, None], ends) - np.maximum(starts[:, None], starts)
    first, second = np.nonzero(np.triu((cameras[:, None] == cameras) & (overlap >= OVERLAP_S), 1))
    if not len(first):
        return 0.0, 0.0
    times = np.bincount(np.concatenate([first, second]), minlength=len(cameras))
    weight = 1 / np.maximum(times[first], times[second])
    cosines = np.einsum("nd,nd->n", vectors[first], vectors[second])
    return float(weight @ cosines / weight.sum()), float(weight.sum())


def spread_of_strangers(similarity: Float64s, owners: Ints) -> tuple[float, float]:
    """Standard deviation of the similarity of two people among (N, N) tracklets, and how many people there are."""
    sizes = np.bincount(owners[owners >= 0])
    people = float(sizes.sum()) ** 2 / max(float((sizes**2).sum()), 1.0)
    if people < 2:
        return 0.0, 0.0
    pairs = similarity[np.triu_indices(len(similarity), 1)]
    low, middle = np.quantile(pairs, np.array([LOWER, MIDDLE]) * (1 - 1 / people))
    return SPREAD * float(middle - low), people


def calibrated(card: Calibration, seen: Seen) -> Calibration:
    """The card's calibration as far as the site does not say otherwise."""
    wider = _ratio(seen.spread, card.impostor_std, seen.people, CARD_PEOPLE)
    nearer = _ratio(seen.halves, card.halves, seen.halved, CARD_HALVES)
    steeper = nearer / wider**2
    return replace(
        card,
        slope=card.slope * steeper,
        offset=card.offset * steeper * nearer,
        impostor_std=card.impostor_std * wider,
        second_slope=card.second_slope * steeper,
        second_offset=card.second_offset * steeper * nearer,
        strangers=None if card.strangers is None else card.strangers.scaled(wider),
    )


def _ratio(here: float, there: float, weight: float, prior: float) -> float:
    """Of the site's value to the card's, drawn towards 1."""
    if here <= 0 or there <= 0:
        return 1.0
    believed = float(np.clip(here / there, CLOSEST, FARTHEST))
    return (prior + weight * believed) / (prior + weight)
