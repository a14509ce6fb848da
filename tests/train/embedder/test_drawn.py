from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from perdure.train.embedder.data import Crops
from perdure.train.embedder.drawn import drawn_people, drawn_person, garment, plain_ground

CONTEXT = 0.15
SIZE_HW = (250, 124)


def _places(count=4):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (count, *SIZE_HW, 3), dtype=np.uint8)
    nobody = np.full(count, -1, np.int64)
    return Crops(pixels, nobody, nobody.copy(), tuple(f"place{i}" for i in range(count)), CONTEXT)


def _drawn(seed, value=128):
    place = np.full((*SIZE_HW, 3), value, np.uint8)
    return drawn_person(place, place, CONTEXT, np.random.default_rng(seed)).astype(int)


def test_somebody_stands_in_the_box_and_the_edge_of_the_picture_is_ground():
    """On a place of a colour that nobody wears: what is not of it lies within the box, the trunk always."""
    place, cloth = (np.full((*SIZE_HW, 3), colour, np.uint8) for colour in ((255, 0, 255), (0, 90, 0)))
    people = [drawn_person(place, cloth, CONTEXT, np.random.default_rng(seed)).astype(int) for seed in range(60)]
    seen = [p for p in people if (p[:20, :20] == place[0, 0]).all()]
    assert 10 < len(seen) < 40  # the others stand on plain ground
    for picture in seen:
        body = np.abs(picture - place).max(2) > 8
        assert body[75:110, 56:68].mean() > 0.9
        assert body[:20].mean() < 0.02
        assert body[230:].mean() < 0.02
        assert body[29:221].any(1).mean() > 0.9


def test_clothes_are_mostly_dark_and_no_two_people_are_alike():
    trunks = np.array([_drawn(seed, 200)[80:105, 56:68].mean((0, 1)) for seed in range(60)])
    assert np.median(trunks.mean(1)) < 80
    apart = np.abs(trunks[:, None] - trunks[None]).sum(2)[np.triu_indices(60, 1)]
    assert np.median(apart) > 30


def test_trousers_are_often_blue():
    cloth = np.zeros((8, 4, 3), np.uint8)
    colours = [garment(cloth, np.random.default_rng(seed), True) for seed in range(200)]
    plain = np.array([c for c in colours if c.ndim == 1])
    assert 0.2 < (plain[:, 0] > 1.3 * plain[:, 2]).mean() < 0.6


def test_grounds_have_two_plain_parts_at_most():
    for seed in range(10):
        ground = plain_ground(SIZE_HW, np.random.default_rng(seed))
        assert ground.shape == (*SIZE_HW, 3)
        steps = np.abs(np.diff(ground.astype(int).mean(2), axis=1))
        assert np.median(steps) < 25


def test_drawn_people_have_no_identity_and_are_the_same_for_a_seed():
    places = _places()
    kept = places.pixels.copy()
    people = drawn_people(places, 6, (0, 1))
    assert people.pixels.shape == (6, *SIZE_HW, 3)
    assert people.context == CONTEXT
    assert people.identities.tolist() == people.cameras.tolist() == [-1] * 6
    assert len(set(people.names)) == 6
    np.testing.assert_array_equal(places.pixels, kept)
    np.testing.assert_array_equal(drawn_people(places, 2, (0, 1)).pixels, people.pixels[:2])
    assert (drawn_people(places, 2, (0, 2)).pixels != people.pixels[:2]).any()
