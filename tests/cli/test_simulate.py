from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from perdure.cli.simulate import simulate
from perdure.errors import ConfigError, StoreError

PLAN = """
name: kiosk
minutes: 0.02
days: {days}
rooms: [{{name: room, rect: [0, 0, 4, 4]}}]
doors: [{{name: front, between: [room, outside], at: [2, 0]}}]
spots: [{{name: middle, at: [2, 2]}}]
cameras: [{{name: cam, at: [0.3, 0.3, 2.4], yaw_deg: 45, hfov_deg: 95, width: 128, height: 128}}]
people: [{{name: ann, visits: [{{arrives_s: -6, stops: [{{spot: middle}}], stays: true}}]}}]
"""


def call(*words: str) -> Result:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(simulate)
    return CliRunner().invoke(app, list(words))


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "kiosk.yaml"
    path.write_text(PLAN.format(days=1), encoding="utf-8")
    return path


def test_footage_is_written_and_told_and_not_replaced_by_accident(plan: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = call(str(plan), "--out", str(out))
    assert result.exit_code == 0, result.output
    assert "1 ann" in result.stdout
    assert "cam 0-1" in result.stdout
    assert (out / "cam.mp4").stat().st_size > 500
    assert {p.name for p in out.iterdir()} == {"cam.mp4", "truth", "calibration.json", "perdure.yaml"}
    again = call(str(plan), "--out", str(out))
    assert isinstance(again.exception, StoreError)
    assert "--overwrite" in str(again.exception)
    assert call(str(plan), "--out", str(out), "--overwrite").exit_code == 0


def test_each_day_is_a_folder(tmp_path: Path) -> None:
    plan = tmp_path / "kiosk.yaml"
    plan.write_text(PLAN.format(days=2), encoding="utf-8")
    assert call(str(plan), "--out", str(tmp_path / "out")).exit_code == 0
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"day-001", "day-002"}
    second = (tmp_path / "out" / "day-002" / "truth" / "cam" / "gt" / "gt.txt").read_text(encoding="utf-8")
    assert second.strip() == ""  # ann comes on the first day only
    again = call(str(plan), "--out", str(tmp_path / "out"))
    assert isinstance(again.exception, StoreError)


def test_a_study_draws_and_tells(plan: Path, tmp_path: Path) -> None:
    result = call(str(plan), "--study", "--out", str(tmp_path / "study"))
    assert result.exit_code == 0, result.output
    assert "median px" in result.stdout
    assert "hand-off" in result.stdout
    assert "1 camera keeps" in result.stdout.replace("\n", " ")
    assert (tmp_path / "study" / "coverage.png").is_file()


def test_a_wrong_plan_is_one_sentence(tmp_path: Path) -> None:
    result = call("castle", "--out", str(tmp_path / "out"))
    assert isinstance(result.exception, ConfigError)
    assert "house, garden, shop, office" in str(result.exception)


def test_material_for_training_is_not_replaced_by_accident(plan: Path, tmp_path: Path) -> None:
    words = (str(plan), "--people", "2", "--scenes", "1", "--out", str(tmp_path / "out"))
    result = call(*words)
    assert result.exit_code == 0, result.output
    assert "crops of 2 people" in result.stdout
    assert isinstance(call(*words).exception, StoreError)
    assert call(*words, "--overwrite").exit_code == 0
