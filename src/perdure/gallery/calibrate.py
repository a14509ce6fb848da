"""From a similarity to a probability: what a score says about "same person", and how many strangers it lets in."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtri

from perdure.gallery.strangers import Strangers
from perdure.types import Float64s, Ints

MIXED_BELOW = 0.45
"""Two sides of a tracklet that are less alike than this share of how alike halves are on average are two people."""


@dataclass(frozen=True, slots=True)
class Poor:
    """What the similarity of pictures worse than usual is worth: that of good ones is ``gain * similarity + shift``.

    Half a body is less like its own person than a whole one, and hardly less unlike strangers: what would speak against
    the same person with good pictures may speak for it here.
    """

    quality: tuple[float, ...]
    """(P,) qualities, rising, where this was measured; between them it is interpolated, beyond them it stays."""
    gain: tuple[float, ...]
    """(P,) above 0."""
    shift: tuple[float, ...]
    """(P,)"""
    same: tuple[float, ...]
    """(P,) mean nats of the same person there, as a share of those with good pictures."""

    def as_good(self, similarity: Float64s, quality: Float64s) -> Float64s:
        """The similarity of good pictures that is worth as much; both arrays broadcast."""
        gain, shift = (np.interp(quality, self.quality, known) for known in (self.gain, self.shift))
        return np.asarray(gain * similarity + shift)


@dataclass(frozen=True, slots=True)
class Calibration:
    """How an embedder's similarities are distributed; measured once per model and kept on its card.

    The scale is *centred* similarity: 0 is the mean of two strangers, 1 is identity. On it models and sites are alike.
    """

    slope: float
    """Nats per unit of centred similarity."""
    offset: float
    """log p(s | same) - log p(s | different) = slope * s + offset."""
    impostor_mean: float
    """Mean cosine of two strangers, uncentred: what centring starts from."""
    impostor_std: float
    """Standard deviation of the centred similarity of two strangers."""
    threshold: float = 0.7
    """Uncentred cosine at which the simple policies match unless told otherwise."""
    quality: float = 0.0
    """Pictures at least this good are what all of this was measured on."""
    second_slope: float = 0.0
    """As ``slope``, of similarities with the help of neighbours (``neighbours.with_help``); 0: not known."""
    second_offset: float = 0.0
    halves: float = 0.0
    """Mean similarity of the two halves of a tracklet; 0: not known."""
    strangers: Strangers | None = None
    """How near strangers come; None: not measured, then normal."""
    poor: Poor | None = None
    """What pictures worse than ``quality`` say; None: not measured, then less the worse they are."""

    @property
    def neutral(self) -> float:
        """The similarity that speaks neither for nor against."""
        return -self.offset / self.slope

    def as_good(self, similarity: Float64s, quality: Float64s) -> Float64s:
        """Similarities of pictures of such qualities as what similarities of good ones are worth; both broadcast.

        Unless it was measured (``poor``) it is drawn towards the neutral one, as far as the quality is below usual.
        """
        if self.poor is not None:
            return self.poor.as_good(similarity, quality)
        if self.quality <= 0:
            return similarity
        trust = np.minimum(1.0, np.asarray(quality) / self.quality)
        return np.asarray(self.neutral + trust * (similarity - self.neutral))

    @property
    def mixed_below(self) -> float:
        """Cosine, uncentred, of two sides of a tracklet below which they show two people; -1: not known."""
        if self.halves <= 0:
            return -1.0
        return self.impostor_mean + (1 - self.impostor_mean) * MIXED_BELOW * self.halves

    def expected(self, quality: Float64s) -> Float64s:
        """What one person gets with pictures of such qualities, as a share of the nats with good ones."""
        if self.poor is None:
            return np.ones_like(quality)
        return np.asarray(np.interp(quality, self.poor.quality, self.poor.same))

    def log_likelihood_ratio(self, similarity: Float64s) -> Float64s:
        """Of "same" against "different", nats."""
        return np.asarray(self.slope * similarity + self.offset)

    def like_first(self, similarity: Float64s) -> Float64s:
        """The similarity that is worth as much as one with the help of neighbours."""
        return np.asarray((self.second_slope * similarity + self.second_offset - self.offset) / self.slope)

    def stranger_threshold(self, false_match_rate: float, identities: int) -> float:
        """The similarity that the nearest of ``identities`` strangers exceeds with this probability.

        Where the tail was not measured: normal, independent impostors, P(max <= t) = Phi(t / std)^N, which lets in
        twice as many as asked for.
        """
        if self.strangers is not None:
            return self.strangers.threshold(false_match_rate, identities)
        per_comparison = -math.expm1(math.log1p(-false_match_rate) / max(identities, 1))
        return float(-ndtri(per_comparison)) * self.impostor_std


HABIT_WEIGHT = 2.0
"""Tracklets that everybody is taken to have come for beside those that were seen."""


def habit(times: Ints, tracklets: int, known: int) -> Float64s:
    """(M,) nats by which identities of so many tracklets are likelier than one of ``known`` that all come alike.

    Who came n times of T comes next in proportion to n + ``HABIT_WEIGHT``: the predictive rule of a Dirichlet prior
    (Johnson 1932; of the Chinese restaurant process with 0). Fragments and passers-by, who are many, then do not make
    regulars harder to recognise.
    """
    expected = (tracklets + HABIT_WEIGHT * known) / max(known, 1)
    return np.asarray(np.log((times + HABIT_WEIGHT) / max(expected, HABIT_WEIGHT)))


NEWCOMERS = 3.0
"""A gallery of so many tracklets expects half of the returns that a settled one does."""


def prior_log_odds(return_rate: float, tracklets: int, identities: int) -> float:
    """Before looking: that a tracklet shows one given identity of so many, against nobody known, nats.

    ``return_rate`` is the share of tracklets that show somebody seen before, each identity alike, once a gallery is
    settled; after n tracklets it is n / (n + ``NEWCOMERS``) of that, for at first nearly everybody is new.
    """
    seen = max(tracklets, 1)
    rate = return_rate * seen / (seen + NEWCOMERS)
    return math.log(rate / (1 - rate)) - math.log(max(identities, 1))


def probability(log_odds: float) -> float:
    """Of a posterior in nats."""
    return float(expit(np.float64(log_odds)))
