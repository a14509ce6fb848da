"""How near a stranger comes to the nearest of N identities: the tail that a false match rate is about.

The highest similarity of a stranger with m identities is measured. Above its 90 % quantile it follows a generalised
Pareto distribution (peaks over threshold: Pickands, Ann. Statist. 1975; fitted by probability-weighted moments:
Hosking & Wallis, Technometrics 1987, eq. 4), below by its quantiles.

Comparisons of one stranger are not independent: who looks like nobody does so in a large gallery as well. So the tail
over strangers is not that over identities, and P(highest of N) = P(highest of m)^(N / m) asks for far too much. Around
a stranger's own level scores are like cosines of directions drawn at random in d dimensions: near normal, but bounded,
so that their maximum grows ever more slowly. It follows the quantile at 1 - 1/N of such a cosine, whose square is
Beta(1/2, (d - 1)/2) (Cai, Fan & Jiang, JMLR 2013); d is read off the median, by how much it rises is measured on parts
of the gallery. The maximum of more also spreads less (for a normal by 1 / sqrt(2 log N), here by more, for who is
remarkable comes near to nobody): by how much is measured on the same parts, as the mean excess over the 90 % quantile.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import betaincinv, ndtri

from perdure.types import Float64s

EXCEEDED = (0.999, 0.99, 0.95, 0.9, 0.75, 0.5, 0.25, 0.1)
"""Shares of strangers whose nearest is nearer than each of ``Strangers.quantiles``."""
SHAPES = (-0.5, 0.3)
"""Tails that end sooner or are heavier are taken for an accident of a small sample."""
GROWTH_AT = (0.25, 0.1, 0.05)
"""Exceeded shares at which growth is measured, and averaged."""
NARROWING = 0.5
"""Of how much less the nearest spread in a larger gallery, this share is believed."""
PARTS = 4
"""Into so many parts a gallery is divided to see how its size matters."""
DIMENSIONS = (8.0, 1000.0)
"""In fewer no embedder spreads people, in more a cosine is normal."""
FEWEST = 50
"""Strangers that a fit needs."""


@dataclass(frozen=True, slots=True)
class Strangers:
    """The distribution of the highest similarity of a stranger with so many identities."""

    identities: int
    quantiles: tuple[float, ...]
    """Similarity that each share of ``EXCEEDED`` exceeds; rising."""
    scale: float
    """Of the generalised Pareto distribution above the last of them."""
    shape: float
    growth: float
    """By how much it rises per normal score, from a fourth (``PARTS``) of these identities to all."""
    narrowing: float = 0.0
    """By how much the logarithm of its spread falls per normal score, on the same way."""

    def threshold(self, rate: float, identities: int) -> float:
        """The similarity that the nearest of ``identities`` strangers exceeds with this probability in (0, 1)."""
        last = EXCEEDED[-1]
        if rate <= last:
            ratio = last / rate
            beyond = math.log(ratio) if abs(self.shape) < 1e-6 else (ratio**self.shape - 1) / self.shape
            here = self.quantiles[-1] + self.scale * beyond
        else:
            here = float(np.interp(-rate, [-share for share in EXCEEDED], self.quantiles))
        steps = self._steps(identities)
        usual = self.quantiles[-1]
        return usual + self.growth * steps + math.exp(-NARROWING * self.narrowing * steps) * (here - usual)

    def _steps(self, identities: int) -> float:
        """How far it is from the identities of the sample to so many: in normal scores there, beyond as cosines go."""
        known, part = self.identities, max(self.identities // PARTS, 1)
        step = self._cosine(known) - self._cosine(part)
        if step <= 0:
            return 0.0
        known_step = _normal_score(known) - _normal_score(part)
        return known_step * (self._cosine(identities) - self._cosine(known)) / step

    def _cosine(self, identities: int) -> float:
        """Where the highest of so many cosines is, about."""
        median = self.quantiles[EXCEEDED.index(0.5)]
        spread = median / float(ndtri(0.5 ** (1 / max(self.identities, 2))))
        dimensions = float(np.clip(1 / spread**2, *DIMENSIONS)) if spread > 0 else DIMENSIONS[1]
        twice = 1 - 2 / (max(identities, 1) + 1)
        return math.sqrt(float(betaincinv(0.5, (dimensions - 1) / 2, twice)))

    def scaled(self, factor: float) -> Strangers:
        """Of strangers whose similarities spread so many times as far."""
        quantiles = tuple(factor * value for value in self.quantiles)
        return replace(self, quantiles=quantiles, scale=factor * self.scale, growth=factor * self.growth)


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Highest similarities of n strangers with all of so many identities, and with a part of them."""

    highest: Float64s
    """(n,)"""
    identities: int
    in_part: Float64s
    """(k,) with parts of the identities, all of one size."""
    part: int
    """That size."""


def fit_strangers(sample: Sample) -> Strangers:
    """The distribution behind a sample.

    Raises:
        ValueError: fewer than ``FEWEST`` strangers.
    """
    highest = sample.highest
    if len(highest) < FEWEST:
        raise ValueError(f"{len(highest)} strangers, needed are {FEWEST}")
    quantiles = np.quantile(highest, [1 - share for share in EXCEEDED])
    excess = np.sort(highest[highest > quantiles[-1]] - quantiles[-1])
    mean = float(excess.mean())
    rank = (np.arange(len(excess)) + 0.65) / len(excess)  # Hosking & Wallis, p_j = (j - 0.35) / n
    lower = float(((1 - rank) * excess).mean())
    shape = float(np.clip(2 - mean / (mean - 2 * lower), *SHAPES)) if mean > 2 * lower else SHAPES[0]
    levels = [1 - share for share in GROWTH_AT]
    rise = float(np.mean(np.quantile(highest, levels) - np.quantile(sample.in_part, levels)))
    step = _normal_score(sample.identities) - _normal_score(sample.part)
    narrowing = max(0.0, math.log(_mean_excess(sample.in_part) / mean) / step)
    return Strangers(
        sample.identities, tuple(quantiles.tolist()), mean * (1 - shape), shape, max(0.0, rise / step), narrowing
    )


def _mean_excess(highest: Float64s) -> float:
    """Over what ``EXCEEDED[-1]`` of them exceed."""
    usual = np.quantile(highest, 1 - EXCEEDED[-1])
    return float((highest[highest > usual] - usual).mean())


def _normal_score(identities: int) -> float:
    """Where the highest of so many normal numbers is, about."""
    return float(ndtri(1 - 1 / (identities + 1)))
