from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from perdure.gallery.calibrate import Poor
from perdure.gallery.exemplars import last, unit
from perdure.gallery.index import Index
from perdure.gallery.scoring import CentredLinkage, Representatives
from perdure.types import Exemplars
from tests.gallery.people import CALIBRATION


def filled(vectors, cameras, owners):
    index = Index(vectors.shape[1])
    for i, vector in enumerate(vectors):
        index.put(str(i), vector, 0.0, 1.0, int(cameras[i]))
        index.owners[i] = owners[i]
    return index


def plain_similarity(row, vectors, cameras, owners, identities, scorer):
    """The docstring of ``CentredLinkage``, line by line."""
    people = [vectors[owners == i].mean(axis=0) for i in range(identities) if np.any(owners == i)]
    share = len(people) / (len(people) + scorer.identity_weight)
    site = np.mean(people, axis=0)
    taken = {}
    for camera in set(cameras):
        mine = vectors[cameras == camera]
        mean = (mine.sum(axis=0) + scorer.camera_weight * site) / (len(mine) + scorer.camera_weight)
        taken[camera] = share * mean
    mu = share * site @ site + (1 - share) * CALIBRATION.impostor_mean
    kappa = 2 * share - share**2
    result = []
    for identity in range(identities):
        scores = []
        for j in np.flatnonzero(owners == identity):
            if j != row:
                x, y = vectors[row] - taken[cameras[row]], vectors[j] - taken[cameras[j]]
                cosine = x @ y / np.linalg.norm(x) / np.linalg.norm(y)
                scores.append((cosine * (1 - kappa * mu) + kappa * mu - mu) / (1 - mu))
        result.append(np.mean(scores) if scores else -np.inf)
    return np.array(result)


def test_centred_linkage_equals_the_plain_computation():
    rng = np.random.default_rng(1)
    vectors = unit(rng.normal(size=(40, 8)) + 0.7)
    cameras, owners = rng.integers(0, 3, 40), rng.integers(0, 6, 40)
    index, scorer = filled(vectors, cameras, owners), CentredLinkage(CALIBRATION, crowding_weight=0.0, learns=False)
    scorer.placed(39, index)
    for row in (0, 17, 39):
        expected = plain_similarity(row, vectors, cameras, owners, 7, scorer)
        np.testing.assert_allclose(scorer.similarity(row, index, 7), expected, atol=1e-5)
    np.testing.assert_allclose(scorer.matrix(np.arange(40), index)[17], scorer.pairs(17, index), atol=1e-6)


def test_a_row_added_between_two_refreshes_scores_with_the_means_as_they_were():
    rng = np.random.default_rng(2)
    vectors = unit(rng.normal(size=(101, 8)) + 0.7)
    cameras, owners = rng.integers(0, 3, 101), rng.integers(0, 6, 101)
    index, scorer = (
        filled(vectors[:100], cameras, owners),
        CentredLinkage(CALIBRATION, crowding_weight=0.0, learns=False),
    )
    scorer.placed(99, index)
    row = index.put("100", vectors[100], 0.0, 1.0, int(cameras[100]))
    scorer.placed(row, index)
    fresh = CentredLinkage(CALIBRATION, crowding_weight=0.0, learns=False)
    fresh.placed(0, index)
    np.testing.assert_allclose(scorer.similarity(row, index, 6), fresh.similarity(row, index, 6), atol=0.05)
    assert scorer.pairs(row, index)[row] == pytest.approx(1.0, abs=0.05)


def test_centring_takes_off_what_a_camera_adds():
    rng = np.random.default_rng(3)
    looks = unit(rng.normal(size=(30, 16)))
    light = 2 * unit(rng.normal(size=(2, 16)))
    vectors = unit(np.concatenate([looks + light[0], looks + light[1]]))
    cameras, owners = np.repeat([0, 1], 30), np.concatenate([np.arange(30), np.full(30, -1)])
    index, scorer = (
        filled(vectors, cameras, owners),
        CentredLinkage(CALIBRATION, camera_weight=1.0, identity_weight=1.0),
    )
    scorer.placed(0, index)
    right = [int(np.argmax(scorer.similarity(30 + i, index, 30))) == i for i in range(30)]
    plain = vectors[30:] @ vectors[:30].T
    assert np.mean(right) > 0.95 > np.mean(plain.argmax(axis=1) == np.arange(30))


