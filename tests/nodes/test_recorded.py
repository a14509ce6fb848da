from __future__ import annotations

import json
import sqlite3

import numpy as np
import pytest

from perdure import assemble
from perdure.cli.progress import Silent
from perdure.config import parse
from perdure.errors import PerdureError, SourceError, StoreError
from perdure.gallery.calibrate import Calibration
from perdure.nodes.recorded import Plan, run
from tests.nodes.clips import ColourDetector, ColourEmbedder, write_clip

CALIBRATION = Calibration(slope=20.0, offset=-8.0, impostor_mean=0.0, impostor_std=0.3, threshold=0.7)


@pytest.fixture
def building(tmp_path, monkeypatch):
    """Two cameras: red is seen by both, green by the first, blue by the second; and models that see colours."""
    monkeypatch.setattr(assemble, "models", lambda config: (ColourDetector(), ColourEmbedder()))
    monkeypatch.setattr(assemble, "calibration_of", lambda name: CALIBRATION)
    door = write_clip(tmp_path / "door.mp4", {"red": (0, 30), "green": (5, 40)})
    hall = write_clip(tmp_path / "hall.mp4", {"red": (30, 60), "blue": (10, 50)}, frames=70, rate_fps=12.0)
    return {"door": {"source": str(door)}, "hall": {"source": str(hall)}}


def plan(cameras, out, **options):
    return Plan(parse({"cameras": cameras}), out, **options)


def people(out):
    return json.loads((out / "people.json").read_text())["people"]


def everything(out):
    """All results of a run, without what depends on the clock."""
    files = [*sorted((out / "tracks").glob("*.txt")), out / "events.jsonl", out / "people.json"]
    pictures = sorted(str(path.relative_to(out)) for path in (out / "crops").rglob("*.jpg"))
    return [path.read_text() for path in files], pictures


def test_one_identity_per_person_and_one_event_per_visit(building, tmp_path):
    result = run(plan(building, tmp_path / "out"), Silent())
    out = tmp_path / "out"
    assert sorted(p["cameras"] for p in people(out)) == [["door"], ["door", "hall"], ["hall"]]
    events = [json.loads(line) for line in (out / "events.jsonl").read_text().splitlines()]
    assert len(events) == 3
    assert all((out / event["picture"]).is_file() for event in events)
    assert [c.frames for c in result.cameras] == [60, 70]
    assert not result.interrupted


def test_tracks_carry_global_ids_from_frame_one(building, tmp_path):
    run(plan(building, tmp_path / "out"), Silent())
    rows = {c: np.loadtxt(tmp_path / "out" / "tracks" / f"{c}.txt", delimiter=",") for c in ("door", "hall")}
    (red,) = [p for p in people(tmp_path / "out") if len(p["cameras"]) == 2]
    number = int(red["id"][1:])
    in_door = rows["door"][rows["door"][:, 1] == number]
    assert in_door[0, 0] == 1
    assert len(in_door) >= 25
    first = in_door[0]
    np.testing.assert_allclose(first[2:6], [4, 10, 16, 36], atol=3)
    assert number in rows["hall"][:, 1]
    for table in rows.values():
        assert len(np.unique(table[:, :2], axis=0)) == len(table)


def test_zones_and_lines_tell_who_stayed_and_who_crossed(building, tmp_path):
    zone = {"polygon": [[0.5, 0], [1, 0], [1, 1], [0.5, 1]]}
    line = {"start": [0.5, 1], "end": [0.5, 0]}  # in: from its left, which is the picture's
    door = building["door"] | {"zones": {"mat": zone}, "lines": {"sill": line}}
    run(plan({"door": door, "hall": building["hall"]}, tmp_path / "out"), Silent())
    events = [json.loads(line) for line in (tmp_path / "out" / "events.jsonl").read_text().splitlines()]
    at_door = {p["id"] for p in people(tmp_path / "out") if "door" in p["cameras"]}
    assert len(at_door) == 2
    crossed = [e for e in events if e["kind"] == "crossing"]
    assert {(e["identity"], e["place"], e["direction"]) for e in crossed} == {(p, "door/sill", "in") for p in at_door}
    stays = {e["identity"]: e for e in events if e["kind"] == "stay"}
    assert {e["place"] for e in stays.values()} == {"door/mat"}
    assert set(stays) == at_door
    for each in crossed:
        assert abs(stays[each["identity"]]["start"] - each["start"]) < 0.3
    assert sum(e["kind"] == "visit" for e in events) == 3


