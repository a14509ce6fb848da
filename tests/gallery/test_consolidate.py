from __future__ import annotations

import numpy as np
import pytest

from perdure.gallery.consolidate import certainty, cluster, rename
from tests.gallery.people import CALIBRATION


def blocks(sizes, inside=0.9, outside=0.0):
    who = np.repeat(np.arange(len(sizes)), sizes)
    similarity = np.where(who[:, None] == who, inside, outside)
    np.fill_diagonal(similarity, 1.0)
    return similarity


def groups(clusters):
    return {frozenset(np.flatnonzero(clusters == c).tolist()) for c in np.unique(clusters)}


def test_likely_pairs_are_joined_and_strangers_are_not():
    assert groups(cluster(blocks([2, 3, 1]), [], [], CALIBRATION, 0.88)) == {
        frozenset({0, 1}),
        frozenset({2, 3, 4}),
        frozenset({5}),
    }
    assert len(groups(cluster(blocks([4], inside=0.1), [], [], CALIBRATION, 0.88))) == 4


def test_nothing_and_one_tracklet():
    assert len(cluster(np.zeros((0, 0)), [], [], CALIBRATION, 0.88)) == 0
    assert cluster(np.ones((1, 1)), [], [], CALIBRATION, 0.88).tolist() == [0]


def test_no_cluster_holds_a_pair_that_is_apart_even_through_a_chain():
    clusters = cluster(blocks([6]), [(0, 5), (0, 4)], [], CALIBRATION, 0.88)
    assert clusters[0] not in (clusters[4], clusters[5])


def test_pairs_that_belong_together_are_joined_first_unless_apart():
    similarity = blocks([1, 1, 1], outside=-0.5)
    assert groups(cluster(similarity, [], [(0, 2)], CALIBRATION, 0.88)) == {frozenset({0, 2}), frozenset({1})}
    assert len(groups(cluster(similarity, [(0, 2)], [(0, 2)], CALIBRATION, 0.88))) == 3


def test_each_cluster_keeps_the_name_of_most_of_it_and_no_name_twice():
    before = ["P1", "P1", "P1", "P2", "P3", "P3"]
    assert rename(before, np.array([0, 0, 1, 1, 2, 0])) == ["P1", "P2", "P3"]
    assert rename(["P1", "P1"], np.array([0, 1])) == ["P1", None]


def test_certainty_is_the_posterior_over_all_places():
    similarity = np.array([[1.0, 0.8, 0.3], [0.8, 1.0, 0.1], [0.3, 0.1, 1.0]])
    clusters = np.array([0, 0, 1])
    rate = 0.88 * 2 / 5
    prior = np.log(rate / (1 - rate)) - np.log(2)
    odds = 20 * similarity - 8 + prior
    joined, _, alone = certainty(similarity, clusters, [], CALIBRATION, 0.88)
    assert joined == pytest.approx(np.exp(odds[0, 1]) / (np.exp(odds[0, 1]) + np.exp(odds[0, 2]) + 1))
    other = 20 * 0.2 - 8 + prior  # the mean of its similarities with the two
    assert alone == pytest.approx(1 / (1 + np.exp(other)))
    assert certainty(similarity, clusters, [(0, 2)], CALIBRATION, 0.88)[2] == pytest.approx(1.0)
