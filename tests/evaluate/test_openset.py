from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.errors import InputError
from perdure.evaluate.embeddings import Embeddings
from perdure.evaluate.openset import (
    Searches,
    at_gallery_sizes,
    error_curve,
    operating_point,
    person_weights,
    search,
    threshold_at,
    tpir_interval,
)
from perdure.evaluate.openset_protocol import (
    OpenSetTest,
    cross_camera_pairs,
    deal,
    pair_calibration,
    requested_and_realised,
)
from perdure.evaluate.openset_report import measure, report
from perdure.evaluate.report import to_html
from perdure.types import Float32s, Ints


def plain_rates(similarity: Float32s, probe: Ints, enrolled: Ints, threshold: float) -> tuple[float, float, float]:
    """FPIR, TPIR and DIR by their definitions, one search at a time."""
    strangers, found, best = [], [], []
    for row, person in zip(similarity, probe, strict=True):
        if person not in enrolled:
            strangers.append(any(score >= threshold for score in row))
            continue
        own = row[list(enrolled).index(person)]
        others = [score for score, who in zip(row, enrolled, strict=True) if who != person]
        found.append(own >= threshold)
        best.append(own >= threshold and all(own > other for other in others))
    return float(np.mean(strangers)), float(np.mean(found)), float(np.mean(best))


@settings(deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.01, 0.1, 0.25, 0.5, 0.9]), st.sampled_from([4, 10**6]))
def test_rates_equal_their_definitions_and_the_fpir_is_kept(seed: int, fpir: float, levels: int) -> None:
    rng = np.random.default_rng(seed)
    enrolled = rng.permutation(12)[:7]
    probe = np.concatenate([rng.integers(0, 12, 25), enrolled[:1], np.setdiff1d(np.arange(12), enrolled)[:1]])
    similarity = (rng.integers(0, levels, (len(probe), 7)) / levels).astype(np.float32)
    searches = search(similarity, probe, enrolled)
    point = operating_point(searches, fpir)
    met, tpir, detected = plain_rates(similarity, probe, enrolled, point.threshold)
    assert met <= fpir
    assert (point.tpir, point.detection_rate) == (pytest.approx(tpir), pytest.approx(detected))
    lower = np.nextafter(np.float32(point.threshold), np.float32(-np.inf))
    assert np.mean(searches.stranger_score >= lower) > fpir, "a lower threshold would also have kept the promise"


def test_threshold_without_strangers_and_with_everything_allowed() -> None:
    assert np.isnan(threshold_at(np.zeros(0), 0.1))
    assert threshold_at(np.zeros(3), 1.0) == -np.inf
    nobody = Searches(np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(3), np.arange(3), 5)
    assert np.isnan(operating_point(nobody, 0.1).tpir)
    assert np.isnan(tpir_interval(nobody, 0.1).low)


def test_wrong_galleries_are_refused() -> None:
    with pytest.raises(ValueError, match="enrolled twice"):
        search(np.zeros((1, 2), np.float32), np.array([1]), np.array([3, 3]))
    with pytest.raises(ValueError, match="0 enrolled"):
        search(np.zeros((1, 0), np.float32), np.array([1]), np.zeros(0, np.int64))


def test_the_error_curve_falls() -> None:
    rng = np.random.default_rng(0)
    similarity = rng.normal(size=(400, 30)).astype(np.float32)
    probe = rng.integers(0, 60, 400)
    similarity[probe < 30, probe[probe < 30]] += 2
    fpir, fnir = error_curve(search(similarity, probe, np.arange(30)))
    assert (np.diff(fpir) > 0).all()
    assert (np.diff(fnir) <= 0).all()
    assert fnir[-1] == 0


def test_bootstrap_resamples_people_not_rows() -> None:
    weights = person_weights(np.array([7, 7, 9, 9, 9]), 200, np.random.default_rng(0))
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 2] == weights[:, 4]).all()
    assert (weights[:, 0] + weights[:, 2] == 2).all()


