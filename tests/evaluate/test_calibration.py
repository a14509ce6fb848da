from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.evaluate.calibration import cllr, even_odds, fit_affine, isotonic, min_cllr, reliability


def plain_pool_adjacent_violators(score: list[int], same: list[bool]) -> list[float]:
    """Blocks of equal scores, pooled while a block has a higher share than the next."""
    blocks = [
        [sum(y for x, y in zip(score, same, strict=True) if x == s), score.count(s), s, s] for s in sorted(set(score))
    ]
    place = 0
    while place < len(blocks) - 1:
        if blocks[place][0] / blocks[place][1] > blocks[place + 1][0] / blocks[place + 1][1]:
            right = blocks.pop(place + 1)
            blocks[place] = [blocks[place][0] + right[0], blocks[place][1] + right[1], blocks[place][2], right[3]]
            place = max(place - 1, 0)
        else:
            place += 1
    return [next(b[0] / b[1] for b in blocks if b[2] <= s <= b[3]) for s in score]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=1, max_size=30))
def test_isotonic_equals_plain_pooling(pairs: list[tuple[int, bool]]) -> None:
    score, same = [p[0] for p in pairs], [p[1] for p in pairs]
    found = isotonic(np.array(score, np.float64), np.array(same))
    np.testing.assert_allclose(found, plain_pool_adjacent_violators(score, same), atol=1e-12)


def test_cllr_of_a_silent_score_is_one_bit_and_of_a_sure_right_one_nothing() -> None:
    same = np.array([True, False, False])
    assert cllr(np.zeros(3), same) == pytest.approx(1)
    assert cllr(np.array([50.0, -50, -50]), same) == pytest.approx(0, abs=1e-12)
    assert cllr(np.array([-50.0, 50, 50]), same) > 70
    assert np.isnan(cllr(np.zeros(2), np.array([True, True])))
    assert np.isnan(min_cllr(np.zeros(2), np.array([False, False])))


def test_min_cllr_ignores_the_scale_and_never_exceeds_cllr() -> None:
    rng = np.random.default_rng(0)
    same = rng.random(4000) < 0.2
    log_ratio = np.where(same, 1.0, -1.0) + rng.normal(size=4000) * np.sqrt(2)
    right, wrong = cllr(log_ratio, same), cllr(5 * log_ratio + 2, same)
    assert right < wrong
    assert min_cllr(log_ratio, same) == pytest.approx(min_cllr(5 * log_ratio + 2, same))
    assert right - 0.03 < min_cllr(log_ratio, same) < right


def test_affine_fit_recovers_the_true_log_likelihood_ratio() -> None:
    rng = np.random.default_rng(1)
    same = rng.random(60000) < 0.1
    score = 0.5 + 0.1 * (np.where(same, 1.0, -1.0) + rng.normal(size=60000))
    slope, intercept = fit_affine(score, same)
    assert slope == pytest.approx(20, rel=0.05)
    assert intercept == pytest.approx(-10, rel=0.05)


def test_separated_scores_give_a_finite_fit() -> None:
    slope, intercept = fit_affine(np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, False, True, True]))
    assert np.isfinite([slope, intercept]).all()
    assert slope > 0


def test_reliability_of_honest_and_boasting_probabilities() -> None:
    rng = np.random.default_rng(2)
    probability = rng.random(200000)
    same = rng.random(200000) < probability
    assert reliability(probability, same).ece < 0.01
    assert reliability(np.clip(2 * probability - 0.5, 0, 1), same).ece > 0.1
    bins = reliability(probability, same, bins=10)
    np.testing.assert_allclose(bins.observed, bins.predicted, atol=0.02)
    assert bins.weight.sum() == pytest.approx(1)
    half = reliability(probability, same, even_odds(same), bins=1)
    assert half.observed[0] == pytest.approx(0.5)
    assert np.isnan(reliability(np.zeros(0), np.zeros(0, bool)).ece)
    assert reliability(np.array([1.0]), np.array([True])).ece == 0
