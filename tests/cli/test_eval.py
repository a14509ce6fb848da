"""``perdure eval tracking`` and ``multicamera``: tables, exact JSON, a page; a user's mistake is an InputError."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perdure.cli.eval import app
from perdure.errors import InputError


def example(root: Path) -> tuple[Path, Path]:
    """Two sequences, also two cameras: one perfect, one without a result."""
    rows = "".join(f"{frame},1,{frame},20,30,40,1,-1,-1,-1\n" for frame in range(1, 11))
    for name in ("a", "b"):
        (root / "truth" / name / "gt").mkdir(parents=True)
        (root / "truth" / name / "gt/gt.txt").write_text(rows)
    (root / "run/tracks").mkdir(parents=True)
    (root / "run/tracks/a.txt").write_text(
        "".join(line.replace(",1,", ",4,", 1) for line in rows.splitlines(keepends=True))
    )
    (root / "run/tracks/b.txt").write_text("")
    return root / "truth", root / "run"


def run(*arguments: object) -> str:
    """The output of a command that must end well."""
    result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_tracking_as_json_table_and_page(tmp_path: Path) -> None:
    truth, result = example(tmp_path)
    options = ("tracking", "--truth", truth, "--result", result / "tracks")
    figures = json.loads(run(*options, "--json"))
    assert figures["sequences"]["a"]["HOTA"] == 1.0
    assert figures["combined"]["IDF1"] == 2 / 3
    table = run(*options, "--html", tmp_path / "page.html")
    assert "HOTA" in table
    assert "0.667" in table
    assert "<svg" in (tmp_path / "page.html").read_text()


def test_multicamera_finds_the_events_of_a_run(tmp_path: Path) -> None:
    truth, result = example(tmp_path)
    options = ("multicamera", "--truth", truth, "--result", result, "--json")
    assert json.loads(run(*options))["visits"]["events_per_visit"] == 1.0
    event = '{"id": "%s", "identity": "P4", "start": %s, "end": %s}\n'
    (result / "events.jsonl").write_text(event % ("v1", 0, 0.1) + event % ("v2", 0.3, 0.4))
    visits = json.loads(run(*options))["visits"]
    assert (visits["events"], visits["visits"]) == (2, 1)
    (tmp_path / "floor.json").write_text('{"a": [[0.01, 0, 0], [0, 0.01, 0], [0, 0, 1]]}')
    figures = json.loads(run(*options, "--homographies", tmp_path / "floor.json"))
    assert figures["floor"]["HOTA"] == 1.0
    assert "events per visit" in run(*options[:-1])
    (tmp_path / "perdure.yaml").write_text("cameras: {a: {source: a.mp4, offset_s: 3.0, rate_fps: 1.0}}\n")
    minutes = json.loads(run(*options, "--config", tmp_path / "perdure.yaml"))["camera_minutes"]
    assert minutes == pytest.approx(10 / 60 + 10 / 30 / 60)


def test_mistakes_are_input_errors(tmp_path: Path) -> None:
    truth, result = example(tmp_path)
    (result / "tracks/b.txt").unlink()
    with pytest.raises(InputError, match="different sequences"):
        run("tracking", "--truth", truth, "--result", result / "tracks")
    with pytest.raises(InputError, match="no protocol 'x'"):
        run("tracking", "--truth", truth, "--result", result / "tracks", "--protocol", "x")
