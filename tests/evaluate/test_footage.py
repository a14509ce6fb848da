from __future__ import annotations

import json
import math

import pytest
from tests.gallery.people import CALIBRATION, faces, tracklet
from typer.testing import CliRunner

from perdure.cli.eval import app
from perdure.config import GalleryConfig
from perdure.errors import InputError
from perdure.evaluate.ablate import ablate, footage_settings
from perdure.evaluate.footage import NOBODY, of_run, shown, worst_of_run
from perdure.evaluate.tracks import Tracks
from perdure.store.run_store import RunStore
from perdure.types import Enrolled, Evidence, Matched, Term

A, B = faces(2)
HERE, THERE = (0.0, 0.0, 10.0, 20.0), (50.0, 0.0, 60.0, 20.0)


def truth_rows(person, box, first, last):
    """Ground truth lines of one person who stands still."""
    x1, y1, x2, y2 = box
    return [f"{frame},{person},{x1},{y1},{x2 - x1},{y2 - y1},1,1,1\n" for frame in range(first, last + 1)]


def run_folder(tmp_path, tracklets, log=()):
    """A run with these tracklets on camera x and this log, as far as it is needed here."""
    folder = tmp_path / "run"
    (folder / "tracks").mkdir(parents=True)
    (folder / "tracks" / "x.txt").write_text("1,1,0,0,10,20,1,-1,-1,-1\n")
    with RunStore(folder / "perdure.db") as store:
        store.write_result(tracklets, {}, log, [])
    return folder


def truth_folder(tmp_path, rows):
    (tmp_path / "truth" / "x" / "gt").mkdir(parents=True)
    (tmp_path / "truth" / "x" / "gt" / "gt.txt").write_text("".join(rows))
    return tmp_path / "truth"


def test_a_run_becomes_a_stream_of_those_who_are_in_the_truth(tmp_path):
    told = [
        tracklet("x/1", A, 0, 1, HERE),
        tracklet("x/2", B, 0, 2, THERE),
        tracklet("x/3", A, 3, 4, HERE),
        tracklet("x/4", B, 0, 1, (100, 0, 110, 20)),  # nobody is there
    ]
    rows = [*truth_rows(7, HERE, 1, 11), *truth_rows(8, THERE, 1, 21), *truth_rows(7, HERE, 31, 41)]
    stream = of_run(run_folder(tmp_path, told), truth_folder(tmp_path, rows))
    assert [t.id for t in stream.told] == ["x/1", "x/2", "x/3"]
    assert stream.person.tolist() == [7, 8, 7]
    assert stream.crops.tolist() == [11, 21, 11]
    assert list(stream.at) == [1.0, 2.0, 4.0]
    (everything,) = footage_settings(stream, CALIBRATION, GalleryConfig(), 1)
    found = ablate("Footage", [everything])
    assert found.idf1[0, 1] == pytest.approx(1.0)


def test_the_person_is_the_one_on_most_boxes_if_those_are_half():
    truth = Tracks.of([1, 2, 3, 4, 5, 6], [1, 1, 1, 2, 2, 9], [HERE] * 5 + [THERE], "truth")
    assert shown(tracklet("x/1", A, 0, 0.5, HERE), truth) == 1
    assert shown(tracklet("x/1", A, 0, 2.0, HERE), truth) == NOBODY
    assert shown(tracklet("x/1", A, 7, 8, HERE), truth) == NOBODY


def test_what_is_no_run_or_no_truth_of_it_is_said(tmp_path):
    with pytest.raises(InputError, match="holds no run"):
        of_run(tmp_path, tmp_path)
    folder = run_folder(tmp_path, [tracklet("x/1", A, 0, 1, HERE)])
    with pytest.raises(InputError, match="nobody of the truth"):
        of_run(folder, truth_folder(tmp_path, truth_rows(1, THERE, 1, 11)))


def test_the_worst_mistakes_of_a_run_come_from_its_own_log(tmp_path):
    told = [tracklet("x/1", A, 0, 1, HERE), tracklet("x/2", B, 0, 2, THERE), tracklet("x/3", A, 3, 4, HERE)]
    rows = [*truth_rows(7, HERE, 1, 11), *truth_rows(8, THERE, 1, 21), *truth_rows(7, HERE, 31, 41)]
    log = [
        Enrolled(1.0, "P1", "x/1", Evidence(math.nan)),
        Matched(2.0, "P1", "x/2", Evidence(0.9, "P1", 0.8, terms=(Term("appearance", 3.0),))),
        Enrolled(4.0, "P2", "x/3", Evidence(0.1, "P1", 0.2)),
    ]
    folder, truth = run_folder(tmp_path, told, log), truth_folder(tmp_path, rows)
    merge, fragment = worst_of_run(folder, truth)
    assert (merge.kind, merge.name, merge.parts, merge.wrong_crops) == ("merge", "P1", 2, 11)
    assert (fragment.kind, fragment.name, fragment.parts) == ("fragment", "7", 2)
    (wrong,) = [w for w in merge.shown if not w.in_place]
    assert wrong.said == ("new: P1",)
    page = tmp_path / "page.html"
    options = ["multicamera", "--truth", str(truth), "--result", str(folder), "--json", "--html", str(page)]
    found = CliRunner().invoke(app, options, catch_exceptions=False)
    assert [m["kind"] for m in json.loads(found.stdout)["worst_mistakes"]] == ["merge", "fragment"]
    assert "Identity P1 is 2 people" in page.read_text()


def test_a_run_that_tracked_nobody_has_no_mistakes(tmp_path):
    folder = run_folder(tmp_path, [tracklet("x/1", A, 0, 1, HERE)])
    assert worst_of_run(folder, truth_folder(tmp_path, truth_rows(1, THERE, 1, 11))) == []


def test_each_seed_leaves_out_another_fifth(tmp_path):
    told = [tracklet(f"x/{i}", A, i, i + 0.5, HERE) for i in range(10)]
    stream = of_run(run_folder(tmp_path, told), truth_folder(tmp_path, truth_rows(7, HERE, 1, 200)))
    draws = list(footage_settings(stream, CALIBRATION, GalleryConfig(), 3))
    assert [len(draw.stream) for draw in draws] == [8, 8, 8]
    assert len({tuple(t.id for t in draw.stream.told) for draw in draws}) == 3
