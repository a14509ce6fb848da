from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.train.embedder import augment as a

NOTHING = {f.name: 0.0 for f in fields(a.Strength) if f.name != "least_resolution"}
LITTLE = {"box_shift": 0.1, "box_scale": 0.2, "box_border": 0.1, "grey_p": 0.5, "least_resolution": 0.3}


def _crop(seed=0, height=64, width=32):
    """A smooth picture with an edge, so that blur and shifts can be told."""
    rng = np.random.default_rng(seed)
    crop = np.full((height, width, 3), rng.integers(60, 200, 3), np.uint8)
    crop[height // 4 : height // 2, width // 4 :: 4] = rng.integers(0, 256, 3)
    return crop


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 100_000), st.sampled_from([(128, 64), (64, 32), (37, 21), (2, 2), (1, 1), (9, 1)]))
def test_any_crop_becomes_a_picture_of_the_wanted_size(seed, size):
    rng = np.random.default_rng(seed)
    crop, other = _crop(seed, *size), _crop(seed + 1)
    always = a.Strength(**{f.name: 1.0 for f in fields(a.Strength)} | LITTLE)
    out = a.augment(crop, other, (48, 24), always, rng)
    assert out.shape == (48, 24, 3)
    assert out.dtype == np.uint8


def test_no_strength_only_resizes():
    never = a.Strength(**NOTHING)
    crop = _crop()
    out = a.augment(crop, crop, (64, 32), never, np.random.default_rng(0))
    np.testing.assert_allclose(out, crop, atol=1)


def test_the_input_is_never_changed():
    crop, other = _crop(), _crop(1)
    kept = crop.copy(), other.copy()
    rng = np.random.default_rng(0)
    for _ in range(20):
        a.augment(crop, other, (48, 24), a.Strength(occlude_p=1, erase_p=1), rng)
        a.degrade(crop, other, 0.8, rng)
    np.testing.assert_array_equal(crop, kept[0])
    np.testing.assert_array_equal(other, kept[1])


def test_a_flip_mirrors_exactly():
    crop = _crop()
    out = a.shift_box(crop, (64, 32), 0.0, 0.0, True, np.random.default_rng(0))
    np.testing.assert_allclose(out, crop[:, ::-1], atol=1)


@pytest.mark.parametrize("motion", [False, True])
def test_blur_and_low_resolution_lose_detail(motion):
    crop = _crop()

    def detail(x):
        return np.abs(np.diff(x.astype(float), axis=1)).sum()

    assert detail(a.blur(crop, 2.0, motion, np.random.default_rng(3))) < detail(crop)
    assert detail(a.lower_resolution(crop, 0.2)) < detail(crop)


def test_occlusion_shows_the_other_person_within_the_asked_share():
    crop, other = np.zeros((64, 32, 3), np.uint8), np.full((64, 32, 3), 255, np.uint8)
    for seed in range(20):
        out = a.occlude(crop, other, np.random.default_rng(seed), 0.2, 0.4)
        assert 0.1 <= (out == 255).mean() <= 0.45


def test_a_degraded_crop_keeps_its_size_and_differs():
    crop, other = _crop(), _crop(1)
    for seed in range(30):
        out = a.degrade(crop, other, 0.5, np.random.default_rng(seed))
        assert out.shape == crop.shape
        assert not np.array_equal(out, crop)


@pytest.mark.parametrize("severity", [0.0, 1.0])
@pytest.mark.parametrize("size", [(1, 1), (2, 2), (64, 32)])
def test_degrading_takes_any_crop_at_both_ends(severity, size):
    for seed in range(12):
        out = a.degrade(_crop(0, *size), _crop(1, *size), severity, np.random.default_rng(seed))
        assert out.shape == (*size, 3)


def test_a_severer_degradation_differs_more():
    crop, other = _crop(), _crop(1)

    def difference(severity):
        worse = [a.degrade(crop, other, severity, np.random.default_rng(s)).astype(float) for s in range(40)]
        return np.mean([np.abs(w - crop).mean() for w in worse])

    assert difference(0.1) < difference(0.5) < difference(1.0)


def test_the_same_seed_gives_the_same_picture():
    crop, other = _crop(), _crop(1)
    first, second = (a.augment(crop, other, (48, 24), a.Strength(), np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_boxes_of_one_crop_share_its_light_and_differ_in_place():
    crop, other = np.full((64, 32, 3), 120, np.uint8), _crop(1)
    strength = a.Strength(
        box_shift=0.2, box_scale=0.2, occlude_p=0, colour_p=1, light_p=0, blur_p=0, jpeg_p=0, erase_p=0
    )
    first, second = a.boxes_of(crop, other, (48, 24), strength, np.random.default_rng(3), count=2)
    np.testing.assert_array_equal(first, second)  # one grey in, one tint out, wherever the box is
    pattern = _crop()
    first, second = a.boxes_of(pattern, other, (48, 24), strength, np.random.default_rng(3), count=2)
    assert np.abs(first.astype(int) - second).mean() > 2


def test_a_moved_box_finds_what_is_around_it():
    """With context the middle of the picture is the box; moved, it shows the ring instead of repeating its edge."""
    wide = np.zeros((80, 40, 3), np.uint8)
    wide[16:64, 8:32] = 200  # the box: 48x24 with a third of it around
    still = a.shift_box(wide, (48, 24), 0.0, 0.0, False, np.random.default_rng(0), context=1 / 3)
    assert still.min() == 200
    moved = a.shift_box(wide, (48, 24), 0.3, 0.0, False, np.random.default_rng(0), context=1 / 3)
    assert (moved == 0).any()


def test_a_border_shows_what_is_around_the_box_of_crops_that_hold_it():
    wide = np.zeros((80, 40, 3), np.uint8)
    wide[16:64, 8:32] = 200
    whole = a.shift_box(wide, (80, 40), 0.0, 0.0, False, np.random.default_rng(0), context=1 / 3, border=1 / 3)
    np.testing.assert_array_equal(whole, wide)
    strength = a.Strength(**NOTHING | {"box_border": 0.2})
    rng = np.random.default_rng(1)
    shares = [
        (view == 0).mean() for _ in range(40) for view in a.boxes_of(wide, wide, (80, 40), strength, rng, 1, 1 / 3)
    ]
    assert min(shares) < 0.1 < 0.4 < max(shares) < 1 - 1 / 1.4**2 + 0.05  # drawn anew, up to a fifth on every side
    np.testing.assert_array_equal(*[a.augment(wide, wide, (80, 40), s, rng) for s in (strength, a.Strength(**NOTHING))])
