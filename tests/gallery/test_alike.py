"""The most probable identities of a picture, against comparing it with everybody."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.gallery import alike
from perdure.gallery.calibrate import Calibration, prior_log_odds, probability
from perdure.gallery.index import Index
from perdure.gallery.scoring import CentredLinkage

CALIBRATION = Calibration(slope=15.0, offset=-6.0, impostor_mean=0.2, impostor_std=0.15)
DIM = 24


def filled(people, seed, stays=4):
    """An index with some people in three cameras, and a scorer that knows it."""
    rng = np.random.default_rng(seed)
    index, scorer = Index(DIM), CentredLinkage(CALIBRATION)
    looks, light = rng.normal(size=(people, DIM)), 0.5 * rng.normal(size=(3, DIM))
    for person in range(people):
        for stay in range(rng.integers(1, stays + 1)):
            camera = int(rng.integers(3))
            vector = looks[person] + light[camera] + 0.4 * rng.normal(size=DIM)
            row = index.put(f"{person}-{stay}", vector / np.linalg.norm(vector), 0.0, 1.0, camera, 0.9)
            index.owners[row] = person
    scorer.refresh(index, np.arange(len(index)))
    return index, scorer, looks, rng


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 40), st.integers(0, 5))
def test_nobody_more_alike_is_missed(people, seed):
    index, scorer, looks, rng = filled(people, seed)
    picture = looks[0] + 0.4 * rng.normal(size=DIM)
    picture = (picture / np.linalg.norm(picture))[None].astype(np.float32)
    asked = alike.of_pictures(picture, np.full(1, 0.9, np.float32), scorer, index)
    found = alike.alike(asked, scorer, index, 3, 0.9)
    everybody = scorer.similar(asked.probe, 0.9, np.arange(len(index)), index)
    mean = np.bincount(index.owners, everybody) / np.bincount(index.owners)
    best = np.argsort(-mean, kind="stable")
    assert [one.owner for one in found][:1] == best[:1].tolist()
    assert [one.similarity for one in found] == pytest.approx([mean[one.owner] for one in found], abs=1e-5)
    appearance = float(scorer.calibration.log_likelihood_ratio(mean[best[0]]))
    slope, offset = alike.PICTURE
    odds = slope * appearance + offset + prior_log_odds(0.9, len(index), people)
    assert found[0].probability == pytest.approx(probability(odds), abs=1e-4)


def test_somebody_with_very_many_stays_hides_nobody():
    index, scorer, looks, _ = filled(3, 1)
    crowd = looks[0] / np.linalg.norm(looks[0])
    for stay in range(300):
        row = index.put(f"staff-{stay}", crowd, 0.0, 1.0, 0, 0.9)
        index.owners[row] = 0
    scorer.refresh(index, np.arange(len(index)))
    asked = alike.of_pictures(crowd[None].astype(np.float32), np.ones(1, np.float32), scorer, index)
    assert {one.owner for one in alike.alike(asked, scorer, index, 3, 0.9)} == {0, 1, 2}


def test_a_person_is_not_found_as_another():
    index, scorer, _, _ = filled(5, 2)
    own = np.flatnonzero(index.owners == 3)
    found = alike.alike(alike.of_tracklets(own, scorer, index), scorer, index, 10, 0.9)
    assert sorted(one.owner for one in found) == [0, 1, 2, 4]
    probe = alike.of_tracklets(own, scorer, index).probe
    pairs = [scorer.similar(probe, 0.9, np.flatnonzero(index.owners == one.owner), index).mean() for one in found]
    assert [one.similarity for one in found] == pytest.approx(pairs, abs=1e-5)


def test_a_poor_picture_says_little():
    index, scorer, looks, _ = filled(6, 4)
    calibration = Calibration(slope=15.0, offset=-6.0, impostor_mean=0.2, impostor_std=0.15, quality=0.6)
    scorer.calibration = calibration
    picture = (looks[1] / np.linalg.norm(looks[1]))[None].astype(np.float32)
    good, poor = (
        alike.alike(alike.of_pictures(picture, np.full(1, q, np.float32), scorer, index), scorer, index, 1, 0.9)[0]
        for q in (0.9, 0.03)
    )
    assert good.owner == poor.owner == 1
    assert poor.probability < good.probability


def test_only_what_is_kept_counts_as_near():
    index, scorer, looks, _ = filled(6, 5)
    picture = (looks[1] / np.linalg.norm(looks[1]))[None].astype(np.float32)
    asked = alike.of_pictures(picture, np.ones(1, np.float32), scorer, index)
    keep = index.owners == 2
    assert [one.owner for one in alike.alike(asked, scorer, index, 5, 0.9, keep)] == [2]
    assert alike.alike(asked, scorer, index, 5, 0.9, np.zeros(len(index), bool)) == []


def test_vectors_of_another_model_are_refused():
    index, scorer, _, _ = filled(2, 0)
    with pytest.raises(ValueError, match="holds vectors of length 24"):
        alike.of_pictures(np.zeros((1, 8), np.float32), np.ones(1, np.float32), scorer, index)
