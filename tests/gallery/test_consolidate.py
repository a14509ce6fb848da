from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from perdure.gallery.calibrate import prior_log_odds
from perdure.gallery.consolidate import WAYS_MARGIN, certainty, cluster, rename
from perdure.gallery.linkage import Prior, join
from perdure.gallery.transitions import BINS, NOTHING_KNOWN, Chain, Transitions
from tests.gallery.people import CALIBRATION


def blocks(sizes, inside=0.9, outside=0.0):
    who = np.repeat(np.arange(len(sizes)), sizes)
    similarity = np.where(who[:, None] == who, inside, outside)
    np.fill_diagonal(similarity, 1.0)
    return similarity


def anywhere(count):
    at = np.arange(float(count))
    return Chain(np.zeros(count, np.int64), at, at, NOTHING_KNOWN)


def clustered(similarity, apart, together):
    return cluster(similarity, apart, together, CALIBRATION, 0.88, anywhere(len(similarity)))


def groups(clusters):
    return {frozenset(np.flatnonzero(clusters == c).tolist()) for c in np.unique(clusters)}


def test_likely_pairs_are_joined_and_strangers_are_not():
    assert groups(clustered(blocks([2, 3, 1]), [], [])) == {
        frozenset({0, 1}),
        frozenset({2, 3, 4}),
        frozenset({5}),
    }
    assert len(groups(clustered(blocks([4], inside=0.1), [], []))) == 4


def test_nothing_and_one_tracklet():
    assert len(clustered(np.zeros((0, 0)), [], [])) == 0
    assert clustered(np.ones((1, 1)), [], []).tolist() == [0]


def test_no_cluster_holds_a_pair_that_is_apart_even_through_a_chain():
    clusters = clustered(blocks([6]), [(0, 5), (0, 4)], [])
    assert clusters[0] not in (clusters[4], clusters[5])


def test_pairs_that_belong_together_are_joined_first_unless_apart():
    similarity = blocks([1, 1, 1], outside=-0.5)
    assert groups(clustered(similarity, [], [(0, 2)])) == {frozenset({0, 2}), frozenset({1})}
    assert len(groups(clustered(similarity, [(0, 2)], [(0, 2)]))) == 3


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
    joined, _, alone = certainty(similarity, clusters, [], CALIBRATION, 0.88, anywhere(3))
    assert joined == pytest.approx(np.exp(odds[0, 1]) / (np.exp(odds[0, 1]) + np.exp(odds[0, 2]) + 1))
    other = 20 * 0.2 - 8 + prior  # the mean of its similarities with the two
    assert alone == pytest.approx(1 / (1 + np.exp(other)))
    assert certainty(similarity, clusters, [(0, 2)], CALIBRATION, 0.88, anywhere(3))[2] == pytest.approx(1.0)


def average_linkage(similarity, apart):
    """Oracle: scipy's tree, cut where the posterior falls below one half; pairs apart are very far away."""
    distance = 2 - similarity
    for one, other in apart:
        distance[one, other] = distance[other, one] = 1e9
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), "average")
    count = len(similarity)
    prior = prior_log_odds(0.88, count - 1, 1) - np.log(np.arange(count, 1, -1))
    joins = CALIBRATION.log_likelihood_ratio(2 - tree[:, 2]) + prior > 0
    merges = count - 1 if joins.all() else int(np.argmin(joins))
    return fcluster(tree, count - merges, "maxclust") if merges else np.arange(count)


@given(count=st.integers(2, 25), seed=st.integers(0, 10_000), pairs=st.integers(0, 4))
@settings(max_examples=60, deadline=None)
def test_where_nothing_is_known_of_time_it_is_average_linkage(count, seed, pairs):
    rng = np.random.default_rng(seed)
    similarity = rng.uniform(-0.2, 1, (count, count))
    similarity = (similarity + similarity.T) / 2
    apart = [tuple(sorted(rng.choice(count, 2, replace=False).tolist())) for _ in range(pairs)]
    never = np.zeros((count, count), bool)
    for one, other in apart:
        never[one, other] = never[other, one] = True
    prior = Prior(prior_log_odds(0.88, count - 1, 1))
    llr = CALIBRATION.log_likelihood_ratio(similarity)
    found = join(llr, never, np.zeros((0, 2), np.int64), prior, anywhere(count))
    assert groups(found) == groups(average_linkage(similarity, apart))


def by_hand(llr, prior):
    """Oracle: the best pair of groups, again and again, by the definition."""
    found = [[i] for i in range(len(llr))]
    while len(found) > 1:
        everybody = len(llr) + prior.habit * len(found)
        best, pair = -np.inf, None
        for one, other in itertools.combinations(found, 2):
            times = max(len(one), len(other))
            odds = prior.log_odds + llr[np.ix_(one, other)].mean() + np.log((times + prior.habit) / everybody)
            if odds > best:
                best, pair = odds, (one, other)
        if best <= 0:
            break
        found = [group for group in found if group not in pair] + [pair[0] + pair[1]]
    return {frozenset(group) for group in found}


