from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from perdure.gallery.calibrate import Calibration
from perdure.gallery.index import Index
from perdure.gallery.scoring import CentredLinkage
from perdure.gallery.site import FARTHEST, SPREAD, Seen, calibrated, mean_apart, spread_of_strangers
from perdure.gallery.strangers import Strangers
from tests.gallery.people import CALIBRATION, faces, gallery, tracklet

CARD = replace(CALIBRATION, halves=0.8, second_slope=12.0, second_offset=-5.0)


def crowd(people: int, each: int, dim: int, noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(N, dim) unit vectors, (N,) whose they are, in any order."""
    rng = np.random.default_rng(seed)
    owners = rng.permutation(np.repeat(np.arange(people), each))
    vectors = rng.normal(size=(people, dim))[owners] + noise * rng.normal(size=(people * each, dim))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), owners


def test_people_seen_at_once_and_nobody_counts_twice() -> None:
    vectors = np.eye(5, dtype=np.float32)
    vectors[2] = vectors[0]
    cameras, starts = np.array([0, 0, 0, 0, 1]), np.array([0.0, 1.0, 0.5, 100.0, 0.0])
    cosine, pairs = mean_apart(vectors, cameras, starts, starts + 10)
    assert pairs == pytest.approx(1.5)  # three at once
    assert cosine == pytest.approx(1 / 3)
    assert mean_apart(vectors[3:], cameras[3:], starts[3:], starts[3:] + 10) == (0.0, 0.0)
    assert mean_apart(vectors[:2], cameras[:2], np.array([0.0, 9.5]), np.array([10.0, 20.0]))[1] == 0  # half a second


@pytest.mark.parametrize("people", [10, 60])
def test_the_spread_of_strangers_in_spite_of_pairs_of_one_person(people: int) -> None:
    vectors, owners = crowd(people, 4, 40, 0.4)
    similarity = vectors @ vectors.T
    found, effective = spread_of_strangers(similarity, owners)
    true = similarity[owners[:, None] != owners].std()
    assert effective == pytest.approx(people)
    assert found / SPREAD == pytest.approx(true, rel=0.15)
    assert spread_of_strangers(similarity, np.zeros(len(owners), np.int64)) == (0.0, 0.0)


def test_a_site_like_the_card_changes_nothing() -> None:
    same = Seen(CARD.impostor_std, 1000.0, CARD.halves, 1000)
    assert calibrated(CARD, same) == CARD
    assert calibrated(CARD, Seen()) == CARD


def test_where_strangers_spread_more_a_similarity_says_less() -> None:
    tail = Strangers(100, tuple(np.linspace(0.2, 0.6, 8)), 0.05, 0.0, 0.1)
    card = replace(CARD, strangers=tail)
    found = calibrated(card, Seen(1.5 * card.impostor_std, 1e6))
    assert found.slope == pytest.approx(card.slope / 1.5**2, rel=1e-3)
    assert found.neutral == pytest.approx(card.neutral)
    # What 1,000 identities add goes by a bounded cosine, so it is a little less than half as much again.
    assert found.stranger_threshold(0.01, 1000) == pytest.approx(1.5 * card.stranger_threshold(0.01, 1000), rel=0.02)
    assert calibrated(card, Seen(99.0, 1e9)).impostor_std == pytest.approx(FARTHEST * card.impostor_std, rel=1e-3)


def test_where_one_person_looks_less_alike_the_neutral_similarity_falls() -> None:
    found = calibrated(CARD, Seen(halves=0.4, halved=10**6))
    assert found.neutral == pytest.approx(CARD.neutral / 2, rel=1e-3)
    assert found.second_offset / found.second_slope == pytest.approx(
        CARD.second_offset / CARD.second_slope / 2, rel=1e-3
    )
    assert calibrated(replace(CARD, halves=0.0), Seen(halves=0.4, halved=10**6)).neutral == CARD.neutral


def test_the_card_weighs_most_while_little_was_seen() -> None:
    few, many = (calibrated(CARD, Seen(2 * CARD.impostor_std, people)).impostor_std for people in (2.0, 200.0))
    assert CARD.impostor_std < few < 1.1 * CARD.impostor_std < many


def filled(vectors: np.ndarray, owners: np.ndarray) -> Index:
    index = Index(vectors.shape[1])
    for i, vector in enumerate(vectors):
        index.put(f"a/{i}", vector.astype(np.float32), 10.0 * i, 10.0 * i + 5, 0)
    index.owners[:] = owners
    return index


def test_a_wrong_card_is_put_right() -> None:
    vectors, owners = crowd(50, 4, 24, 0.4)
    index = filled(vectors, owners)
    wrong = Calibration(slope=80.0, offset=-32.0, impostor_mean=0.0, impostor_std=0.1)
    learning, stubborn = CentredLinkage(wrong), CentredLinkage(wrong, learns=False)
    for scorer in (learning, stubborn):
        scorer.placed(len(index) - 1, index)
    true = learning.table(index)[owners[:, None] != owners].std()
    assert stubborn.calibration == wrong
    assert abs(learning.calibration.impostor_std / true - 1) < 0.35 < abs(wrong.impostor_std / true - 1)
    assert learning.calibration.slope < 0.6 * wrong.slope


def test_strangers_seen_at_once_say_where_centring_starts() -> None:
    """A view in which everybody looks alike, which the card knows nothing of."""
    looks = [0.5 * face + faces(8)[7] for face in faces(7)]
    looks = [look / np.linalg.norm(look) for look in looks]
    told = [tracklet(f"a/{i}", looks[i], 0, 5, box=(50 * i, 0, 50 * i + 10, 20)) for i in range(6)]
    people = {}
    for learns in (True, False):
        site = gallery()
        site.scorer = CentredLinkage(CALIBRATION, learns=learns)
        site.observe([*told, tracklet("b/0", looks[6], 100, 105)])
        people[learns] = len(site.partition.members)
    assert people == {True: 7, False: 6}


def test_a_swap_leaves_no_mean_of_two_people_behind() -> None:
    ann, bob = faces(2)
    site = gallery()
    site.scorer = CentredLinkage(CARD)
    told = [tracklet("a/0", ann, 0, 5), tracklet("a/1", bob, 100, 105)]
    mixed = [(ann, ann, bob), (bob, ann, ann), (ann, ann, ann)]
    for i, looks in enumerate(mixed, 2):
        body = replace(told[0].exemplars[0], vectors=np.array(looks, np.float32))
        told.append(replace(tracklet(f"a/{i}", ann, 100.0 * i, 100.0 * i + 5), exemplars=(body,)))
    site.observe(told)
    for i in (2, 3, 4):
        assert site.index.vectors[site.index.row(f"a/{i}")] @ ann == pytest.approx(1, abs=1e-5)
        assert site.partition.identity_of[f"a/{i}"] == site.partition.identity_of["a/0"]


def test_a_replay_learns_the_same() -> None:
    def run() -> Calibration:
        rng, site = np.random.default_rng(3), gallery()
        for i in range(80):
            site.observe([tracklet(f"a/{i}", faces(12)[rng.integers(12)], 5.0 * i, 5.0 * i + 8, noise=0.2)])
        assert isinstance(site.scorer, CentredLinkage)
        return site.scorer.calibration

    assert run() == run()
