"""The compiled loops do what their Python text says, on pictures of a few pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from perdure.simulate import kernels, scene, sensor
from perdure.simulate.lens import Lens
from perdure.simulate.scene import Scene


def plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """The Python function behind a compiled one."""
    return getattr(function, "py_func", function)


def test_projection_is_that_of_the_lens() -> None:
    lens = Lens((0.5, -1.0, 2.2), yaw_deg=35, pitch_deg=20, hfov_deg=80, width=64, height=48, k1=-0.05)
    points = np.random.default_rng(0).uniform([1, -1, 0], [6, 5, 2], (40, 3))
    points[0] = [-5, -5, 1]
    table = np.array([lens.focal_px, 32, 24, lens.k1, lens.k2], np.float32)
    for run in (kernels.project, plain(kernels.project)):
        out, bounds = np.zeros((40, 3), np.float32), np.array([np.inf, np.inf, -np.inf, -np.inf], np.float32)
        run(
            points.astype(np.float32),
            lens.rotation.astype(np.float32),
            np.array(lens.position, np.float32),
            table,
            out,
            bounds,
        )
        expected = lens.project(points)
        front = out[:, 2] > 0
        assert not front[0]
        np.testing.assert_allclose(out[front, :2], expected[front], atol=0.01)
        np.testing.assert_allclose(out[front, 2], lens.depth(points)[front], rtol=1e-4)
        np.testing.assert_allclose(bounds, [*out[front, :2].min(0), *out[front, :2].max(0)])


def test_the_nearest_triangle_wins_and_centres_decide() -> None:
    screen = np.array([[0, 0, 2], [8, 0, 2], [0, 8, 2], [0, 0, 1], [4, 0, 1], [0, 4, 1], [0, 0, -1]], np.float32)
    triangles = np.array([[0, 1, 2], [3, 4, 5], [0, 1, 6]], np.int32)
    for run in (kernels.rasterise, plain(kernels.rasterise)):
        depth, ids = np.full((8, 8), np.inf, np.float32), np.full((8, 8), -1, np.int32)
        run(screen, triangles, 0.0, 0.0, depth, ids)
        y, x = np.mgrid[0:8, 0:8] + 0.5
        np.testing.assert_array_equal(ids, np.where(x + y <= 4, 1, np.where(x + y <= 8, 0, -1)))
        np.testing.assert_allclose(depth[ids == 1], 1)
        np.testing.assert_allclose(depth[ids == 0], 2)


def test_skinning_moves_points_by_their_bones() -> None:
    mats = np.zeros((2, 3, 4), np.float32)
    mats[:, :3, :3] = np.eye(3)
    mats[1, :, 3] = [0, 0, 2]
    rest = np.array([[1, 2, 3], [4, 5, 6]], np.float32)
    bones, weights = np.array([[0, 0, 0], [0, 1, 0]], np.int32), np.array([[1, 0, 0], [0.25, 0.75, 0]], np.float32)
    for run in (kernels.deform, plain(kernels.deform)):
        pos, nrm = np.zeros_like(rest), np.zeros_like(rest)
        run(rest, rest, bones, weights, mats, pos, nrm)
        np.testing.assert_allclose(pos, [[1, 2, 3], [4, 5, 7.5]])
        np.testing.assert_allclose(nrm, rest)


def test_shadows_darken_what_the_lamp_no_longer_reaches() -> None:
    y, x = np.mgrid[0:12, 0:12].astype(np.float32)
    place = np.stack([x / 4 - 1.5, y / 4 - 1.5, 0 * x], 2).astype(np.float32)
    normal = np.zeros((12, 12, 3), np.float32)
    normal[:, :, 2] = 1
    blob, lamp = np.array([[0, 0, 1, 0.3]], np.float32), np.array([[0, 0, 2.5, 2, 2, 2]], np.float32)
    window, root = np.array([0, 0, 12, 12], np.int32), np.zeros(2, np.float32)
    results = []
    for run in (sensor.cast_shadows, plain(sensor.cast_shadows)):
        out = np.ones((12, 12), np.float32)
        run(place, normal, window, root, blob, lamp, 0.3, out)
        assert out[6, 6] < 0.5 < 0.95 < out[0, 0] <= 1
        results.append(out)
    np.testing.assert_allclose(results[0], results[1], atol=1e-4)


def test_people_cover_the_background_and_only_it_is_shadowed() -> None:
    background, colour = np.full((2, 3, 3), 0.5, np.float32), np.full((2, 3, 3), 0.9, np.float32)
    owner = np.array([[0, -1, -1], [-1, -1, 3]], np.int32)
    for run in (sensor.blend, plain(sensor.blend)):
        out = np.zeros((2, 3, 3), np.float32)
        run(background, np.full((2, 3), 0.4, np.float32), colour, owner, out, 0.5)
        np.testing.assert_allclose(out[:, :, 0], np.where(owner >= 0, 0.45, 0.1))


def test_gains_and_saturation_make_the_camera() -> None:
    grey = np.full((6, 8, 3), 0.2, np.float32)
    quiet = {"vignette": 0.0, "photon_noise": 0.0, "read_noise": 0.0, "exposure": 1.0}
    warm = sensor.Sensor(gains=(1.3, 1.0, 0.7), **quiet)
    mono = sensor.Sensor(gains=(1.3, 1.0, 0.7), saturation=0.0, **quiet)
    dim = sensor.Sensor(**{**quiet, "vignette": 0.5})
    with np.errstate(over="ignore"):
        for run in (sensor.develop, plain(sensor.develop)):
            out = np.zeros((3, 6, 8, 3), np.uint8)
            for k, camera in enumerate((warm, mono, dim)):
                run(grey, camera.table(), camera.curve(), 1, out[k])
            assert (out[0, :, :, 2] > out[0, :, :, 1]).all()
            assert (out[0, :, :, 1] > out[0, :, :, 0]).all()
            assert int(np.ptp(out[1].astype(int), axis=2).max()) <= 1
            assert out[2, 0, 0, 0] < out[2, 3, 4, 0]


def test_rays_meet_the_nearest_box_from_outside(box_scene: Scene) -> None:
    eye = np.array([0.0, 0.5, 0.5])
    rays = np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 1.0], [0.0, 0.0, -1.0], [0.0, 0.0, 1.0]])
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    for run in (scene._surfaces, plain(scene._surfaces)):
        far, hit, normal = np.zeros(4), np.zeros(4, np.int64), np.zeros((4, 3))
        run(eye, rays, box_scene.boxes, far, hit, normal)
        assert hit.tolist() == [2, -1, 0, -1]
        np.testing.assert_allclose(far[[0, 2]], [3.0, 0.5])
        np.testing.assert_allclose(normal[[0, 2]], [[-1, 0, 0], [0, 0, 1]])


def test_every_surface_has_a_believable_colour() -> None:
    rng = np.random.default_rng(3)
    for kind in range(10):
        surface = np.array([kind, 0.5, 0.4, 0.3, 0.2, 0.3, 0.4, 5.0])
        for _ in range(60):
            x, y, z = rng.uniform(0, 3, 3)
            first, second = np.zeros(3), np.zeros(3)
            glow = scene._albedo(surface, x, y, z, int(rng.integers(3)) if kind != 6 else 0, first)
            assert (glow > 0) == (kind == scene.WINDOW)
            assert (first >= 0).all()
            assert (first <= 1.0).all()
            plain(scene._albedo)(surface, x, y, z, 0, second)
            scene._albedo(surface, x, y, z, 0, first)
            np.testing.assert_allclose(first, second, atol=1e-9)


def test_a_box_between_lamp_and_floor_leaves_less_light(box_scene: Scene) -> None:
    place = np.array([[3.4, 1.0, 0.0], [2.0, 1.0, 0.0]])
    normal, hit = np.tile([0.0, 0.0, 1.0], (2, 1)), np.zeros(2, np.int64)
    for run in (scene._lighting, plain(scene._lighting)):
        light = np.zeros((2, 3))
        run(place, normal, hit, box_scene.boxes, box_scene.lamps, box_scene.ambient, light)
        assert light[0, 0] < 0.6 * light[1, 0]
