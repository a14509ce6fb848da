from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perdure.simulate.plan import Plan
from perdure.simulate.reading import parse
from perdure.simulate.study import Coverage, blind_spots, draw, study, table


@pytest.fixture(scope="module")
def tiny(tiny_text: str) -> Plan:
    sharp = tiny_text.replace("width: 128, height: 96", "width: 640, height: 480")
    return parse(sharp)


@pytest.fixture(scope="module")
def coverage(tiny: Plan) -> Coverage:
    return study(tiny)


def at(coverage: Coverage, x: float, y: float) -> np.ndarray:
    return coverage.height_px[np.argmin(np.hypot(*(coverage.places - [x, y]).T))]


def test_who_sees_what(coverage: Coverage) -> None:
    a, b = at(coverage, 3.9, 1.2)
    assert a > 100
    assert b == 0  # behind the inner wall
    a, b = at(coverage, 7.0, 2.8)
    assert b > 150
    near, far = at(coverage, 2.5, 1.6)[0], at(coverage, 4.6, 3.6)[0]
    assert near > far > 0


def test_blind_spots_and_handoffs(tiny: Plan, coverage: Coverage) -> None:
    spots = blind_spots(coverage)
    assert spots
    assert [area for _, _, area in spots] == sorted((area for _, _, area in spots), reverse=True)
    assert np.diag(coverage.handoff_s).max() == 0
    assert coverage.handoff_s[0, 1] == pytest.approx(coverage.handoff_s[1, 0], rel=0.05, abs=0.1)
    rows = table(tiny, coverage)
    assert [row[0] for row in rows] == ["room", "side"]


def test_a_camera_that_sees_nothing(tiny: Plan) -> None:
    away = tiny.cameras[0].model_copy(update={"pitch_deg": -30.0, "hfov_deg": 20.0})
    found = study(tiny.model_copy(update={"cameras": (away, tiny.cameras[1])}))
    assert np.isinf(found.handoff_s[0]).all()
    assert all("a" not in row[-1].split(", ") for row in table(tiny, found))


def test_the_picture_is_drawn(tiny: Plan, coverage: Coverage, tmp_path: Path) -> None:
    draw(tiny, coverage, tmp_path / "coverage.png", "two cameras")
    assert (tmp_path / "coverage.png").stat().st_size > 5000
