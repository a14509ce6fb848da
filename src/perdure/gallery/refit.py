"""What answers teach about the odds of questions: a light calibration for one site, drawn towards none.

An answered pair is a labelled pair. ``P(same) = sigmoid(slope * odds + offset)`` for each kind of question (Platt,
"Probabilistic outputs for support vector machines", 1999), the most probable parameters under a normal prior around the
usual ones, so that a handful of answers moves little. The odds chose which pairs were asked; a fit of the answer given
the odds is not biased by that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import expit

from perdure.types import Bools, Float64s

Kind = Literal["join", "part"]
SLOPE_STD, OFFSET_STD = 0.2, 0.5
"""How far a site may be from the usual before anything was answered."""
ROUNDS = 12


@dataclass(frozen=True, slots=True)
class Line:
    """Odds of a question -> nats for the same person."""

    slope: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Refit:
    """How odds of questions become probabilities at one site."""

    join: Line = Line()
    part: Line = Line()

    def probability(self, odds: Float64s, part: Bools) -> Float64s:
        """(N,) that it is one person; ``part``: (N,) which of them are about parts."""
        slope = np.where(part, self.part.slope, self.join.slope)
        return np.asarray(expit(slope * odds + np.where(part, self.part.offset, self.join.offset)))


UNFITTED = Refit()


def refit(answers: Sequence[tuple[Kind, float, bool]]) -> Refit:
    """From (kind, odds when asked, same?) of every answer that counts."""
    lines = {}
    for kind, usual in (("join", UNFITTED.join), ("part", UNFITTED.part)):
        mine = [(odds, same) for of, odds, same in answers if of == kind]
        lines[kind] = fitted(np.array([o for o, _ in mine]), np.array([s for _, s in mine], bool), usual)
    return Refit(lines["join"], lines["part"])


def fitted(odds: Float64s, same: Bools, usual: Line) -> Line:
    """The most probable line, by Newton's method; ``usual`` without answers."""
    precision = np.diag([SLOPE_STD**-2, OFFSET_STD**-2])
    centre = np.array([usual.slope, usual.offset])
    now = centre.copy()
    inputs = np.column_stack([odds, np.ones(len(odds))]) if len(odds) else np.zeros((0, 2))
    for _ in range(ROUNDS):
        p = expit(inputs @ now)
        gradient = inputs.T @ (p - same) + precision @ (now - centre)
        hessian = (inputs * (p * (1 - p))[:, None]).T @ inputs + precision
        now = now - np.linalg.solve(hessian, gradient)
    return Line(float(max(now[0], 0.05)), float(now[1]))
