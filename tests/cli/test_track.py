from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from perdure.cli.track import track
from perdure.errors import ConfigError
from perdure.interop.mot import read_boxes

app = typer.Typer()
app.command()(track)


@pytest.fixture
def detections(tmp_path: Path) -> Path:
    """Two people walk in opposite directions for 40 frames."""
    lines = []
    for f in range(40):
        lines += [f"{f + 1},-1,{50 + 4 * f},100,40,100,0.9", f"{f + 1},-1,{500 - 4 * f},220,40,100,0.8"]
    (tmp_path / "walk.txt").write_text("\n".join(lines))
    return tmp_path / "walk.txt"


@pytest.mark.parametrize("name", ["default", "sort", "bytetrack"])
def test_follows_two_people(tmp_path: Path, detections: Path, name: str) -> None:
    out = tmp_path / "out.txt"
    done = CliRunner().invoke(app, ["--detections", str(detections), "--out", str(out), "--tracker", name])
    assert done.exit_code == 0, done.output
    assert "80 boxes of 2 tracks in 40 frames" in done.output
    rows = read_boxes(out)
    assert all(len(set(rows.ids[(rows.boxes[:, 1] == y)].tolist())) == 1 for y in (100, 220))


def test_live_writes_only_what_was_known(tmp_path: Path, detections: Path) -> None:
    out = tmp_path / "out.txt"
    CliRunner().invoke(app, ["--detections", str(detections), "--out", str(out), "--live"])
    assert read_boxes(out).frames[0] > 1


def test_embeddings_are_used(tmp_path: Path) -> None:
    """A person hidden for two seconds comes back elsewhere: only the vectors say that it is the same one."""
    lines = [f"{f + 1},-1,{100 + (0 if f < 40 else 60)},100,40,100,0.9" for f in range(120) if not 40 <= f < 90]
    (tmp_path / "d.txt").write_text("\n".join(lines))
    np.savez(tmp_path / "v.npz", vectors=np.tile(np.eye(1, 8), (len(lines), 1)))
    base = ["--detections", str(tmp_path / "d.txt"), "--out", str(tmp_path / "o.txt")]
    with_looks = CliRunner().invoke(app, [*base, "--embeddings", str(tmp_path / "v.npz")])
    assert "of 1 tracks" in with_looks.output


def test_mistakes_are_named(tmp_path: Path, detections: Path) -> None:
    base = {"detections": detections, "out": tmp_path / "o.txt"}
    with pytest.raises(ConfigError, match=r"tracking\.tracker"):
        track(**base, tracker="magic")
    with pytest.raises(ConfigError, match="--fps"):
        track(**base, fps=0.0)


def test_gaps_are_filled_on_request(tmp_path: Path) -> None:
    lines = [f"{f + 1},-1,{100 + 2 * f},100,40,100,0.9" for f in range(60) if f not in (20, 21, 22)]
    (tmp_path / "d.txt").write_text("\n".join(lines))
    base = ["--detections", str(tmp_path / "d.txt"), "--out", str(tmp_path / "o.txt")]
    assert "57 boxes" in CliRunner().invoke(app, base).output
    assert "60 boxes" in CliRunner().invoke(app, [*base, "--fill", "0.5"]).output


@pytest.mark.parametrize("wrong", [{"fps": math.inf}, {"fps": 0.0}, {"fill": -1.0}, {"fill": math.nan}])
def test_times_are_numbers_that_make_sense(tmp_path: Path, detections: Path, wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="must be a number"):
        track(detections=detections, out=tmp_path / "o.txt", **wrong)


def test_boxes_without_area_are_left_out_and_counted(tmp_path: Path, detections: Path) -> None:
    detections.write_text(detections.read_text() + "\n7,-1,300,300,-40,100,0.9\n8,-1,300,300,40,0,0.9\n")
    done = CliRunner().invoke(app, ["--detections", str(detections), "--out", str(tmp_path / "o.txt")])
    assert "80 boxes of 2 tracks in 40 frames; 2 boxes without area were left out" in done.output


def test_years_without_a_box_take_no_time(tmp_path: Path, detections: Path) -> None:
    """A frame number far away: people who come then are new."""
    far = detections.read_text().splitlines()[:40]
    late = [f"{2_000_000_000 + int(line.split(',')[0])},{line.split(',', 1)[1]}" for line in far]
    detections.write_text("\n".join([detections.read_text(), *late]))
    out = tmp_path / "o.txt"
    done = CliRunner().invoke(app, ["--detections", str(detections), "--out", str(out)])
    assert "120 boxes of 4 tracks" in done.output
    rows = read_boxes(out)
    assert not set(rows.ids[rows.frames <= 40]) & set(rows.ids[rows.frames > 40])


def test_filling_is_not_live(tmp_path: Path, detections: Path) -> None:
    with pytest.raises(ConfigError, match="--fill"):
        track(detections=detections, out=tmp_path / "o.txt", fill=1.0, live=True)
