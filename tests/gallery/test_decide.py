from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from perdure.gallery.calibrate import prior_log_odds
from perdure.gallery.decide import Candidates, FixedThreshold, Posterior
from perdure.gallery.strangers import Strangers
from perdure.types import Match, New, Wait
from tests.gallery.people import CALIBRATION


def candidates(similarity, vetoed=(), until=None):
    names = [f"P{i}" for i in range(len(similarity))]
    barred = np.isin(np.arange(len(similarity)), vetoed)
    return Candidates(names, np.asarray(similarity, float), barred, (), 10 * len(names), until)


RULE = Posterior(CALIBRATION, return_rate=0.88)


def test_an_empty_gallery_knows_nobody():
    assert isinstance(RULE(candidates([])), New)
    assert isinstance(RULE(candidates([-np.inf, -np.inf])), New)


def test_the_posterior_is_the_sum_of_likelihood_and_prior():
    decision = RULE(candidates([0.3, 0.8, -np.inf]))
    rate = 0.88 * 30 / 33
    odds = 20 * 0.8 - 8 + math.log(rate / (1 - rate)) - math.log(2)
    assert isinstance(decision, Match)
    assert decision.identity == "P1"
    assert decision.evidence.probability == pytest.approx(1 / (1 + math.exp(-odds)))
    assert decision.evidence.second == "P0"


def test_a_veto_beats_any_likeness():
    decision = RULE(candidates([0.99, 0.7], vetoed=[0]))
    assert isinstance(decision, Match)
    assert decision.identity == "P1"
    assert isinstance(RULE(candidates([0.99], vetoed=[0])), New)


def test_the_same_likeness_convinces_less_in_a_larger_gallery():
    small, large = RULE(candidates([0.5] + [0.0] * 5)), RULE(candidates([0.5] + [0.0] * 5000))
    assert isinstance(small, Match)
    assert isinstance(large, New)
    assert prior_log_odds(0.88, 9999, 5001) < prior_log_odds(0.88, 9999, 6)
    assert prior_log_odds(0.88, 1, 1) < 0 < prior_log_odds(0.88, 99, 1)


def test_what_is_unclear_waits_as_long_as_more_may_come():
    unclear = [0.33, 0.1]
    waiting = RULE(candidates(unclear, until=7.0))
    assert isinstance(waiting, Wait)
    assert waiting.until == 7.0
    assert isinstance(RULE(candidates(unclear)), New | Match)
    assert isinstance(RULE(candidates([0.95, 0.1], until=7.0)), Match)


def test_the_operators_rate_holds_for_strangers():
    rng = np.random.default_rng(0)
    rule = Posterior(CALIBRATION, return_rate=0.999999, false_match_rate=0.05)
    matched = [isinstance(rule(candidates(rng.normal(0, 0.2, 50))), Match) for _ in range(4000)]
    assert np.mean(matched) == pytest.approx(0.05, abs=0.012)


def test_the_operators_rate_decides_instead_of_the_prior():
    tail = Strangers(50, (-0.2, -0.1, 0.0, 0.1, 0.2, 0.3, 0.4, 0.5), 0.05, 0.0, 0.0)
    calibration = replace(CALIBRATION, strangers=tail)
    loose, strict = (Posterior(calibration, 0.5, false_match_rate=rate) for rate in (0.1, 0.01))
    assert isinstance(loose(candidates([0.51, *[0.0] * 49])), Match)
    assert isinstance(loose(candidates([0.49, *[0.0] * 49])), New)
    limit = 0.5 + 0.05 * np.log(10)
    assert isinstance(strict(candidates([limit - 0.01, *[0.0] * 49])), New)
    found = strict(candidates([limit + 0.01, *[0.0] * 49]))
    assert isinstance(found, Match)
    assert sum(term.value for term in found.evidence.terms) == pytest.approx(CALIBRATION.slope * 0.01, abs=1e-6)


def test_under_a_rate_where_and_when_only_speak_against():
    tail = Strangers(2, (-0.2, -0.1, 0.0, 0.1, 0.2, 0.3, 0.4, 0.5), 0.05, 0.0, 0.0)
    rule = Posterior(replace(CALIBRATION, strangers=tail), 0.5, false_match_rate=0.1)
    near = candidates([0.45, 0.0])
    assert isinstance(rule(replace(near, topology=np.array([9.0, 0.0]))), New)
    far = candidates([0.55, 0.0])
    assert isinstance(rule(far), Match)
    assert isinstance(rule(replace(far, topology=np.array([-9.0, -9.0]))), New)


def test_a_fixed_threshold_is_only_that():
    rule = FixedThreshold(0.6)
    assert isinstance(rule(candidates([0.6])), Match)
    assert isinstance(rule(candidates([0.59])), New)
    assert isinstance(rule(candidates([0.9], vetoed=[0])), New)