def test_only_pictures_somebody_refers_to_stay(building, tmp_path):
    run(plan(building, tmp_path / "out"), Silent())
    database = sqlite3.connect(tmp_path / "out" / "perdure.db")
    referred = {p for (text,) in database.execute("select pictures from exemplars") for p in json.loads(text)}
    database.close()
    assert {str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out" / "crops").rglob("*.jpg")} == referred


class StopAt(Silent):
    """Stops the run after so many frames, as Ctrl-C or a kill would."""

    def __init__(self, frames, error):
        self.left, self.error = frames, error

    def progress(self, camera, frames, people):
        self.left -= 1
        if self.left == 0:
            raise self.error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("killed")], ids=["ctrl-c", "kill"])
@pytest.mark.parametrize("frames", [1, 17, 64, 129])
def test_a_run_that_was_stopped_goes_on_to_the_same_result(building, tmp_path, frames, error):
    run(plan(building, tmp_path / "whole"), Silent())
    if isinstance(error, KeyboardInterrupt):
        result = run(plan(building, tmp_path / "out"), StopAt(frames, error))
        assert result.interrupted
        assert (tmp_path / "out" / "people.json").exists()
    else:
        with pytest.raises(RuntimeError):
            run(plan(building, tmp_path / "out"), StopAt(frames, error))
    resumed = run(plan(building, tmp_path / "out", resume=True), Silent())
    assert not resumed.interrupted
    assert everything(tmp_path / "out") == everything(tmp_path / "whole")


@pytest.mark.parametrize("motion", [True, False])
def test_what_was_journalled_is_not_looked_at_again(building, tmp_path, monkeypatch, motion):
    looked = []
    detector = ColourDetector()
    plain = detector.detect
    detector.detect = lambda images: looked.extend(images) or plain(images)
    monkeypatch.setattr(assemble, "models", lambda config: (detector, ColourEmbedder()))

    def settings(out, **options):
        return Plan(parse({"cameras": building, "detection": {"motion": motion}}), out, **options)

    run(settings(tmp_path / "whole"), Silent())
    whole = len(looked)
    with pytest.raises(RuntimeError):
        run(settings(tmp_path / "out"), StopAt(80, RuntimeError()))
    run(settings(tmp_path / "out", resume=True), Silent())
    assert whole <= len(looked) - whole <= whole + 10


def test_nobody_looks_where_nothing_moves_but_now_and_then(tmp_path, monkeypatch):
    """Red crosses in seconds 20 to 24 of 60, before a wall that is empty else; the heartbeat is every 2 s."""
    monkeypatch.setattr(assemble, "models", lambda config: (ColourDetector(), ColourEmbedder()))
    monkeypatch.setattr(assemble, "calibration_of", lambda name: CALIBRATION)
    clip = write_clip(tmp_path / "hall.mp4", {"red": (200, 240)}, frames=600)
    results = {}
    for motion in (True, False):
        settings = parse({"cameras": {"hall": {"source": str(clip)}}, "detection": {"motion": motion}})
        results[motion] = run(Plan(settings, tmp_path / str(motion)), Silent())
    gated, all_frames = results[True], results[False]
    assert all_frames.cameras[0].looked_at == 600
    assert 30 <= gated.cameras[0].looked_at < 100
    (visit,), (expected,) = gated.events, all_frames.events
    assert visit.start == pytest.approx(expected.start, abs=0.3)
    assert visit.end == pytest.approx(expected.end, abs=0.5)


def test_a_folder_with_a_run_is_not_overwritten_by_accident(building, tmp_path):
    out = tmp_path / "out"
    run(plan(building, out), Silent())
    before = everything(out)
    with pytest.raises(StoreError, match=r"finished run.*--overwrite"):
        run(plan(building, out), Silent())
    with pytest.raises(StoreError, match="finished run"):
        run(plan(building, out, resume=True), Silent())
    assert everything(out) == before
    run(plan(building, out, overwrite=True), Silent())
    assert everything(out) == before


