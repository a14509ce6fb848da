from __future__ import annotations

import numpy as np
import pytest

from perdure.simulate.gait import Stance, skeleton
from perdure.simulate.lens import Lens
from perdure.simulate.looks import random_look
from perdure.simulate.render import PASSES, Actor, Renderer
from perdure.simulate.scene import Scene
from perdure.simulate.sensor import Sensor

LENS = Lens((-1.0, 0.0, 1.6), yaw_deg=0, pitch_deg=8, hfov_deg=70, width=160, height=120, k1=-0.03)


def standing(x: float, y: float, heading: float = np.pi, walking: float = 0.0, blur_m: float = 0.0) -> Stance:
    one = np.ones(PASSES)
    along = np.linspace(-0.5, 0.5, PASSES) * blur_m
    return Stance(x * one, y + along, heading * one, 0.3 * one, walking * one, 0 * one, 0 * one, 0 * one, 0 * one)


@pytest.fixture(scope="module")
def renderer(box_scene: Scene) -> Renderer:
    return Renderer(box_scene, LENS, Sensor(), samples=1)


@pytest.fixture(scope="module")
def actors() -> list[Actor]:
    rng = np.random.default_rng(0)
    return [Actor.of(7 + i, random_look(rng)) for i in range(2)]


def test_an_empty_picture_has_no_people(renderer: Renderer) -> None:
    shot = renderer.shoot([], [], seed=1)
    assert shot.image.shape == (120, 160, 3)
    assert len(shot.ids) == len(shot.boxes) == len(shot.visibility) == 0
    assert not shot.covered.any()
    assert (shot.mask == -1).all()


def test_the_box_encloses_exactly_the_drawn_pixels(renderer: Renderer, actors: list[Actor]) -> None:
    for walking in (0.0, 1.0):
        shot = renderer.shoot(actors[:1], [standing(1.6, -0.6, walking=walking, blur_m=0.1)], seed=1)
        rows, columns = np.nonzero(shot.covered)
        x0, y0, x1, y1 = shot.boxes[0]
        assert x0 - 1 <= columns.min() <= x0 + 2
        assert x1 - 3 <= columns.max() <= x1 + 1
        assert y0 - 1 <= rows.min() <= y0 + 2
        assert y1 - 3 <= rows.max() <= y1 + 1
        assert set(np.unique(shot.mask)) == {-1, 7}
        assert shot.visibility[0] == pytest.approx(1.0, abs=0.01)


def test_the_box_is_where_the_pinhole_says(renderer: Renderer, actors: list[Actor]) -> None:
    shot = renderer.shoot(actors[:1], [standing(2.0, 0.3)], seed=1)
    height = actors[0].look.height_m
    foot, top = LENS.project(np.array([[2.0, 0.3, 0.0], [2.0, 0.3, height]]))
    x0, y0, x1, y1 = shot.boxes[0]
    assert abs(y0 - top[1]) < 3
    assert abs(y1 - foot[1]) < 5  # the toes are nearer than the ankles
    assert abs((x0 + x1) / 2 - foot[0]) < 4


def test_furniture_hides_the_legs_but_the_box_stays(renderer: Renderer, actors: list[Actor]) -> None:
    behind = renderer.shoot(actors[:1], [standing(3.8, 0.8)], seed=1)
    beside = renderer.shoot(actors[:1], [standing(3.8, -1.2)], seed=1)
    assert beside.visibility[0] == pytest.approx(1.0, abs=0.01)
    assert 0.3 < behind.visibility[0] < 0.75
    tall = [shot.boxes[0][3] - shot.boxes[0][1] for shot in (behind, beside)]
    assert tall[0] == pytest.approx(tall[1], abs=4)


def test_the_nearer_person_hides_the_farther_one(renderer: Renderer, actors: list[Actor]) -> None:
    for order in (actors, actors[::-1]):
        places = {actors[0].id: standing(1.2, 0.0), actors[1].id: standing(2.4, 0.03)}
        shot = renderer.shoot(order, [places[a.id] for a in order], seed=1)
        share = dict(zip(shot.ids.tolist(), shot.visibility.tolist(), strict=True))
        assert share[actors[0].id] == pytest.approx(1.0, abs=0.15)  # its feet may leave the picture
        assert share.get(actors[1].id, 0.0) < 0.5


def test_somebody_half_out_of_the_picture_is_half_visible(renderer: Renderer, actors: list[Actor]) -> None:
    edge = LENS.floor_points(np.array([[1.0, 100.0]]))[0]
    shot = renderer.shoot(actors[:1], [standing(float(edge[0]), float(edge[1]))], seed=1)
    assert shot.boxes[0][0] == 0
    assert 0.2 < shot.visibility[0] < 0.8


def test_a_person_casts_a_shadow_and_only_near(renderer: Renderer, actors: list[Actor]) -> None:
    quiet = Renderer(renderer.scene, LENS, Sensor(photon_noise=0.0, read_noise=0.0), samples=1)
    empty = quiet.shoot([], [], seed=1).image.astype(int)
    shot = quiet.shoot(actors[:1], [standing(2.0, 0.0)], seed=1)
    change = np.abs(shot.image.astype(int) - empty).max(axis=2)
    around = ~shot.covered
    x0, _, x1, y1 = shot.boxes[0].astype(int)
    feet = np.zeros_like(around)
    feet[y1 - 12 : y1 + 4, x0 - 4 : x1 + 4] = True
    assert change[feet & around].max() > 12
    assert np.median(change[:20, :20]) <= 1


def test_same_seed_same_bytes_and_another_seed_other_noise(renderer: Renderer, actors: list[Actor]) -> None:
    first, second, third = (renderer.shoot(actors, [standing(2, 0), standing(3, 1)], seed=s) for s in (5, 5, 6))
    assert first.image.tobytes() == second.image.tobytes()
    assert first.image.tobytes() != third.image.tobytes()
    np.testing.assert_array_equal(first.boxes, third.boxes)


def test_feet_stay_on_the_floor_through_the_whole_stride() -> None:
    phase = np.linspace(0, 1, 40)
    one = np.ones(40)
    walk = Stance(one, one, 0 * one, phase, one, 0 * one, 0 * one, 0 * one, 0 * one)
    mats = skeleton(walk, 1.75, seed=3)
    heel, toe = np.array([0, -0.06, 0, 1.0]), np.array([0, 0.18, 0, 1.0])
    low = np.min([(mats[:, 13 + k] @ p)[:, 2] for k in (0, 1) for p in (heel, toe)], axis=0)
    np.testing.assert_allclose(low, 0, atol=0.02)
    head = (mats[:, 2] @ np.array([0, 0, 1.75, 1.0]))[:, 2]
    assert 1.6 < head.min() <= head.max() < 1.78
    assert 0.005 < np.ptp(head) < 0.09