def test_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    covered = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        mate = rng.normal(1.5, 1, 60)[np.repeat(np.arange(60), 5)]
        stranger = rng.normal(0, 1, 120)
        searches = Searches(mate, np.ones(300, np.int64), np.repeat(np.arange(60), 5), stranger, np.arange(120), 60)
        found = tpir_interval(searches, 0.1, 200, seed)
        covered.append(found.low <= 0.5866 <= found.high)  # P(N(1.5, 1) > 1.2816)
    assert np.mean(covered) > 0.8


def test_a_larger_gallery_costs_more() -> None:
    rng = np.random.default_rng(0)
    similarity = rng.normal(size=(900, 200)).astype(np.float32)
    probe = rng.integers(0, 400, 900)
    rows = np.flatnonzero(probe < 200)
    similarity[rows, probe[rows]] += 3
    sizes = np.array([5, 50, 200])
    fnir, kept = at_gallery_sizes(similarity, probe, np.arange(200), sizes, 0.05, draws=5)
    assert (np.diff(fnir) > 0.02).all()
    assert kept[0] <= 0.05
    assert kept[2] > 0.3


def crowd(people: int = 120, spread: float = 0.5, seed: int = 0) -> Embeddings:
    """People with two pictures in each of three cameras."""
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(1, people + 1), 6)
    vectors = rng.normal(size=(people + 1, 24))[person] + spread * rng.normal(size=(len(person), 24))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    camera = np.tile([0, 0, 1, 1, 2, 2], people)
    zeros = np.zeros(len(person), np.int64)
    quality = np.ones(len(person), np.float32)
    return Embeddings("made", vectors.astype(np.float32), person, camera, zeros, zeros, quality, ("",) * len(person))


def test_dealing_never_lets_a_probe_meet_its_own_camera_or_a_setter_be_counted() -> None:
    test = deal(crowd(), seed=3)
    counted = test.counted()
    assert len(test.enrolled_person) == 60
    assert np.bincount(np.unique(counted.mate_person, return_inverse=True)[1]).tolist() == [2] * 60
    setters = set(test.probe_person[test.setting].tolist())
    assert len(setters) == 30
    assert not setters & set(counted.stranger_person.tolist())
    assert not setters & set(test.enrolled_person.tolist())


def test_requested_and_realised_error_agree_on_people_like_the_setters() -> None:
    tests = [deal(crowd(400), seed) for seed in range(10)]
    met = requested_and_realised(tests, 0.1, OpenSetTest.threshold)
    assert met.value == pytest.approx(0.1, abs=0.03)
    assert met.low < 0.1 < met.high


def test_normal_scores_keep_the_gaussian_promise_and_long_tails_break_it() -> None:
    rng = np.random.default_rng(0)
    probe, enrolled = np.arange(100, 8100), np.arange(50)
    setting = np.arange(8000) < 4000
    normal = rng.normal(size=(8000, 50)).astype(np.float32)
    heavy = rng.standard_t(4, size=(8000, 50)).astype(np.float32)
    met = [
        float(np.mean(test.counted().stranger_score >= test.gaussian_threshold(0.05)))
        for test in (OpenSetTest(scores, probe, enrolled, setting) for scores in (normal, heavy))
    ]
    assert met[0] == pytest.approx(0.05, abs=0.01)
    assert met[1] > 0.1


def test_pairs_are_across_cameras_only() -> None:
    few = crowd(2)
    score, same = cross_camera_pairs(few)
    assert len(score) == 2 * 12 + 2 * 12
    assert np.count_nonzero(same) == 2 * 12


def test_an_easy_crowd_has_low_cost_and_a_hard_one_high() -> None:
    easy, hard = pair_calibration(crowd(spread=0.3)), pair_calibration(crowd(spread=2))
    assert easy.min_cllr <= easy.cllr < 0.15 < hard.cllr
    assert hard.cllr - hard.min_cllr < 0.1
    assert easy.reliability.ece < 0.1


def test_report_of_everything(tmp_path: Path) -> None:
    found = measure(crowd(), dealings=3)
    page = to_html(report(found, "made"))
    assert "TPIR" in page
    assert page.count("<svg") == 3
    figures = found.figures()
    assert set(figures) == {"operating_points", "gallery_size", "calibration"}


def test_too_few_people_are_named() -> None:
    with pytest.raises(InputError, match="needs 8 people seen by two cameras, there are 5"):
        deal(crowd(5))
