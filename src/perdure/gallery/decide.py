"""Match, new, or wait: the decision over one tracklet, with its evidence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from perdure.gallery.calibrate import Calibration, prior_log_odds, probability
from perdure.types import Bools, Decision, Evidence, Float64s, Match, New, Term, Wait


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """All there is to know for one decision."""

    identities: Sequence[str]
    """N names; the position is the code used by the scorer."""
    similarity: Float64s
    """(N,), -inf for an identity that is no more."""
    vetoed: Bools
    """(N,) True where it is certainly somebody else."""
    vetoes: tuple[str, ...]
    """The vetoes in words."""
    tracklets: int
    """How many the gallery holds, without this one."""
    may_wait_until: float | None
    """UTC seconds; None where no more evidence will come."""
    known: int | None = None
    """How many identities the gallery holds where these are only a short list; None: those with a similarity."""
    topology: Float64s | None = None
    """(N,) nats for each identity from where and when it was seen last; None where nothing is known of that."""
    habit: Float64s | None = None
    """(N,) nats for each identity from how often it comes, against all coming alike; None: all alike."""
    calibration: Calibration | None = None
    """What a similarity is worth at this site by now; None: as the rule was told."""


Rule = Callable[[Candidates], Decision]
Limit = Callable[[float, int], float]
"""(false match rate, identities) -> the similarity with the nearest of them that this share of strangers exceeds."""


@dataclass(frozen=True, slots=True)
class Posterior:
    """Match where "same as the best candidate" is more probable than "nobody known"; wait while that is unclear.

    log odds = LLR(similarity) + log P(returning) / P(new) - log N. With a ``false_match_rate`` the operator decides
    instead of the prior: a match is nearer than that share of strangers ever comes to the nearest of N, and where and
    when can only speak against it.
    """

    calibration: Calibration
    return_rate: float
    false_match_rate: float | None = None
    wait_margin: float = 2.0
    """While |log odds| is smaller and more evidence may come, wait (nats)."""
    limit: Limit | None = None
    """With a rate, how near that share of strangers comes; None: as the calibration says."""

    def __call__(self, candidates: Candidates) -> Decision:
        """Decide."""
        known = candidates.known or int(np.sum(np.isfinite(candidates.similarity)))
        calibration = candidates.calibration or self.calibration
        odds = calibration.log_likelihood_ratio(candidates.similarity)
        if candidates.topology is not None:
            odds = odds + candidates.topology
        if candidates.habit is not None and self.false_match_rate is None:
            odds = odds + candidates.habit
        best, second = _best_two(odds, candidates)
        if best is None:
            return New(Evidence(0.0, vetoes=candidates.vetoes))
        appearance = float(calibration.log_likelihood_ratio(candidates.similarity[best]))
        topology = 0.0 if candidates.topology is None else float(candidates.topology[best])
        if self.false_match_rate is None:
            chosen_by = Term("prior", prior_log_odds(self.return_rate, candidates.tracklets, known))
        else:
            limit = (self.limit or calibration.stranger_threshold)(self.false_match_rate, known)
            chosen_by = Term("false match rate", -float(calibration.log_likelihood_ratio(np.array(limit))))
            topology = min(topology, 0.0)
        terms = [Term("appearance", appearance), chosen_by]
        if candidates.topology is not None:
            terms.append(Term("topology", topology))
        if candidates.habit is not None and self.false_match_rate is None:
            terms.append(Term("habit", float(candidates.habit[best])))
        log_odds = sum(term.value for term in terms)
        evidence = _evidence(candidates, best, second, probability(log_odds), tuple(terms))
        if candidates.may_wait_until is not None and abs(log_odds) < self.wait_margin:
            return Wait(candidates.may_wait_until, evidence)
        return Match(candidates.identities[best], evidence) if log_odds > 0 else New(evidence)


@dataclass(frozen=True, slots=True)
class Nearest:
    """Nobody else can come: the most probable of those who can be, with its posterior among them.

    P(k) in proportion to exp(LLR(similarity) + topology + habit); the closed set of identification.
    """

    calibration: Calibration
    wait_margin: float = 2.0
    """While the log odds against all others are smaller and more evidence may come, wait (nats)."""

    def __call__(self, candidates: Candidates) -> Decision:
        """Decide; new only where everybody is excluded."""
        calibration = candidates.calibration or self.calibration
        odds = calibration.log_likelihood_ratio(candidates.similarity)
        appearance = odds
        for other in (candidates.topology, candidates.habit):
            odds = odds if other is None else odds + other
        best, second = _best_two(odds, candidates)
        if best is None:
            return New(Evidence(0.0, vetoes=candidates.vetoes))
        possible = np.where(candidates.vetoed | ~np.isfinite(odds), -np.inf, odds)
        possible[best] = -np.inf
        others = float(logsumexp(possible)) if second is not None else -np.inf
        log_odds = float(odds[best]) - others
        named = ("appearance", appearance), ("topology", candidates.topology), ("habit", candidates.habit)
        terms = tuple(Term(name, float(term[best])) for name, term in named if term is not None)
        evidence = _evidence(candidates, best, second, probability(log_odds), terms)
        if candidates.may_wait_until is not None and log_odds < self.wait_margin:
            return Wait(candidates.may_wait_until, evidence)
        return Match(candidates.identities[best], evidence)


@dataclass(frozen=True, slots=True)
class FixedThreshold:
    """The rule of the field: the nearest identity, if its cosine reaches a threshold that somebody has to guess."""

    threshold: float

    def __call__(self, candidates: Candidates) -> Decision:
        """Decide; the probability is only 0 or 1, since a cosine is none."""
        best, second = _best_two(candidates.similarity, candidates)
        if best is None:
            return New(Evidence(0.0, vetoes=candidates.vetoes))
        reached = bool(candidates.similarity[best] >= self.threshold)
        evidence = _evidence(candidates, best, second, float(reached), ())
        return Match(candidates.identities[best], evidence) if reached else New(evidence)


def _best_two(score: Float64s, candidates: Candidates) -> tuple[int | None, int | None]:
    """Positions of the two candidates with the highest score that are possible at all."""
    possible = np.where(candidates.vetoed, -np.inf, score)
    order = np.argsort(-possible, kind="stable")[:2]
    found = [int(i) for i in order if np.isfinite(possible[i])]
    return (found[0] if found else None), (found[1] if len(found) > 1 else None)


def _evidence(candidates: Candidates, best: int, second: int | None, same: float, terms: tuple[Term, ...]) -> Evidence:
    return Evidence(
        probability=same,
        best=candidates.identities[best],
        best_score=float(candidates.similarity[best]),
        second=None if second is None else candidates.identities[second],
        second_score=float("nan") if second is None else float(candidates.similarity[second]),
        terms=terms,
        vetoes=candidates.vetoes,
    )
