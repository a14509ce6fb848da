from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from perdure.simulate.gait import Stance
from perdure.simulate.looks import random_look
from perdure.simulate.render import PASSES, Actor
from perdure.train.embedder.data import Crops
from perdure.train.embedder.rendered import (
    BODY_PX,
    FRAME_HW,
    LEAST_PX,
    LEAST_SEEN,
    crops_of,
    dressed_warmly,
    people_of,
    random_camera,
    rendered_people,
)

CONTEXT = 0.15
SIZE_HW = (166, 84)


def _places(count=3):
    pixels = np.random.default_rng(0).integers(0, 256, (count, *SIZE_HW, 3), dtype=np.uint8)
    nobody = np.full(count, -1, np.int64)
    return Crops(pixels, nobody, nobody.copy(), tuple(f"place{i}" for i in range(count)), CONTEXT)


def _standing(x=0.0, y=0.0):
    none, one = np.zeros(PASSES), np.ones(PASSES)
    return Stance(x=x * one, y=y * one, heading=none, phase=none, gait=none, reach=none, hold=none, look=none, at=none)


@pytest.mark.parametrize("seed", range(12))
def test_every_camera_sees_who_stands_in_the_middle_whole_and_lit(seed):
    camera = random_camera(np.random.default_rng(seed))
    shot = camera.shoot([Actor.of(0, random_look(np.random.default_rng(1)))], [_standing()], 0)
    assert shot.image.shape == (*FRAME_HW, 3)
    assert 25 < shot.image.mean() < 240
    if len(shot.boxes):  # else something stands before them
        x0, y0, x1, y1 = shot.boxes[0]
        assert 0 < x0 < FRAME_HW[1] / 2 < x1 < FRAME_HW[1]
        assert 0 < y0 < y1 < FRAME_HW[0]
        assert 0.75 * BODY_PX < y1 - y0 < 1.4 * BODY_PX


def test_places_differ_and_most_have_more_than_one_colour_of_ground():
    cameras = [random_camera(np.random.default_rng(seed)) for seed in range(8)]
    means = np.array([c.view.picture.mean((0, 1)) for c in cameras])
    assert (np.abs(means[:, None] - means[None]).sum(2)[np.triu_indices(8, 1)] > 0.01).all()
    assert np.mean([c.view.picture.std() > 0.02 for c in cameras]) > 0.5


def test_only_those_who_can_be_seen_are_cut_out():
    """In every shot of a place that has things in the way."""
    cut, dropped, places = 0, 0, _places()
    for seed in range(12):
        camera = random_camera(np.random.default_rng(seed))
        looks = [random_look(np.random.default_rng(n)) for n in range(3)]
        stances = [_standing(), _standing(0.05, 0.05), _standing(0.9, -0.9)]
        shot = camera.shoot([Actor.of(n, look) for n, look in enumerate(looks)], stances, 0)
        good = (shot.visibility >= LEAST_SEEN) & (shot.boxes[:, 3] - shot.boxes[:, 1] >= LEAST_PX)
        crops = list(crops_of(shot, places))
        assert len(crops) == good.sum()
        assert all(crop.shape == (*SIZE_HW, 3) for crop in crops)
        cut, dropped = cut + len(crops), dropped + int((~good).sum())
    assert cut > 15
    assert dropped > 0


def test_half_the_people_wear_coats_and_clothes_get_darker():
    looks = [random_look(np.random.default_rng(n)) for n in range(200)]
    worn = [dressed_warmly(look, np.random.default_rng(n)) for n, look in enumerate(looks)]
    coats = np.mean([w.top in ("coat", "jacket") for w in worn])
    assert 0.5 < coats < 0.8
    assert all(w.bottom != "shorts" for w, look in zip(worn, looks, strict=True) if w.top != look.top)
    light, dark = (np.median([np.mean(look.top_colour) for look in some]) for some in (looks, worn))
    assert dark < 0.75 * light
    assert all(w.height_m == look.height_m for w, look in zip(worn, looks, strict=True))


def test_a_place_gives_many_pictures_of_different_people():
    crops = np.stack(list(people_of(np.random.default_rng(2), _places())))
    assert len(crops) > 10
    means = crops[:, 60:100, 30:54].mean((1, 2))
    assert np.median(np.abs(means[:, None] - means[None]).sum(2)[np.triu_indices(len(crops), 1)]) > 20


def test_rendered_people_have_no_identity_and_are_the_same_for_a_seed():
    places = _places()
    kept = places.pixels.copy()
    people = rendered_people(places, 70, (0, 1))  # more than one place has
    assert people.pixels.shape == (70, *SIZE_HW, 3)
    assert people.context == CONTEXT
    assert people.identities.tolist() == people.cameras.tolist() == [-1] * 70
    assert len(set(people.names)) == 70
    np.testing.assert_array_equal(places.pixels, kept)
    np.testing.assert_array_equal(rendered_people(places, 3, (0, 1)).pixels, people.pixels[:3])
    assert (rendered_people(places, 3, (0, 2)).pixels != people.pixels[:3]).any()