def test_representatives_take_the_best_of_what_stands_for_an_identity():
    vectors = unit(np.eye(4))
    index = filled(vectors, np.zeros(4, int), np.array([0, 0, 1, -1]))
    scorer = Representatives(last)
    pictures = {0: vectors[:2], 1: vectors[2:3]}
    for identity, own in pictures.items():
        exemplars = Exemplars("m", own, np.ones(len(own), np.float32), np.arange(len(own)) * 1.0, ("",) * len(own))
        scorer.regrouped(identity, lambda exemplars=exemplars: exemplars)
    np.testing.assert_allclose(scorer.similarity(1, index, 3), [1.0, 0.0, -np.inf])
    scorer.regrouped(0, lambda: None)
    np.testing.assert_allclose(scorer.similarity(1, index, 3), [-np.inf, 0.0, -np.inf])


def test_poor_pictures_say_little_either_way():
    calibration = replace(CALIBRATION, quality=0.8)
    vectors = unit(np.array([[1.0, 0, 0, 0], [1, 0.1, 0, 0], [0, 0, 1, 0]]))
    index = Index(4)
    for i, (vector, quality) in enumerate(zip(vectors, (0.9, 0.2, 0.4), strict=True)):
        index.put(str(i), vector, 0.0, 1.0, 0, quality)
    scorer = CentredLinkage(calibration, crowding_weight=0.0, learns=False)
    scorer.placed(0, index)
    full = vectors @ vectors[0]
    neutral = 8 / 20
    np.testing.assert_allclose(
        scorer.pairs(0, index), neutral + np.array([1.0, 0.25, 0.5]) * (full - neutral), atol=1e-5
    )
    assert calibration.log_likelihood_ratio(np.array(neutral)) == pytest.approx(0.0)


POOR = Poor((0.2, 0.5, 0.9), (0.4, 0.7, 1.0), (0.25, 0.1, 0.0), (0.1, 0.4, 1.0))


def test_what_poor_pictures_are_worth_is_taken_from_where_it_was_measured():
    calibration = replace(CALIBRATION, quality=0.9, poor=POOR)
    similarity = np.array([-0.1, 0.3, 0.6])
    for quality, gain, shift in ((0.0, 0.4, 0.25), (0.2, 0.4, 0.25), (0.35, 0.55, 0.175), (0.7, 0.85, 0.05), (1, 1, 0)):
        found = calibration.as_good(similarity, np.full(3, quality))
        np.testing.assert_allclose(found, gain * similarity + shift, atol=1e-12)
    half_body = calibration.log_likelihood_ratio(calibration.as_good(np.array(0.38), np.array(0.2)))
    assert half_body > 0 > calibration.log_likelihood_ratio(np.array(0.38))


def test_the_poorer_of_two_tracklets_says_what_their_similarity_is_worth():
    vectors = unit(np.random.default_rng(2).normal(size=(3, 8)) + 1)
    index = Index(8)
    for i, (vector, quality) in enumerate(zip(vectors, (0.95, 0.2, 0.5), strict=True)):
        index.put(str(i), vector, 0.0, 1.0, 0, quality)
    calibration = replace(CALIBRATION, quality=0.9, poor=POOR)
    scorer = CentredLinkage(calibration, crowding_weight=0.0, learns=False)
    scorer.placed(0, index)
    table = scorer.table(index)
    np.testing.assert_allclose(table[0], POOR.as_good(vectors @ vectors[0], np.array([0.95, 0.2, 0.5])), atol=1e-5)
    np.testing.assert_allclose(table[1], POOR.as_good(vectors @ vectors[1], np.array([0.2, 0.2, 0.2])), atol=1e-5)
    np.testing.assert_allclose(table, table.T, atol=1e-5)
    rows, worth = scorer.poorer(2, index)
    assert rows.tolist() == [1]
    np.testing.assert_allclose(worth, scorer.pairs(2, index)[rows])


