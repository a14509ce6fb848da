"""Are probabilities of "same person" worth their name? ECE, Cllr, min-Cllr and reliability.

- Cllr and min-Cllr: Bruemmer & du Preez, "Application-independent evaluation of speaker detection", Computer Speech &
  Language 2006 (eq. 48; min-Cllr by pool-adjacent-violators): bits per pair lost at even odds, 1 for a score that says
  nothing. Their difference is what a better calibration of the same scores would win.
- ECE: Naeini et al., AAAI 2015, over bins of equal width.
- ``fit_affine``: prior-weighted logistic regression (Bruemmer, FoCal), the usual map from a score to a log-likelihood
  ratio.

Same pairs are rare among all pairs, so probabilities here are at even odds: same and different pairs weigh one half.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perdure.types import Bools, Float64s


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """Predicted against observed, by bins of predicted probability."""

    predicted: Float64s
    """(B,) mean probability in the bin; NaN where the bin is empty."""
    observed: Float64s
    """(B,) share of the bin that is the same person."""
    weight: Float64s
    """(B,) share of all weight in the bin; sums to 1."""

    @property
    def ece(self) -> float:
        """Expected calibration error in [0, 1]; NaN without any pairs."""
        return float(np.nansum(self.weight * np.abs(self.predicted - self.observed))) if self.weight.sum() else np.nan


def even_odds(same: Bools) -> Float64s:
    """(N,) weights by which same and different pairs count one half each."""
    positives = int(np.count_nonzero(same))
    return np.where(same, 0.5 / max(positives, 1), 0.5 / max(len(same) - positives, 1))


def reliability(
    probability: Float64s, same: Bools | Float64s, weights: Float64s | None = None, bins: int = 15
) -> Reliability:
    """How often pairs of a predicted (N,) probability really are the same person; ``weights`` (N,) default to equal.

    ``same`` may be a probability itself, where chance decides what happens.
    """
    weight = np.full(len(probability), 1.0) if weights is None else weights
    place = np.minimum((probability * bins).astype(np.int64), bins - 1)
    total = np.asarray(np.bincount(place, weight, minlength=bins), np.float64)
    safe = np.where(total > 0, total, np.nan)
    predicted = np.bincount(place, weight * probability, minlength=bins) / safe
    observed = np.bincount(place, weight * same, minlength=bins) / safe
    return Reliability(predicted, observed, total / total.sum() if total.sum() > 0 else total)


def cllr(log_ratio: Float64s, same: Bools) -> float:
    """Bits per pair that (N,) log-likelihood ratios (nats) of "same" cost at even odds; NaN if one kind is missing."""
    if same.all() or not same.any():
        return float("nan")
    loss = np.logaddexp(0, np.where(same, -log_ratio, log_ratio))
    return float((loss[same].mean() + loss[~same].mean()) / (2 * np.log(2)))


def min_cllr(score: Float64s, same: Bools) -> float:
    """Cllr of the best rising function of (N,) scores: what is lost for lack of discrimination alone."""
    if same.all() or not same.any():
        return float("nan")
    posterior = isotonic(score, same)
    with np.errstate(divide="ignore"):
        log_odds = np.log(posterior) - np.log1p(-posterior)
    prior = np.log(np.count_nonzero(same)) - np.log(np.count_nonzero(~same))
    return cllr(log_odds - prior, same)


def isotonic(score: Float64s, same: Bools | Float64s) -> Float64s:
    """(N,) share of same pairs as the best rising function of the score; equal scores get equal values."""
    from scipy.optimize import isotonic_regression

    _, group, counts = np.unique(score, return_inverse=True, return_counts=True)
    share = np.bincount(group, same) / counts
    return np.asarray(isotonic_regression(share, weights=counts).x[group], np.float64)


def fit_affine(score: Float64s, same: Bools) -> tuple[float, float]:
    """Slope and intercept that turn a score into a log-likelihood ratio (nats), fitted at even odds.

    A little shrinkage of the slope keeps perfectly separated scores finite.
    """
    from scipy.optimize import minimize

    centre, spread = float(score.mean()), float(score.std()) or 1.0
    scaled, weight = (score - centre) / spread, even_odds(same)
    sign = np.where(same, 1.0, -1.0)

    def loss(parameters: Float64s) -> tuple[float, Float64s]:
        log_ratio = parameters[0] * scaled + parameters[1]
        slack = -sign * weight / (1 + np.exp(np.minimum(sign * log_ratio, 700)))
        value = float(np.sum(weight * np.logaddexp(0, -sign * log_ratio))) + 1e-4 * parameters[0] ** 2
        return value, np.array([np.sum(slack * scaled) + 2e-4 * parameters[0], np.sum(slack)])

    slope, intercept = minimize(loss, np.zeros(2), jac=True, method="BFGS").x
    return float(slope / spread), float(intercept - slope * centre / spread)
