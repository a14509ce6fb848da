from __future__ import annotations

import numpy as np

from perdure.simulate.body import build
from perdure.simulate.looks import random_look


def test_looks_repeat_by_seed_and_vary_over_seeds() -> None:
    assert random_look(np.random.default_rng(3)) == random_look(np.random.default_rng(3))
    looks = [random_look(np.random.default_rng(i)) for i in range(60)]
    assert len({look.top_colour for look in looks}) > 50
    assert {look.bag for look in looks} == {"none", "backpack", "shoulder", "tote"}
    assert {look.bottom for look in looks} == {"trousers", "shorts", "skirt"}
    assert len({look.hair for look in looks}) == 7
    assert {look.top for look in looks} == {"t-shirt", "shirt", "sweater", "jacket", "coat", "hoodie"}


def test_a_twin_wears_the_same_and_is_somebody_else() -> None:
    rng = np.random.default_rng(1)
    look = random_look(rng)
    twin = look.twin(rng)
    assert (twin.top_colour, twin.bottom_colour, twin.shoes) == (look.top_colour, look.bottom_colour, look.shoes)
    assert twin.seed != look.seed
    assert twin.height_m != look.height_m


def test_other_clothes_leave_the_body_as_it_is() -> None:
    rng = np.random.default_rng(2)
    look = random_look(rng)
    other = look.changed(rng)
    assert (other.height_m, other.build, other.skin, other.seed) == (look.height_m, look.build, look.skin, look.seed)
    assert other.top_colour != look.top_colour


def test_meshes_are_sound_and_as_tall_as_the_person() -> None:
    for seed in range(25):
        look = random_look(np.random.default_rng(seed))
        mesh = build(look)
        np.testing.assert_allclose(mesh.weights.sum(axis=1), 1, atol=1e-5)
        assert mesh.weights.min() >= -1e-6
        assert 0 <= mesh.triangles.min() <= mesh.triangles.max() < len(mesh.vertices)
        assert np.isfinite(mesh.normals).all()
        top = mesh.vertices[:, 2].max()
        assert 0.98 * look.height_m < top < 1.05 * look.height_m
        assert mesh.vertices[:, 2].min() >= -0.01
        width = np.ptp(mesh.vertices[np.abs(mesh.vertices[:, 2] - 0.78 * look.height_m) < 0.03, 0])
        assert 0.2 * look.height_m < width < 0.36 * look.height_m
