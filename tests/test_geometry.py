from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from perdure.geometry import (
    area,
    clip,
    covered,
    crosses_itself,
    distance,
    homography,
    inside,
    intersection_each,
    iou,
    passes,
    project,
    to_cxcyah,
)

CORNERS = arrays(np.float64, (5, 2, 2), elements=st.integers(0, 40).map(float))
BOXES = CORNERS.map(lambda c: np.concatenate([c.min(axis=1), c.max(axis=1)], axis=1))


def cells(box):
    """The unit cells of a box with whole corners."""
    return {(x, y) for x in range(int(box[0]), int(box[2])) for y in range(int(box[1]), int(box[3]))}


@given(BOXES, BOXES)
def test_overlap_equals_counting_cells(first, second):
    shared, inside = iou(first, second), covered(first, second)
    for i, a in enumerate(first):
        assert area(first)[i] == len(cells(a))
        assert intersection_each(first, second)[i] == len(cells(a) & cells(second[i]))
        for j, b in enumerate(second):
            union = len(cells(a) | cells(b))
            assert shared[i, j] == pytest.approx(len(cells(a) & cells(b)) / union if union else 0)
            assert inside[i, j] == pytest.approx(len(cells(a) & cells(b)) / len(cells(a)) if cells(a) else 0)


def test_an_inverted_box_has_no_area():
    assert area(np.array([[10.0, 0.0, 5.0, 8.0]]))[0] == 0


def test_the_centre_form_is_what_its_name_says():
    np.testing.assert_allclose(to_cxcyah(np.array([[10.0, 20, 30, 60]])), [[20, 40, 0.5, 40]])


def test_clip_keeps_the_dtype():
    clipped = clip(np.array([[-5, -5, 50, 50]], np.float32), 20, 10)
    assert clipped.dtype == np.float32
    np.testing.assert_array_equal(clipped, [[0, 0, 20, 10]])


def test_project_follows_the_homography():
    shift = np.array([[2.0, 0, 1], [0, 2, 3], [0, 0, 2]])
    np.testing.assert_allclose(project(np.array([[1.0, 1.0]]), shift), [[1.5, 2.5]])


@given(st.integers(0, 10_000), st.integers(4, 12))
def test_a_homography_is_found_again_from_points_before_the_camera(seed, count):
    rng = np.random.default_rng(seed)
    true = np.array([[1.0, 0.2, 3.0], [0.1, 2.0, -1.0], [1e-3, 2e-3, 1.0]]) + rng.normal(0, 1e-4, (3, 3))
    corners = np.array([[0, 0], [640, 0], [640, 480], [0, 480]], float)
    points = np.vstack([corners, rng.uniform(0, 480, (count - 4, 2))])
    found = homography(points, project(points, true))
    probe = rng.uniform(0, 480, (5, 2))
    assert project(probe, found) == pytest.approx(project(probe, true), rel=1e-6, abs=1e-6)
    assert (np.column_stack([points, np.ones(count)]) @ found[2] > 0).all()


def test_a_homography_of_many_noisy_points_is_near():
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 500, (200, 2))
    true = np.array([[0.02, 0.001, -3.0], [0.002, 0.03, 1.0], [1e-5, 1e-3, 1.0]])
    found = homography(points, project(points, true) + rng.normal(0, 0.05, (200, 2)))
    assert np.abs(project(points, found) - project(points, true)).max() < 0.1


polygons = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=3, max_size=7, unique=True)


def test_inside_a_shape_that_is_not_convex():
    angle = np.array([(0, 0), (4, 0), (4, 4), (2, 4), (2, 2), (0, 2)], float)
    points = np.array([(1, 1), (3, 3), (1, 3), (5, 1), (-1, 1)], float)
    assert inside(points, angle).tolist() == [True, True, False, False, False]


@given(polygons, st.integers(0, 5), st.booleans())
def test_inside_does_not_depend_on_where_the_polygon_begins_or_which_way_it_goes(corners, turn, back):
    polygon = np.array(corners, float)
    points = np.array([(x + 0.37, y + 0.41) for x in range(-1, 7) for y in range(-1, 7)])
    other = np.roll(polygon[::-1] if back else polygon, turn, axis=0)
    assert (inside(points, polygon) == inside(points, other)).all()


@given(polygons)
def test_the_nearest_side_is_as_near_as_the_nearest_of_many_of_its_points(corners):
    polygon = np.array(corners, float)
    ends = np.roll(polygon, -1, axis=0)
    points = np.array([(0.3, 0.2), (3.3, 2.6), (9.0, 9.0)])
    share = np.linspace(0, 1, 401)[:, None, None]
    many = (polygon + share * (ends - polygon)).reshape(-1, 2)
    plain = np.linalg.norm(points[:, None] - many, axis=2).min(axis=1)
    assert np.abs(distance(points, polygon, ends) - plain).max() < 0.02


def test_passes_of_a_segment():
    start, end = np.array([0.0, 0.0]), np.array([1.0, 0.0])  # drawn to the right: its right is below
    path = np.array([(0.5, -1), (0.5, 1), (0.5, 2), (0.5, -1), (3, -1), (3, 1)])
    assert passes(path, start, end).tolist() == [1, 0, -1, 0, 0]
    touching = np.array([(0.5, -1), (0.5, 0), (0.5, 0), (0.5, 1)])
    assert passes(touching, start, end).tolist() == [1, 0, 0]


@pytest.mark.parametrize(
    ("corners", "crosses"),
    [
        ([(0, 0), (1, 0), (1, 1), (0, 1)], False),
        ([(0, 0), (1, 1), (1, 0), (0, 1)], True),
        ([(0, 0), (4, 0), (4, 4), (2, 4), (2, 2), (0, 2)], False),
        ([(0, 0), (2, 0), (1, 0), (1, 1)], True),  # back on itself
        ([(0, 0), (4, 0), (4, 4), (2, 0), (0, 4)], True),  # a corner on a side
        ([(0, 0), (1, 0), (0, 1)], False),
    ],
)
def test_a_polygon_that_crosses_itself(corners, crosses):
    polygon = np.array(corners, float)
    assert all(crosses_itself(np.roll(polygon, turn, axis=0)) == crosses for turn in range(len(corners)))
