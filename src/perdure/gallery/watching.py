"""A watch list: who is near enough to somebody on it, at a requested false match rate, and what a hit is worth.

How near strangers come is on the embedder's card, measured on identities of several tracklets each. To a list of people
by a few pictures each, at another site, they come nearer. But nearly everybody who passes a watch list is a stranger,
so what is usual is measured where it is used: the quartiles of how near the passers-by come shift and stretch the
card's distribution, whose tail then says where the rare ones are. Quartiles, because the few who are on the list hardly
move them.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from perdure.gallery.calibrate import Calibration
from perdure.gallery.decide import Candidates, Limit, Posterior, Rule
from perdure.types import Decision

PASSED = 1000
"""So many of the latest who passed say what is usual here."""
HALF_MEASURED = 50
"""With so many half of that is believed."""
STRETCH = (0.5, 2.0)
"""The spread here may be so much less or more than on the card."""
LEAST_RATE, MOST_RATE = 1e-6, 0.99
"""Rates beyond these are not told apart."""
STEPS = 40


@dataclass(slots=True)
class Passing:
    """How near those who pass come to the nearest of those listed."""

    calibration: Calibration
    _nearest: deque[float] = field(default_factory=lambda: deque(maxlen=PASSED))

    def note(self, similarity: float) -> None:
        """Somebody came this near, whoever they were."""
        if math.isfinite(similarity):
            self._nearest.append(similarity)

    def limit(self, rate: float, listed: int) -> float:
        """The similarity that this share of strangers exceeds, as far as is known here."""
        card = self.calibration.stranger_threshold(rate, listed)
        if len(self._nearest) < 2:
            return card
        low, middle, high = np.quantile(np.array(self._nearest), [0.25, 0.5, 0.75])
        expected = [self.calibration.stranger_threshold(share, listed) for share in (0.75, 0.5, 0.25)]
        stretch = float(np.clip((high - low) / max(expected[2] - expected[0], 1e-9), *STRETCH))
        here = float(middle) + stretch * (card - expected[1])
        believed = len(self._nearest) / (len(self._nearest) + HALF_MEASURED)
        return card + believed * (here - card)


@dataclass(frozen=True, slots=True)
class OnList:
    """Match who is nearer to the nearest of those listed than the requested share of strangers comes here."""

    rule: Posterior
    """With ``Passing.limit`` as its limit."""
    passing: Passing

    @classmethod
    def of(cls, calibration: Calibration, return_rate: float, false_match_rate: float) -> OnList:
        """The rule of a watch list."""
        passing = Passing(calibration)
        return cls(Posterior(calibration, return_rate, false_match_rate, limit=passing.limit), passing)

    def __call__(self, candidates: Candidates) -> Decision:
        """Decide, and then take note of how near this one came."""
        decision = self.rule(candidates)
        if candidates.may_wait_until is None:
            self.passing.note(decision.evidence.best_score)
        return decision


def limit_of(rule: Rule, calibration: Calibration) -> Limit:
    """What a rule goes by; the card's where it measures nothing itself."""
    return rule.passing.limit if isinstance(rule, OnList) else calibration.stranger_threshold


def stated_rate(limit: Limit, similarity: float, listed: int) -> float:
    """The share of strangers whose nearest of so many listed people is at least this similar: a false match rate.

    The inverse of ``limit``, by bisection of the logarithm; in [``LEAST_RATE``, ``MOST_RATE``].
    """
    low, high = math.log(LEAST_RATE), math.log(MOST_RATE)
    for _ in range(STEPS):
        middle = (low + high) / 2
        if limit(math.exp(middle), listed) > similarity:
            low = middle  # so rare a limit is higher: strangers this near are commoner
        else:
            high = middle
    return math.exp((low + high) / 2)
