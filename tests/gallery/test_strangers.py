from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import genpareto

from perdure.gallery.strangers import EXCEEDED, FEWEST, Sample, Strangers, fit_strangers


def sample(strangers: int, identities: int, seed: int, own_level: float = 0.05) -> tuple[Sample, np.ndarray]:
    """Strangers with a level of their own, and normal scores around it."""
    rng = np.random.default_rng(seed)
    level = own_level * rng.normal(size=(strangers, 1))
    scores = level + 0.1 * rng.normal(size=(strangers, identities))
    quarter = identities // 4
    parts = np.concatenate([scores[:, i * quarter : (i + 1) * quarter].max(axis=1) for i in range(4)])
    return Sample(scores.max(axis=1), identities, parts, quarter), level


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.1, 0.3])
@pytest.mark.parametrize("identities", [20, 200, 5000])
def test_the_rate_holds_in_smaller_and_larger_galleries(rate: float, identities: int) -> None:
    found = fit_strangers(sample(4000, 200, 0)[0])
    rng = np.random.default_rng(1)
    level = 0.05 * rng.normal(size=3000)
    highest = level + 0.1 * np.array([rng.normal(size=identities).max() for _ in range(3000)])
    realised = float(np.mean(highest > found.threshold(rate, identities)))
    assert rate / 2 < realised < 2 * rate


def test_the_tail_is_that_of_the_sample() -> None:
    highest = genpareto.rvs(0.1, scale=0.05, size=20000, random_state=np.random.default_rng(0))
    found = fit_strangers(Sample(highest, 100, highest, 25))
    for rate in (0.001, 0.01, 0.05, 0.25, 0.75):
        assert found.threshold(rate, 100) == pytest.approx(np.quantile(highest, 1 - rate), rel=0.05)
    assert found.shape == pytest.approx(0.1, abs=0.08)
    assert found.growth == 0


def test_a_threshold_rises_with_the_gallery_and_falls_with_the_rate() -> None:
    found = fit_strangers(sample(500, 100, 2)[0])
    by_size = [found.threshold(0.01, n) for n in (1, 10, 100, 1000, 100_000)]
    by_rate = [found.threshold(rate, 100) for rate in (0.0001, 0.001, 0.01, 0.1, 0.4, 0.9)]
    assert by_size == sorted(by_size)
    assert by_rate == sorted(by_rate, reverse=True)
    assert len(found.quantiles) == len(EXCEEDED)


def test_a_tail_that_never_ends_is_taken_for_an_accident() -> None:
    rng = np.random.default_rng(3)
    found = fit_strangers(Sample(rng.standard_cauchy(2000), 50, rng.standard_cauchy(2000), 12))
    assert found.shape == 0.3


def test_too_few_strangers_are_refused() -> None:
    with pytest.raises(ValueError, match=f"needed are {FEWEST}"):
        fit_strangers(Sample(np.zeros(FEWEST - 1), 10, np.zeros(10), 2))


def test_shape_zero_is_the_exponential() -> None:
    tail = (10, (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7), 0.1)
    exponential, nearly = Strangers(*tail, 0.0, 0.05), Strangers(*tail, 1e-5, 0.05)
    assert exponential.threshold(0.001, 10) == pytest.approx(nearly.threshold(0.001, 10), abs=1e-4)


def test_cosines_are_bounded_and_so_is_how_near_strangers_come() -> None:
    rng = np.random.default_rng(4)
    looks = rng.normal(size=(42_000, 24)).astype(np.float32)
    looks /= np.linalg.norm(looks, axis=1, keepdims=True)
    strangers, known = looks[:2000], looks[2000:]
    small = strangers @ known[:400].T
    parts = np.concatenate([part.max(axis=1) for part in np.split(small, 4, axis=1)])
    found = fit_strangers(Sample(small.max(axis=1), 400, parts, 100))
    highest = (strangers @ known.T).max(axis=1)
    for rate in (0.01, 0.05, 0.1):
        assert rate / 2 < np.mean(highest > found.threshold(rate, 40_000)) < 2 * rate
    assert found.threshold(0.05, 10**12) < 1.0


def test_the_nearest_of_more_spread_less_where_that_was_measured() -> None:
    found = fit_strangers(sample(4000, 200, 0, own_level=0.0)[0])  # nothing but normal scores: 1 / sqrt(2 log N)
    assert found.narrowing > 0.1
    alike = replace(found, narrowing=0.0)
    for identities, narrower in ((20, -1), (200, 0), (5000, 1)):
        spread = found.threshold(0.001, identities) - found.threshold(0.1, identities)
        before = alike.threshold(0.001, identities) - alike.threshold(0.1, identities)
        assert np.sign(before - spread) == narrower
        assert found.threshold(0.1, identities) == pytest.approx(alike.threshold(0.1, identities))
    assert found.scaled(2.0).narrowing == found.narrowing
