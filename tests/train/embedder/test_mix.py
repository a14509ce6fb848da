from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from perdure.train.embedder.data import Crops
from perdure.train.embedder.mix import (
    beside,
    by_another_camera,
    by_other_cameras,
    dressed,
    elsewhere,
    join_at,
    mixed_outfits,
    recolour,
    recorded,
    slanted,
)


def _people(count=4, size=(100, 40), context=0.0):
    pixels = np.stack([np.full((*size, 3), 20 * (i + 1), np.uint8) for i in range(count)])
    return Crops(pixels, np.arange(count), np.zeros(count, np.int64), tuple(f"p{i}" for i in range(count)), context)


def test_the_upper_body_of_one_stands_on_the_legs_of_another():
    upper, lower = np.full((100, 40, 3), 10, np.uint8), np.full((100, 40, 3), 200, np.uint8)
    joined = join_at(upper, lower, 50, 1.0)
    assert (joined[:40] == 10).all()
    assert (joined[60:] >= 199).all()


def test_mixed_people_have_no_identity_and_names_of_their_own():
    mixed = mixed_outfits(_people(context=0.1), 30, np.random.default_rng(0))
    assert len(mixed) == len(set(mixed.names)) == 30
    assert mixed.identities.tolist() == mixed.cameras.tolist() == [-1] * 30
    assert mixed.context == 0.1
    assert mixed.pixels.shape == (30, 100, 40, 3)


def test_only_crops_of_the_given_people_are_used():
    """Grey clothes stay between the given greys apart from the recoloured garment: nobody else comes in."""
    mixed = mixed_outfits(_people(), 40, np.random.default_rng(1))
    head = mixed.pixels[:, :15].reshape(40, -1)
    assert all(abs(v - round(v / 20) * 20) <= 1 for v in np.unique(head).tolist())


