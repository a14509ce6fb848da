"""Whatever happens to a picture, its boxes stay on its people."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from perdure.train.detector.augment import Placing, Scene, Spoiling, clip, crowd, mirror, mosaic, place, spoil
from perdure.train.detector.data import PAD_VALUE

NOBODY = np.zeros((0, 4), np.float32)


def scene(value: int = 250, pixel_aspect: float = 1.0) -> Scene:
    """One bright person on black, and a dim region to ignore."""
    image = np.zeros((120, 160, 3), np.uint8)
    image[30:90, 60:90] = value
    image[10:20, 120:150, 0] = 60
    person, region = np.array([[60, 30, 90, 90]], np.float32), np.array([[120, 10, 150, 20]], np.float32)
    return Scene(image, person, region, pixel_aspect)


def extent(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    ys, xs = np.nonzero(mask)
    return np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1], float)


@given(st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_a_placed_box_is_where_the_person_is(seed: int) -> None:
    placed = place(scene(), 96, 128, Placing((0.5, 1.8), (0.6, 1.7)), np.random.default_rng(seed))
    assert placed.image.shape == (96, 128, 3)
    bright = (placed.image > 180).all(axis=2)
    for box in placed.boxes:
        np.testing.assert_allclose(box, extent(bright), atol=2.5)
    if len(placed.boxes) == 0:
        assert bright.sum() < 0.35 * 30 * 60 * 1.8**2


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_boxes_stay_inside_the_canvas_and_large_enough(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mixed = mosaic([scene() for _ in range(4)], 96, 128, Placing((0.8, 2.2)), rng)
    mixed = clip(spoil(crowd(mixed, [scene().image[30:90, 60:90]] * 3, rng), Spoiling(1, 0.5, 1, 1, 1), rng))
    assert mixed.image.shape == (96, 128, 3)
    assert mixed.image.dtype == np.uint8
    for boxes in (mixed.boxes, mixed.ignore):
        assert boxes.dtype == np.float32
        assert (boxes[:, :2] >= 0).all()
        assert (boxes[:, 2:] <= [128, 96]).all()
    assert (mixed.boxes[:, 2:] - mixed.boxes[:, :2] >= [3, 7]).all()


def test_each_picture_of_a_mosaic_keeps_its_own_box() -> None:
    colours = np.array([[250, 0, 0], [0, 250, 0], [0, 0, 250], [250, 250, 250]], np.uint8)
    parts = [replace(scene(), image=np.where(scene().image > 200, colour, 0).astype(np.uint8)) for colour in colours]
    seen = 0
    for seed in range(8):
        mixed = mosaic(parts, 192, 256, Placing((1.0, 1.0), (1.0, 1.0)), np.random.default_rng(seed))
        blobs = [((mixed.image > 125) == (colour > 125)).all(axis=2) for colour in colours]
        assert len(mixed.boxes) <= 4
        for box in mixed.boxes:
            assert min(np.abs(box - extent(blob)).max() for blob in blobs if blob.any()) < 2.5
        seen += len(mixed.boxes)
    assert seen >= 24


def test_a_squeezed_picture_is_widened() -> None:
    placing = Placing((1.0, 1.0), (1.0, 1.0))
    for seed in range(5):
        plain, wide = (
            place(scene(250, a), 400, 400, placing, np.random.default_rng(seed)).boxes[0] for a in (1.0, 1.5)
        )
        aspect = [(box[2] - box[0]) / (box[3] - box[1]) for box in (plain, wide)]
        assert abs(aspect[1] / aspect[0] - 1.5) < 0.03


def test_a_person_mostly_outside_becomes_a_region_to_ignore() -> None:
    image = np.zeros((100, 100, 3), np.uint8)
    boxes = np.array([[-80, 0, 20, 60], [-20, 0, 80, 60], [200, 200, 220, 250], [5, 5, 7, 30]], np.float32)
    cut = clip(Scene(image, boxes, NOBODY))
    assert cut.boxes.tolist() == [[0, 0, 80, 60]]
    assert cut.ignore.tolist() == [[0, 0, 20, 60], [5, 5, 7, 30]]


def test_mirroring_twice_changes_nothing() -> None:
    one, back = scene(), mirror(mirror(scene()))
    np.testing.assert_array_equal(one.image, back.image)
    np.testing.assert_array_equal(one.boxes, back.boxes)
    assert mirror(one).boxes.tolist() == [[70, 30, 100, 90]]


def test_pasted_people_get_boxes_and_hide_those_behind() -> None:
    person = np.full((60, 30, 3), 250, np.uint8)
    hid, added = 0, 0
    for seed in range(40):
        before = scene(120)
        after = crowd(before, [person] * 3, np.random.default_rng(seed))
        assert len(after.boxes) + len(after.ignore) >= len(before.boxes) + len(before.ignore)
        hid += len(after.ignore) > len(before.ignore)
        added += len(after.boxes) > 1
        for box in after.boxes[1:]:
            x, y = ((box[:2] + box[2:]) / 2).astype(int)
            assert after.image[y, x].min() > 100
        assert (before.image[30:90, 60:90] == 120).all()
    assert hid > 3
    assert added > 25
    empty = Scene(scene().image, NOBODY, NOBODY)
    assert crowd(empty, [person], np.random.default_rng(0)) is empty


def test_nothing_is_spoiled_at_chance_zero_and_boxes_stay() -> None:
    one = scene()
    kept = spoil(one, Spoiling(0, 0, 0, 0, 0), np.random.default_rng(0))
    np.testing.assert_array_equal(one.image, kept.image)
    grey = spoil(one, Spoiling(1, 1, 1, 1, 1), np.random.default_rng(0))
    assert not np.array_equal(one.image, grey.image)
    np.testing.assert_array_equal(one.boxes, grey.boxes)


def test_the_surround_is_the_grey_the_detector_pads_with() -> None:
    placed = place(scene(), 200, 200, Placing((0.5, 0.5), (1.0, 1.0)), np.random.default_rng(3))
    assert (placed.image == PAD_VALUE).all(axis=2).mean() > 0.5