def test_a_run_goes_on_only_as_the_very_same_run(building, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(RuntimeError):
        run(plan(building, out), StopAt(20, RuntimeError()))
    with pytest.raises(StoreError, match=r"unfinished run.*--resume"):
        run(plan(building, out), Silent())
    with pytest.raises(StoreError, match="another config"):
        run(plan({"door": building["door"]}, out, resume=True), Silent())


def test_a_folder_with_something_else_is_left_alone(building, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("years of work")
    for overwrite in (False, True):
        with pytest.raises(StoreError, match="holds no run of perdure"):
            run(plan(building, out, overwrite=overwrite), Silent())
    assert [p.name for p in out.iterdir()] == ["thesis.txt"]
    with pytest.raises(StoreError, match="must be a folder"):
        run(plan(building, out / "thesis.txt"), Silent())
    with pytest.raises(StoreError, match="cannot write to"):
        run(plan(building, out / "thesis.txt" / "deeper"), Silent())


def test_nothing_is_written_before_all_sources_are_open(building, tmp_path):
    missing = {**building, "roof": {"source": str(tmp_path / "roof.mp4")}}
    with pytest.raises(SourceError, match=r"roof\.mp4"):
        run(plan(missing, tmp_path / "out"), Silent())
    assert not (tmp_path / "out").exists()


def test_a_source_that_breaks_ends_its_camera_only(building, tmp_path):
    hall = tmp_path / "hall.mkv"
    write_clip(hall, {"blue": (10, 50)}, frames=70)
    whole = hall.read_bytes()
    hall.write_bytes(whole[: len(whole) * 2 // 3])
    cameras = {"door": building["door"], "hall": {"source": str(hall)}}
    result = run(plan(cameras, tmp_path / "out"), Silent())
    door, broken = result.cameras
    assert (door.frames, door.broken) == (60, "")
    assert 0 < broken.frames < 70
    assert broken.broken
    assert len(people(tmp_path / "out")) >= 2


def test_every_other_frame_is_enough_and_counted_right(building, tmp_path):
    settings = parse({"cameras": building, "detection": {"every": 2, "motion": False}})
    result = run(Plan(settings, tmp_path / "out"), Silent())
    assert [(c.frames, c.looked_at) for c in result.cameras] == [(60, 30), (70, 35)]
    assert len(result.identities) == 3


def test_nobody_at_all(tmp_path, building):
    empty = {"yard": {"source": str(write_clip(tmp_path / "yard.mp4", {}))}}
    result = run(plan(empty, tmp_path / "out"), Silent())
    assert (result.identities, result.events) == ((), ())
    assert people(tmp_path / "out") == []
    assert (tmp_path / "out" / "events.jsonl").read_text() == ""
    assert (tmp_path / "out" / "tracks" / "yard.txt").read_text() == ""
    assert (tmp_path / "out" / "report.html").stat().st_size > 0


@pytest.mark.parametrize("policy", ["ema", "ring-centroid", "nearest", "micro-track"])
def test_the_policies_of_the_field_run_end_to_end(building, tmp_path, policy):
    settings = parse({"cameras": building, "gallery": {"policy": policy}})
    result = run(Plan(settings, tmp_path / "out"), Silent())
    assert len(result.identities) == 3


def test_a_policy_that_needs_a_calibration_says_so(building, tmp_path, monkeypatch):
    monkeypatch.setattr(assemble, "calibration_of", lambda name: None)
    for policy, told in [("default", "no calibration"), ("ema", "needs a gallery.threshold")]:
        with pytest.raises(PerdureError, match=told):
            run(Plan(parse({"cameras": building, "gallery": {"policy": policy}}), tmp_path / "out"), Silent())
    assert not (tmp_path / "out").exists()


def test_videos_of_cameras_and_a_mosaic(building, tmp_path):
    run(plan(building, tmp_path / "out", video=True), Silent())
    assert {path.name for path in (tmp_path / "out" / "video").iterdir()} == {"door.mp4", "hall.mp4", "mosaic.mp4"}


def test_stopping_while_videos_are_drawn_loses_nothing_else(building, tmp_path, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("perdure.nodes.draw.draw_videos", interrupted)
    run(plan(building, tmp_path / "out", video=True), Silent())
    assert len(people(tmp_path / "out")) == 3
    with pytest.raises(StoreError, match="finished run"):
        run(plan(building, tmp_path / "out"), Silent())


class Told:
    """A sink that remembers."""

    def __init__(self):
        self.events = []

    def send(self, event):
        self.events.append(event)


def test_sinks_are_told_each_visit_and_in_the_end_its_last_revision(building, tmp_path):
    told = Told()
    result = run(plan(building, tmp_path / "out"), Silent(), [told])
    last = {event.id: event for event in sorted(told.events, key=lambda e: e.revision)}
    assert {id: event for id, event in last.items() if not event.superseded_by} == {e.id: e for e in result.events}
    first = next(event for event in told.events)
    assert first.end is None
    assert first.start < 1