def test_the_same_seed_makes_the_same_people():
    first, second = (mixed_outfits(_people(), 5, np.random.default_rng(3)).pixels for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_recolouring_turns_the_hue_and_survives_nothing():
    red = np.zeros((8, 8, 3), np.uint8)
    red[..., 2] = 200
    recolour(red, np.random.default_rng(4))
    assert red[..., 2].mean() != 200
    recolour(red[:0], np.random.default_rng(4))


def test_other_cameras_show_people_otherwise_and_the_same_for_a_seed():
    rng = np.random.default_rng(5)
    people = _people(12, context=0.1)
    people.pixels[:, 30:60, 10:30] = rng.integers(0, 255, (12, 30, 20, 3))
    kept = people.pixels.copy()
    seen = by_other_cameras(people, 15, (0, 1))
    assert seen.pixels.shape == (15, *kept.shape[1:])
    assert seen.pixels.dtype == np.uint8
    assert seen.context == 0.1
    assert seen.identities.tolist() == [-1] * 15
    assert len(set(seen.names)) == 15
    np.testing.assert_array_equal(people.pixels, kept)
    apart = np.abs(seen.pixels[:, None].astype(int) - kept[None]).mean((2, 3, 4)).min(1)
    assert (apart > 1).mean() > 0.8
    np.testing.assert_array_equal(by_other_cameras(people, 4, (0, 1)).pixels, seen.pixels[:4])


def _recordings(crop, share, count=60):
    return np.stack([recorded(crop, share, np.random.default_rng(seed)) for seed in range(count)]).astype(float)


def test_a_recorder_adds_its_noise_at_the_size_that_people_have_in_its_frames():
    """Noise added before a person is shrunk would be averaged away; here it stays, in spots of several pixels."""
    crop = np.full((192, 96, 3), 128, np.uint8)
    near, far = _recordings(crop, 1.0), _recordings(crop, 0.2)
    assert near.shape == far.shape == (60, 192, 96, 3)
    spread = [np.sqrt(seen.var((1, 2, 3)).mean()) for seen in (near, far)]
    assert spread[1] > 0.5 * spread[0]
    step = [np.abs(np.diff(seen, axis=1)).mean() for seen in (near, far)]
    assert step[1] / spread[1] < 0.5 * step[0] / spread[0]


def test_a_recorder_compresses_at_that_size():
    """A red bar on grey: colour is stored at half the resolution in blocks, so far away its red reaches farther."""
    crop = np.full((192, 96, 3), 128, np.uint8)
    crop[:, 40:60] = (0, 0, 255)
    near, far = (_recordings(crop, share)[..., :30, :] for share in (1.0, 0.2))
    reach = [np.abs(beside[..., 2] - beside[..., 0]).mean() for beside in (near, far)]
    assert reach[1] > 3 * reach[0]


@pytest.mark.parametrize("size", [(2, 2), (9, 4), (100, 40)])
def test_another_camera_takes_any_crop(size):
    crop, other = (np.random.default_rng(i).integers(0, 255, (*size, 3), dtype=np.uint8) for i in range(2))
    for seed in range(20):
        assert by_another_camera(crop, other, np.random.default_rng(seed)).shape == (*size, 3)


def test_the_middle_stays_and_the_sides_are_those_of_another_picture():
    crop, other = np.full((50, 100, 3), 200, np.uint8), np.full((50, 100, 3), 10, np.uint8)
    for seed in range(10):
        seen = beside(crop, other, np.random.default_rng(seed))
        assert (seen[:, 45:55] >= 198).all()
        assert (seen[:, [0, -1]] <= 15).all()


def test_a_slanted_person_keeps_the_middle_and_moves_at_the_ends():
    crop = np.zeros((100, 60, 3), np.uint8)
    crop[:, 28:32] = 255
    tops = []
    for seed in range(12):
        seen = slanted(crop, np.random.default_rng(seed))[..., 0].astype(float)
        assert seen[50, 27:33].max() > 200
        tops.append(float((seen[5] * np.arange(60)).sum() / max(seen[5].sum(), 1)))
    assert np.std(tops) > 2


def test_elsewhere_is_people_at_places_and_places_alone_the_same_for_a_seed():
    rng = np.random.default_rng(6)
    people, places = _people(5, context=0.1), _people(7, context=0.1)
    places.pixels[:] = rng.integers(0, 255, places.pixels.shape)
    kept = people.pixels.copy()
    made = elsewhere(people, places, 40, (0, 1))
    assert len(set(made.names)) == 40
    alone = sum("+" not in name for name in made.names)
    assert 2 <= alone <= 16
    assert made.context == 0.1
    assert made.identities.tolist() == [-1] * 40
    np.testing.assert_array_equal(people.pixels, kept)
    np.testing.assert_array_equal(elsewhere(people, places, 9, (0, 1)).pixels, made.pixels[:9])
    assert (elsewhere(people, places, 9, (0, 2)).pixels != made.pixels[:9]).any()


def test_a_garment_is_of_the_cloth_and_the_rest_stays():
    crop, cloth = np.full((100, 40, 3), 100, np.uint8), np.zeros((100, 40, 3), np.uint8)
    cloth[..., 1] = 250
    for seed in range(8):
        worn = dressed(crop, cloth, 0.0, np.random.default_rng(seed))
        np.testing.assert_array_equal(worn[:15], crop[:15])
        np.testing.assert_array_equal(worn[94:], crop[94:])
        upper, lower = worn[33, 20].astype(int), worn[70, 20].astype(int)
        changed = [c for c in (upper, lower) if (c != 100).any()]
        assert len(changed) == 1
        assert changed[0][1] > changed[0][0] == changed[0][2]


def test_a_garment_keeps_its_folds():
    crop, cloth = np.full((100, 40, 3), 120, np.uint8), np.full((100, 40, 3), 150, np.uint8)
    crop[:, 18:20] = 60
    for seed in range(8):
        worn = dressed(crop, cloth, 0.0, np.random.default_rng(seed)).astype(int)
        assert worn[33, 18, 0] < worn[33, 22, 0]
        assert worn[70, 18, 0] < worn[70, 22, 0]
