from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from perdure.train.embedder.dark import clothes_of, contrasty, darkly_dressed, in_dark_clothes
from perdure.train.embedder.data import Crops

CONTEXT = 0.15
SIZE_HW = (250, 124)
TRUNK, LEGS, GROUND = (slice(70, 118), slice(50, 74)), (slice(135, 190), slice(52, 72)), (slice(0, 250), slice(0, 24))


def _walker(seed=0):
    """Somebody in a red shirt and blue trousers before a grey wall, all with some noise; a head of skin."""
    rng = np.random.default_rng(seed)
    picture = np.full((*SIZE_HW, 3), 150.0)
    picture[42:62, 55:69] = (120, 150, 200)
    picture[62:125, 42:82] = (50, 50, 190)
    picture[125:205, 46:78] = (160, 70, 40)
    return np.clip(picture + rng.normal(0, 6, picture.shape), 0, 255).astype(np.uint8)


def _crops(count=3):
    nobody = np.full(count, -1, np.int64)
    pixels = np.stack([_walker(i) for i in range(count)])
    return Crops(pixels, nobody, nobody.copy(), tuple(f"w{i}" for i in range(count)), CONTEXT)


def test_clothes_are_found_and_neither_head_nor_wall_is():
    found = clothes_of(_walker(), CONTEXT)
    assert found.shape == SIZE_HW
    assert found[TRUNK].mean() > 0.95
    assert found[LEGS].mean() > 0.95
    assert found[GROUND].max() == 0
    assert found[40:52, 56:68].mean() < 0.1
    assert found[70:200, 26:36].mean() < 0.1  # beside the person, within the box


def test_dark_clothes_are_dark_and_all_else_is_as_it_was():
    crop = _walker()
    seen = [darkly_dressed(crop, CONTEXT, np.random.default_rng(i)) for i in range(20)]
    kept = crop.copy()
    for picture in seen:
        np.testing.assert_array_equal(picture[GROUND], crop[GROUND])
    np.testing.assert_array_equal(crop, kept)
    trunks = np.array([p[TRUNK].mean() for p in seen])
    assert np.median(trunks) < 0.7 * crop[TRUNK].mean()
    assert trunks.max() < 150
    hues = np.array([p[TRUNK].mean((0, 1)) for p in seen])
    assert np.abs(hues[:, None] - hues[None]).sum(2)[np.triu_indices(20, 1)].mean() > 15  # not one coat for all


def test_folds_stay_in_what_is_dyed():
    crop = _walker()
    crop[80:100, 42:82] //= 2
    seen = [darkly_dressed(crop, CONTEXT, np.random.default_rng(i)).astype(float) for i in range(20)]
    assert np.mean([p[82:98, 50:74].mean() < p[104:118, 50:74].mean() for p in seen]) > 0.85


@pytest.mark.parametrize("value", [0, 255])
def test_a_picture_of_one_colour_is_no_error(value):
    crop = np.full((*SIZE_HW, 3), value, np.uint8)
    assert darkly_dressed(crop, CONTEXT, np.random.default_rng(0)).shape == crop.shape


def test_more_contrast_cuts_shadows_off():
    ramp = np.repeat(np.arange(250, dtype=np.uint8)[:, None, None], 3, 2)
    seen = np.stack([contrasty(ramp, np.random.default_rng(i)) for i in range(30)]).astype(int)
    assert (np.diff(seen, axis=1) >= 0).all()
    assert (seen[:, :8] == 0).mean() > 0.5


def test_dark_people_have_no_identity_and_are_the_same_for_a_seed():
    people = _crops()
    made = in_dark_clothes(people, people, 6, (0, 1))
    assert made.pixels.shape == (6, *SIZE_HW, 3)
    assert made.context == CONTEXT
    assert made.identities.tolist() == [-1] * 6
    assert len(set(made.names)) == 6
    np.testing.assert_array_equal(in_dark_clothes(people, people, 2, (0, 1)).pixels, made.pixels[:2])
    assert (in_dark_clothes(people, people, 2, (0, 2)).pixels != made.pixels[:2]).any()