@given(count=st.integers(2, 12), seed=st.integers(0, 10_000), habit=st.floats(0.5, 9))
@settings(max_examples=60, deadline=None)
def test_who_comes_often_is_joined_more_easily_as_the_definition_has_it(count, seed, habit):
    llr = np.random.default_rng(seed).normal(0, 4, (count, count)).astype(np.float32)
    llr = ((llr + llr.T) / 2).astype(np.float64)
    prior = Prior(2.0, habit)
    found = join(llr, np.zeros((count, count), bool), np.zeros((0, 2), np.int64), prior, anywhere(count))
    assert groups(found) == by_hand(llr, prior)


def test_halves_of_a_regular_are_joined_among_many_who_came_once():
    llr = np.full((220, 220), -5.0)
    llr[:20, :20] = 2.5  # ten and ten tracklets of a regular
    llr[20, 21] = llr[21, 20] = 2.5  # and two who look as much alike, seen once each
    tied = np.array([[start, start + i] for start in (0, 10) for i in range(1, 10)])
    odds, apart = prior_log_odds(0.88, 219, 1), np.zeros((220, 220), bool)
    found = join(llr, apart, tied, Prior(odds, 2.0), anywhere(220))
    assert len(np.unique(found[:20])) == 1
    assert found[20] != found[21]
    assert len(np.unique(join(llr, apart, tied, Prior(odds), anywhere(220))[:20])) == 2


@pytest.mark.parametrize(("elsewhere", "joined"), [(0, True), (99, False)])
def test_people_elsewhere_count(elsewhere, joined):
    llr = np.full((2, 2), 0.5)
    prior = Prior(1.0, elsewhere=elsewhere)  # 1.5 nats: more than log 2 and less than log 101
    found = join(llr, np.zeros((2, 2), bool), np.zeros((0, 2), np.int64), prior, anywhere(2))
    assert (found[0] == found[1]) == joined


def chain_of(camera, start, end, worth):
    """Two cameras; ``worth`` nats for following one another in the other camera within a second, else -2."""
    odds = np.full((2, 2, BINS), -2.0)
    odds[0, 1, 1] = odds[1, 0, 1] = worth
    return Chain(np.array(camera), np.array(start), np.array(end), Transitions(odds, np.zeros_like(odds)))


def test_a_usual_way_joins_what_looks_alone_leave_open_and_an_unusual_one_parts_it():
    similarity = blocks([1, 1], outside=0.45)
    likely = chain_of([0, 1], [0.0, 2.5], [2.0, 4.0], 3.0)
    unlikely = chain_of([0, 1], [0.0, 9.0], [2.0, 12.0], 3.0)
    assert len(groups(cluster(similarity, [], [], CALIBRATION, 0.88, likely))) == 1
    assert len(groups(cluster(similarity, [], [], CALIBRATION, 0.88, unlikely))) == 2


@pytest.mark.parametrize(("worth", "people"), [(-0.02, 2), (0.02, 1)])
def test_with_ways_it_takes_a_margin_more(worth: float, people: int) -> None:
    nats = WAYS_MARGIN + worth - prior_log_odds(0.88, 1, 1) + np.log(2) - 3.0
    similarity = blocks([1, 1], outside=(nats - CALIBRATION.offset) / CALIBRATION.slope)
    likely = chain_of([0, 1], [0.0, 2.5], [2.0, 4.0], 3.0)
    assert len(groups(cluster(similarity, [], [], CALIBRATION, 0.88, likely))) == people


def links_of(chain, members):
    """Oracle: nats of all hand-offs of one person's tracklets."""
    pairs = itertools.pairwise(members)
    one = [
        chain.transitions.of(chain.camera[[a]], chain.camera[b], chain.start[[b]] - chain.end[a])[0] for a, b in pairs
    ]
    return float(sum(one))


@given(seed=st.integers(0, 10_000), worth=st.floats(-3, 5))
@settings(max_examples=60, deadline=None)
def test_joining_two_groups_pays_for_the_links_it_breaks_and_earns_those_it_makes(seed, worth):
    rng = np.random.default_rng(seed)
    start = np.sort(rng.uniform(0, 8, 6))
    chain = chain_of(rng.integers(0, 2, 6), start, start + rng.uniform(0.1, 2, 6), worth)
    one = np.sort(rng.choice(6, int(rng.integers(1, 6)), replace=False))
    other = np.setdiff1d(np.arange(6), one)
    gain = links_of(chain, list(range(6))) - links_of(chain, one.tolist()) - links_of(chain, other.tolist())
    same = [(group[0], member) for group in (one, other) for member in group[1:]]
    for prior, groups_left in ((-gain + np.log(2) + 0.01, 1), (-gain + np.log(2) - 0.01, 2)):
        found = join(np.zeros((6, 6)), np.zeros((6, 6), bool), np.array(same, np.int64), Prior(prior), chain)
        assert len(np.unique(found)) == groups_left


def test_an_arrival_is_judged_by_the_last_sighting_of_each_cluster():
    chain = chain_of([0, 1, 0, 1], [0.0, 2.5, 3.2, 9.0], [2.0, 3.0, 4.0, 10.0], 3.0)
    arrivals = chain.arrivals(np.array([0, 0, 1, 1]))
    assert arrivals.tolist() == [[0, 0], [3, 0], [3, 0], [-2, -2]]