def test_a_similarity_means_less_where_it_is_crowded():
    rng = np.random.default_rng(5)
    hub = unit(rng.normal(size=8))
    crowd = unit(hub + 0.6 * rng.normal(size=(150, 8)) / np.sqrt(8))
    lonely = unit(rng.normal(size=(150, 8)))
    vectors = np.concatenate([crowd, lonely])
    index, scorer = filled(vectors, np.zeros(300, int), np.arange(300)), CentredLinkage(CALIBRATION, learns=False)
    scorer.placed(0, index)
    assert index.crowding[:150].mean() > 0 > index.crowding[150:].mean()
    without = CentredLinkage(CALIBRATION, crowding_weight=0.0, learns=False)
    without.placed(0, index)
    taken = without.pairs(3, index) - scorer.pairs(3, index)
    np.testing.assert_allclose(taken, 0.5 * (index.crowding[3] + index.crowding), atol=1e-6)
    np.testing.assert_allclose(scorer.table(index)[3], scorer.pairs(3, index), atol=1e-6)


@pytest.mark.parametrize("poor", [None, POOR])
@pytest.mark.parametrize("quality", [0.3, 0.95])
def test_no_identity_off_the_list_is_above_the_ceiling_but_for_poor_pictures(poor, quality):
    rng = np.random.default_rng(6)
    vectors, cameras = unit(rng.normal(size=(200, 8)) + 0.5), rng.integers(0, 3, 200)
    index = Index(8)
    for i in range(200):
        index.put(str(i), vectors[i], i, i + 1.0, int(cameras[i]), quality if i == 7 else rng.uniform(0, 1))
    index.owners[:] = np.arange(200)
    scorer = CentredLinkage(replace(CALIBRATION, quality=0.9, poor=poor), learns=False)
    scorer.placed(0, index)
    order = index.nearest(scorer.probes(np.array([7]), index), 200)[0]
    similarity = scorer.similarity(7, index, 200)
    rows, worth = scorer.poorer(7, index)
    assert (len(rows) > 0) == (poor is not None)
    for place in (20, 80, 150):
        ceiling = scorer.ceiling(float(order.scores[place]), 7, index)
        rest = np.setdiff1d(order.rows[place:], [7, *rows[worth > ceiling]])
        assert similarity[rest].max() <= ceiling + 1e-6


def test_the_second_look_is_worth_what_the_calibration_says():
    rng = np.random.default_rng(7)
    vectors = unit(np.repeat(rng.normal(size=(30, 8)), 5, axis=0) + 0.5 * rng.normal(size=(150, 8)))
    calibration = replace(CALIBRATION, second_slope=12.0, second_offset=-5.0)
    index = filled(vectors, np.zeros(150, int), np.repeat(np.arange(30), 5))
    plain, helped = (CentredLinkage(c).matrix(np.arange(150), index) for c in (CALIBRATION, calibration))
    own = np.repeat(np.arange(30), 5)
    same = (own[:, None] == own) & ~np.eye(150, dtype=bool)

    def separation(similarity):
        return (similarity[same].mean() - similarity[~same].mean()) / similarity[~same].std()

    assert separation(helped) > separation(plain)
    np.testing.assert_allclose(helped, helped.T, atol=1e-6)
    given = calibration.log_likelihood_ratio(calibration.like_first(np.array([0.3, 0.7])))
    np.testing.assert_allclose(given, [12 * 0.3 - 5, 12 * 0.7 - 5])


def test_letting_a_few_go_does_not_work_the_means_out_anew():
    """At every tick some stale tracklets go; with 100,000 left, learning anew for each decision took seconds."""
    rng = np.random.default_rng(5)
    vectors = unit(rng.normal(size=(100, 8)))
    index = filled(vectors, np.zeros(100, int), np.arange(100))
    scorer = CentredLinkage(CALIBRATION)
    scorer.placed(99, index)
    means = scorer._means
    for gone in range(4):
        index.remove(str(gone))
        scorer.placed(50, index)
    assert scorer._means is means
    for gone in range(4, 8):
        index.remove(str(gone))
        scorer.placed(50, index)
    assert scorer._means is not means
