from __future__ import annotations

import numpy as np
import pytest

from perdure.simulate import scene as surfaces
from perdure.simulate.scene import Scene

TINY_PLAN = """
name: tiny
seed: 4
minutes: 0.2
rooms:
  - {name: room, rect: [0, 0, 5, 4]}
  - {name: side, rect: [5, 0, 8, 4]}
doors:
  - {name: front, between: [room, outside], at: [1.5, 0]}
  - {name: inner, between: [room, side], at: [5, 2]}
furniture:
  - {kind: table, rect: [2.4, 2.2, 3.2, 3.0]}
spots:
  - {name: middle, at: [3.9, 1.2], facing_deg: 90}
  - {name: far, at: [7, 3], facing_deg: 0}
  - {name: line, at: [1.0, 3.0], facing_deg: 90, queue: true}
cameras:
  - {name: a, at: [0.3, 0.3, 2.4], yaw_deg: 40, pitch_deg: 22, hfov_deg: 85, width: 128, height: 96, rate_fps: 4}
  - {name: b, at: [7.7, 0.3, 2.4], yaw_deg: 130, pitch_deg: 25, hfov_deg: 85, width: 128, height: 96, rate_fps: 5,
     dropped: 0.3, clock_skew_s: 1.5}
people:
  - {name: ann, visits: [{arrives_s: -3, stops: [{spot: middle, stay_s: 1}, {spot: far, stay_s: 60}], stays: true}]}
  - {name: bob, twin_of: ann, visits: [{arrives_s: 0, stops: [{spot: line, stay_s: 2}]}]}
"""


@pytest.fixture(scope="session")
def tiny_text() -> str:
    return TINY_PLAN


@pytest.fixture(scope="session")
def box_scene() -> Scene:
    """A floor, a wall behind, and a screen that hides what is low behind x = 3."""
    boxes = [[-10, -10, -0.2, 10, 10, 0.0], [6, -10, 0, 6.2, 10, 3], [3.0, -0.2, 0.0, 3.1, 2.0, 1.0]]
    surface = [[surfaces.PAINT, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1]] * 3
    lamps = [[2.0, 0.0, 2.8, 2.0, 2.0, 2.0]]
    ambient = [[0.3, 0.3, 0.3], [0.2, 0.2, 0.2]]
    return Scene(np.array(boxes, float), np.array(surface, float), np.array(lamps), np.array(ambient))
