from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from perdure.simulate import scene, sensor, shading
from perdure.simulate.body import build
from perdure.simulate.gait import Stance
from perdure.simulate.lens import Lens
from perdure.simulate.looks import PATTERNS, random_look
from perdure.simulate.render import PASSES, Actor, Renderer
from perdure.simulate.scene import Scene


def plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """The Python function behind a compiled one."""
    return getattr(function, "py_func", function)


@pytest.mark.parametrize("pattern", range(len(PATTERNS) + 2))
def test_cloth_is_between_its_two_colours(pattern: int) -> None:
    material = build(random_look(np.random.default_rng(1))).materials[3].copy()
    material[:6], material[6] = [0.1, 0.2, 0.3, 0.7, 0.8, 0.9], pattern
    rng, seen = np.random.default_rng(2), []
    for _ in range(300):
        point = rng.uniform([-0.2, -0.1, 0.0 if pattern == 8 else 0.8], [0.2, 0.15, 1.4])
        compiled, read = np.zeros(3, np.float32), np.zeros(3, np.float32)
        shading.fabric(material, *point, compiled)
        plain(shading.fabric)(material, *point, read)
        np.testing.assert_allclose(compiled, read, atol=1e-4)
        assert (compiled >= material[:3] - 1e-5).all()
        assert (compiled <= material[3:6] + 1e-5).all()
        seen.append(compiled[0])
    assert np.ptp(seen) > 0.05 or pattern == 0


def test_faces_have_hair_above_and_skin_below() -> None:
    look = random_look(np.random.default_rng(4))
    material = build(look).materials[1].copy()
    material[16:19], material[19] = [0.02, 0.02, 0.02], 0.0
    cy, cz, _, hd, hh = material[11:16]
    for run in (shading.face, plain(shading.face)):
        out = np.zeros((3, 3), np.float32)
        run(material, 0.0, cy + 0.9 * hd, cz - 0.2 * hh, out[0])  # cheek height, in front
        run(material, 0.0, cy + 0.1 * hd, cz + 0.95 * hh, out[1])  # crown
        run(material, 0.0, cy - 0.9 * hd, cz, out[2])  # back of the head
        assert out[0].mean() > 3 * out[1].mean()
        np.testing.assert_allclose(out[1:], 0.02, atol=0.002)


def test_a_whole_picture_is_the_same_without_the_compiler(box_scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    lens = Lens((-1.0, 0.0, 1.6), yaw_deg=0, pitch_deg=8, hfov_deg=40, width=24, height=32)
    quiet = sensor.Sensor(photon_noise=0.0, read_noise=0.0)
    actors = [Actor.of(i, random_look(np.random.default_rng(i))) for i in range(2)]
    one = np.ones(PASSES)
    zero = 0 * one
    stances = [Stance((2 + i) * one, 0.3 * i * one, 3 * one, zero, one, zero, zero, zero, zero) for i in range(2)]
    first = Renderer(box_scene, lens, quiet, samples=1).shoot(actors, stances, 1)
    monkeypatch.setattr(shading, "shade", plain(shading.shade))
    monkeypatch.setattr(scene, "_paint", plain(scene._paint))
    second = Renderer(box_scene, lens, quiet, samples=1).shoot(actors, stances, 1)
    np.testing.assert_array_equal(first.mask, second.mask)
    np.testing.assert_array_equal(first.visibility, second.visibility)
    assert np.abs(first.image.astype(int) - second.image.astype(int)).max() <= 3
