"""Identity metrics: how much of everybody's time is explained when each person may have only one result identity.

Ristani et al., "Performance Measures and a Data Set for Multi-Target, Multi-Camera Tracking", 2016, eq. 7 to 11.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perdure.evaluate.contingency import heaviest_matching
from perdure.evaluate.overlap import Overlaps

THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class Identities:
    """Counts of one or several sequences, and the ratios that follow from them. Adding two combines them."""

    idtp: int = 0
    idfp: int = 0
    idfn: int = 0

    def __add__(self, other: Identities) -> Identities:
        return Identities(self.idtp + other.idtp, self.idfp + other.idfp, self.idfn + other.idfn)

    @property
    def idf1(self) -> float:
        """Harmonic mean of ``idp`` and ``idr``."""
        return self.idtp / max(1.0, self.idtp + 0.5 * self.idfp + 0.5 * self.idfn)

    @property
    def idp(self) -> float:
        """Share of the result boxes that has the right identity."""
        return self.idtp / max(1, self.idtp + self.idfp)

    @property
    def idr(self) -> float:
        """Share of the true boxes that has the right identity."""
        return self.idtp / max(1, self.idtp + self.idfn)


def identities(overlaps: Overlaps, threshold: float = THRESHOLD) -> Identities:
    """Identity counts of one sequence."""
    close = overlaps.pairs.similarity >= threshold
    idtp = int(
        heaviest_matching(
            overlaps.pair_truth_ids[close], overlaps.pair_result_ids[close], np.ones(int(close.sum()), np.float64)
        )
    )
    return Identities(idtp, len(overlaps.result_ids) - idtp, len(overlaps.truth_ids) - idtp)
