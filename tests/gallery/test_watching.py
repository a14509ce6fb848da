from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.gallery.calibrate import Calibration
from perdure.gallery.decide import Candidates, FixedThreshold, Posterior
from perdure.gallery.watching import LEAST_RATE, MOST_RATE, OnList, Passing, limit_of, stated_rate
from perdure.types import Match, New

CALIBRATION = Calibration(slope=20.0, offset=-8.0, impostor_mean=0.0, impostor_std=0.2)
LISTED = 20


@given(st.floats(1e-5, 0.9), st.integers(1, 1000))
def test_a_stated_rate_is_the_one_whose_limit_it_was(rate, listed):
    limit = CALIBRATION.stranger_threshold
    assert stated_rate(limit, limit(rate, listed), listed) == pytest.approx(rate, rel=1e-3)


def test_rates_beyond_what_can_be_told_end_there():
    limit = CALIBRATION.stranger_threshold
    assert stated_rate(limit, 9.0, LISTED) == pytest.approx(LEAST_RATE)
    assert stated_rate(limit, -9.0, LISTED) == pytest.approx(MOST_RATE)


def nearest_of(strangers, shift, spread, rng):
    """How near so many strangers come to the nearest of those listed."""
    return shift + spread * rng.normal(size=(strangers, LISTED)).max(axis=1)


@pytest.mark.parametrize("rate", [0.01, 0.05])
@pytest.mark.parametrize(("shift", "spread"), [(0.0, 0.2), (0.15, 0.2), (-0.1, 0.25)])
def test_where_strangers_come_nearer_than_on_the_card_the_rate_holds_after_a_while(rate, shift, spread):
    rng = np.random.default_rng(0)
    passing = Passing(CALIBRATION)
    for score in nearest_of(1000, shift, spread, rng):
        passing.note(float(score))
    realised = float(np.mean(nearest_of(20_000, shift, spread, rng) > passing.limit(rate, LISTED)))
    assert rate / 2 < realised < 2 * rate


def test_without_anybody_who_passed_the_card_is_believed():
    passing = Passing(CALIBRATION)
    passing.note(float("nan"))
    passing.note(0.5)
    assert passing.limit(0.01, LISTED) == CALIBRATION.stranger_threshold(0.01, LISTED)


def candidates(similarity, may_wait_until=None):
    return Candidates(["P1", "P2"], np.array([similarity, -1.0]), np.zeros(2, bool), (), 2, may_wait_until, 2)


def test_the_rule_notes_how_near_everybody_came_once():
    rule = OnList.of(CALIBRATION, 0.88, 0.01)
    assert isinstance(rule(candidates(0.1)), New)
    rule(candidates(0.5, may_wait_until=9.0))  # it will be asked again
    assert isinstance(rule(candidates(0.95)), Match)
    assert list(rule.passing._nearest) == [0.1, 0.95]


def test_the_limit_is_that_of_the_rule():
    rule = OnList.of(CALIBRATION, 0.88, 0.01)
    assert limit_of(rule, CALIBRATION) == rule.passing.limit
    for other in (Posterior(CALIBRATION, 0.88), FixedThreshold(0.5)):
        assert limit_of(other, CALIBRATION)(0.01, LISTED) == CALIBRATION.stranger_threshold(0.01, LISTED)
