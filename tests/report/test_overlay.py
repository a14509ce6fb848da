from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.report.overlay import Mark, board, caption, dark_tile, draw

RED = (230, 30, 30)
GREY = 100


def canvas(width=320, height=240):
    return np.full((height, width, 3), GREY, np.uint8)


def mark(box, label="P3", colour=RED, trail=()):
    return Mark(label, colour, np.array(box, np.float32), np.array(trail, np.float64).reshape(-1, 3))


def near(image, colour, tolerance=40):
    """(H, W) bool: where the picture has about this RGB colour."""
    return np.abs(image[:, :, ::-1].astype(int) - np.array(colour)).max(axis=2) <= tolerance


def drawn(*marks, **size):
    image = canvas(**size)
    draw(image, marks)
    return image


def test_the_box_is_drawn_along_its_sides():
    red = near(drawn(mark([100, 60, 160, 200])), RED)
    for y, x in [(130, 100), (130, 158), (199, 130)]:
        assert red[y - 1 : y + 2, x - 1 : x + 3].any()
    assert not red[80:180, 110:150].any()
    ys, xs = np.nonzero(red)
    assert xs.min() >= 98
    assert xs.max() <= 161
    assert ys.max() <= 201


def test_the_label_stands_on_its_own_colour_above_the_box():
    plate = near(drawn(mark([100, 60, 160, 200])), RED)[40:59, 100:125]
    assert plate.mean() > 0.4


def test_different_labels_look_different():
    box = [100, 60, 160, 200]
    pictures = [drawn(mark(box, label)) for label in ("P3", "P8", "P33", "P3")]
    assert np.array_equal(pictures[0], pictures[3])
    assert not np.array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[0], pictures[2])


def test_a_label_at_the_top_is_inside_the_picture():
    red = near(drawn(mark([100, 0, 160, 200])), RED)
    assert red[4:20, 102:125].mean() > 0.3


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.floats(-400, 700), st.floats(-400, 500), st.floats(-400, 700), st.floats(-400, 500)),
    st.text(max_size=8),
    st.lists(st.tuples(st.floats(-500, 900), st.floats(-500, 900), st.floats(0, 1)), max_size=5),
)
def test_anything_can_be_drawn_anywhere(box, label, trail):
    draw(canvas(), [mark(box, label, trail=trail)])


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (64, 48), (1920, 1080)])
def test_pictures_of_any_size(size):
    image = canvas(*size)
    draw(image, [mark([0, 0, size[0], size[1]], trail=[[0, 0, 0], [size[0], size[1], 1]])])
    caption(image, "door  0:01.0")
    assert image.shape == (size[1], size[0], 3)


def test_a_trail_fades():
    image = drawn(mark([280, 10, 310, 40], trail=[[20, 200, 0.0], [100, 200, 0.1], [180, 200, 1.0], [260, 200, 1.0]]))
    away = np.abs(image.astype(int) - GREY).sum(axis=2)
    old, new = away[197:204, 40:80].max(), away[197:204, 190:250].max()
    assert new > 2 * old > 0


def test_the_caption_stays_in_its_corner():
    image = canvas()
    caption(image, "door  0:01.0")
    changed = np.any(image != GREY, axis=2)
    assert changed[:15, :60].any()
    assert not changed[60:].any()
    assert not changed[:, 200:].any()


def test_a_dark_tile_names_its_camera():
    first, second = dark_tile((320, 180), "door", "not begun"), dark_tile((320, 180), "hall", "not begun")
    assert first.shape == (180, 320, 3)
    assert np.median(first) < 40
    assert first.max() > 200
    assert not np.array_equal(first, second)


def test_the_board_says_who_is_where():
    tile = board((320, 240), [("P3", RED, "hall"), ("P4", (30, 200, 30), "door")])
    assert near(tile, RED).sum() > 100
    assert near(tile, (30, 200, 30)).sum() > 100
    assert np.nonzero(near(tile, RED))[0].max() < np.nonzero(near(tile, (30, 200, 30)))[0].min()
    assert board((100, 60), [("P1", RED, "x")] * 50).shape == (60, 100, 3)


def test_names_outside_ascii_do_not_break_the_drawing():
    assert drawn(mark([100, 60, 160, 200], "P3 Zoë")).max() > 0
