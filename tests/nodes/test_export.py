"""Training sets and annotations out of runs, with what reviewers said."""

from __future__ import annotations

import json
from xml.etree import ElementTree as Xml

import numpy as np
import pytest

from perdure.errors import InputError, StoreError
from perdure.evaluate.datasets import read as read_set
from perdure.evaluate.motfiles import info_of, read_truth
from perdure.nodes.answer_log import AnswerLog
from perdure.nodes.export import corrected, prepare, to_cvat, to_market1501, to_mot
from perdure.nodes.review import Given
from perdure.nodes.review_open import found, names, open_desk
from perdure.train.embedder.data import read_crops

from .recording import write_run


@pytest.fixture
def run(tmp_path):
    """Three people twice each; a reviewer says that the third is the first."""
    folder = write_run(tmp_path / "monday")
    with AnswerLog(folder) as log:
        desk = open_desk(folder, "monday", log)
        assert len(desk.gallery.partition.members) == 3
        desk.say(1.0, "ann", [Given("door/5", "door/1", "same")])
    return folder


def ready(path):
    prepare(path, overwrite=False)
    return path


def test_the_layout_of_market_is_read_back_by_evaluation_and_training(run, tmp_path):
    out = ready(tmp_path / "set")
    counts = to_market1501([corrected(run, "monday")], out)
    assert counts == {"bounding_box_train": 18}
    data = read_set(out / "bounding_box_train")
    assert data.layout == "market"
    assert sorted(np.unique(data.pictures.person, return_counts=True)[1].tolist()) == [6, 12]
    assert set(data.pictures.camera.tolist()) == {1, 2}
    crops = read_crops("market1501", out / "bounding_box_train", (64, 32))
    assert len(crops) == 18
    labels = json.loads((out / "labels.json").read_text())
    assert labels["cameras"] == {"1": "door", "2": "hall"}
    assert labels["held_out"]["people"] == []


def test_people_are_held_out_by_identity(tmp_path):
    run = write_run(tmp_path / "monday", people=(0, 0, 1, 1, 2, 2, 3, 3))
    out = ready(tmp_path / "set")
    counts = to_market1501([corrected(run, "monday")], out, hold_out=0.5, seed=3)
    assert sum(counts.values()) == 24
    held = set(json.loads((out / "labels.json").read_text())["held_out"]["people"])
    trained = {int(p.name[:4]) for p in (out / "bounding_box_train").iterdir()}
    tested = {int(p.name[:4]) for name in ("query", "bounding_box_test") for p in (out / name).iterdir()}
    assert len(held) == 2
    assert (trained & held, tested) == (set(), held)
    assert read_set(out).query.size == 4  # one for each person and camera
    with pytest.raises(InputError, match="cannot be divided"):
        to_market1501([corrected(run, "monday")], out, hold_out=0.01)


def test_mot_text_has_the_corrected_ids_in_every_camera(run, tmp_path):
    out = ready(tmp_path / "mot")
    counts = to_mot([corrected(run, "monday")], out)
    assert set(counts) == {"door/gt/gt.txt", "hall/gt/gt.txt"}
    ids = {c: set(read_truth(out / c / "gt" / "gt.txt").tracks.ids.tolist()) for c in ("door", "hall")}
    assert ids == {"door": {1, 2}, "hall": {1, 2}}
    assert info_of(out / "door" / "gt" / "gt.txt").size == (160, 120)
    people = json.loads((out / "people.json").read_text())["people"]
    assert [len(person["sightings"]) for person in people] == [4, 2]
    assert len((out / "events.jsonl").read_text().splitlines()) >= 2


def test_cvat_tracks_hold_every_box_and_say_when_somebody_is_gone(run, tmp_path):
    out = ready(tmp_path / "cvat")
    counts = to_cvat([corrected(run, "monday")], out)
    root = Xml.parse(out / "door.xml").getroot()
    assert root.findtext("version") == "1.1"
    assert root.findtext("meta/task/original_size/width") == "160"
    size = int(root.findtext("meta/task/size"))
    tracks = root.findall("track")
    assert [t.get("label") for t in tracks] == ["person", "person"]
    boxes = [box for track in tracks for box in track]
    assert sum(box.get("outside") == "0" for box in boxes) == counts["door.xml"]
    for track in tracks:
        frames = [int(box.get("frame")) for box in track]
        assert frames == sorted(set(frames))
        assert max(frames) < size
        for box, after in zip(list(track), list(track)[1:], strict=False):
            gap = int(after.get("frame")) - int(box.get("frame"))
            assert gap == 1 or box.get("outside") == "1"  # nothing is made up in between
        assert {a.text for a in track.findall("box/attribute[@name='identity']")} in ({"P1"}, {"P2"})


def test_several_recordings_go_into_a_folder_each_and_share_nobody(run, tmp_path):
    other = write_run(tmp_path / "tuesday", people=(0, 0))
    both = [corrected(run, "monday"), corrected(other, "tuesday")]
    to_mot(both, ready(tmp_path / "mot"))
    assert (tmp_path / "mot" / "tuesday" / "door" / "gt" / "gt.txt").is_file()
    counts = to_market1501(both, ready(tmp_path / "set"))
    assert counts == {"bounding_box_train": 24}
    labels = json.loads((tmp_path / "set" / "labels.json").read_text())
    assert [p["recording"] for p in labels["people"].values()] == ["monday", "monday", "tuesday"]
    assert labels["sequences"] == {"1": "monday", "2": "tuesday"}


def test_nothing_is_overwritten_unasked(run, tmp_path):
    out = ready(tmp_path / "set")
    to_market1501([corrected(run, "monday")], out)
    (out / "mine.txt").write_text("x")
    with pytest.raises(StoreError, match="not empty"):
        prepare(out, overwrite=False)
    prepare(out, overwrite=True)
    assert [p.name for p in out.iterdir()] == ["mine.txt"]
    with pytest.raises(StoreError, match=r"no labels\.json"):
        prepare(out, overwrite=True)
    with pytest.raises(StoreError, match="is a file"):
        prepare(out / "mine.txt", overwrite=True)


def test_exporting_leaves_the_run_and_its_answers_as_they_are(run):
    before = {p: p.read_bytes() for p in run.iterdir() if p.name in ("review.jsonl", "perdure.db")}
    assert corrected(run, "monday").answers == 1
    assert before[run / "review.jsonl"] == (run / "review.jsonl").read_bytes()


def test_what_is_no_run_is_said(tmp_path):
    with pytest.raises(InputError, match="not there"):
        found([tmp_path / "nowhere"])
    with pytest.raises(InputError, match="holds no run"):
        found([tmp_path])
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="a file"):
        found([tmp_path / "file"])
    empty = write_run(tmp_path / "runs" / "a", people=(), state="running")
    write_run(tmp_path / "runs" / "b")
    assert found([tmp_path / "runs", empty]) == [empty, tmp_path / "runs" / "b"]
    assert names(found([tmp_path / "runs"])) == ["a", "b"]
    with pytest.raises(InputError, match="nobody in it: the run has not ended"):
        corrected(empty, "a")
