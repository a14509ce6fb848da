"""perdure report of a site, a run and a service; perdure search gives journeys in their folders."""

from __future__ import annotations

import csv
import io
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from perdure.analytics.figures import Report
from perdure.cli import app
from perdure.embed.open import open_embedder
from perdure.errors import InputError, StoreError
from perdure.store.run_store import RunStore
from perdure.types import Event, Exemplars, Sighting, Tracklet
from tests.analytics.conftest import DAY_S, MONDAY, fill, walk


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    fill(folder / "site.db")
    return folder


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A run's database: a red person before two cameras, a blue one before one."""
    folder = tmp_path_factory.mktemp("recorded")
    told, home, events = [], {}, []
    for person, colour, stays in (
        ("P1", (0, 0, 200), (("door", 0.0), ("hall", 20.0))),
        ("P2", (200, 0, 0), (("door", 60.0),)),
    ):
        seen = []
        for camera, start in stays:
            vectors, quality = open_embedder("baseline", "cpu").embed([crop_of(colour)])
            body = Exemplars("baseline", vectors, quality, np.array([start]), ("",))
            path = walk(start, start + 10)
            told.append(Tracklet(f"{camera}/{len(told)}", 1, camera, start, start + 10, path, (body,), ended="left"))
            home[told[-1].id] = person
            seen.append(Sighting(told[-1].id, camera, start, start + 10))
        events.append(Event(f"visit/{seen[0].tracklet}", "visit", person, seen[0].start, seen[-1].end, tuple(seen)))
    with RunStore(folder / "perdure.db") as store:
        store.write_result(told, home, [], events)
    return folder


def crop_of(colour):
    noisy = np.full((120, 50, 3), colour) + np.random.default_rng(0).normal(0, 8, (120, 50, 3))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def test_a_week_of_a_site_as_every_kind_of_file(site, tmp_path):
    for form, begins in (("html", b"<!doctype html>"), ("pdf", b"%PDF"), ("csv", b"figure,value")):
        done = run("report", site, "--out", tmp_path / f"week.{form}", "--time-zone", "UTC")
        assert done.exit_code == 0, done.output
        assert (tmp_path / f"week.{form}").read_bytes().startswith(begins)
    assert "Tue 02 Jun 2026" in done.output


def test_a_day_in_numbers(site, tmp_path):
    out = tmp_path / "day.csv"
    run(
        "report", site, "--from", "2026-06-01", "--to", "2026-06-02", "--time-zone", "UTC", "--no-compare", "--out", out
    )
    rows = {row[0]: row[1] for row in csv.reader(io.StringIO(out.read_text())) if len(row) == 4}
    assert (rows["different people"], rows["visits"]) == ("2.0", "3.0")


def test_every_plot_as_files(site, tmp_path):
    run("report", site, "--out", tmp_path / "r.html", "--plots", tmp_path / "plots")
    names = {path.name for path in (tmp_path / "plots").iterdir()}
    assert {"people.csv", "people.svg", "people.png", "flows.png", "heat-door.svg", "week.csv"} <= names
    assert cv2.imread(str(tmp_path / "plots" / "people.png")).std() > 5


def test_a_recorded_run_is_counted_from_its_start(recorded, tmp_path):
    done = run("report", recorded, "--out", tmp_path / "run.html")
    assert "0:00.0 to 1:10.0 of the recording" in done.output
    assert "door" in (tmp_path / "run.html").read_text()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--from", "yesterday"], "is no time"),
        (["--from", "2026-06-02", "--to", "2026-06-01"], "the time is empty"),
        (["--out", "report.docx"], "ends with none of"),
        (["--camera", "dor"], r"nobody by a camera 'dor'; its cameras: door, hall"),
        (["--time-zone", "Mars/Base"], "no time zone"),
    ],
)
def test_what_cannot_be_reported_is_said(site, words, why):
    with pytest.raises(InputError, match=why):
        run("report", site, *words)


def test_a_folder_of_something_else_is_said(tmp_path, site):
    with pytest.raises(InputError, match="holds neither"):
        run("report", tmp_path)
    with pytest.raises(StoreError, match="cannot write"):
        run("report", site, "--out", "/proc/nowhere/report.html")


def test_nobody_in_a_time_is_said_and_still_reported(site, tmp_path):
    done = run("report", site, "--from", "2020-01-01", "--to", "2020-01-02", "--out", tmp_path / "r.pdf")
    assert done.exit_code == 0
    assert (tmp_path / "r.pdf").exists()
    assert "Nobody was seen in this time" in done.output


class Figures(BaseHTTPRequestHandler):
    """A service that knows one key and one report."""

    report: Report
    asked: str = ""

    def do_GET(self):
        type(self).asked = self.path
        good = self.headers["Authorization"] == "Bearer right"
        content = self.report.model_dump_json() if good else json.dumps({"detail": "this token is unknown"})
        content = "<html>" if "other" in self.path else content
        self.send_response(200 if good else 401)
        self.end_headers()
        self.wfile.write(content.encode())

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server(site):
    from perdure.analytics.calendar import zone
    from perdure.analytics.make import Question, report
    from perdure.analytics.read import Rules, Source

    with Source.of_folder(site) as source:
        question = Question.of(MONDAY, MONDAY + DAY_S, zone("UTC"), "UTC")
        Figures.report = report(source, Rules(120.0, 0.5), question, "shop")
    served = HTTPServer(("127.0.0.1", 0), Figures)
    threading.Thread(target=served.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{served.server_port}"
    served.shutdown()
    served.server_close()


def test_a_service_is_asked_with_a_key(server, tmp_path, monkeypatch):
    monkeypatch.setenv("PERDURE_KEY", "right")
    done = run(
        "report", server, "--out", tmp_path / "s.html", "--from", "2026-06-01", "--by", "hour", "--camera", "door"
    )
    assert done.exit_code == 0, done.output
    assert "bucket=hour" in Figures.asked
    assert re.search(r"since=\d+\.\d", Figures.asked)
    assert "camera=door" in Figures.asked
    assert "<h1>shop</h1>" in (tmp_path / "s.html").read_text()


def test_a_service_that_does_not_answer_is_said(server, tmp_path):
    with pytest.raises(InputError, match="wants a key"):
        run("report", server)
    with pytest.raises(InputError, match="this token is unknown"):
        run("report", server, "--key", "wrong")
    with pytest.raises(InputError, match="does not answer"):
        run("report", "http://127.0.0.1:9", "--key", "right")
    with pytest.raises(InputError, match="not with figures"):
        run("report", f"{server}/other", "--key", "right")


def test_a_picture_is_searched_in_a_run(recorded, tmp_path):
    picture = tmp_path / "red.png"
    cv2.imwrite(str(picture), crop_of((0, 0, 200)))
    done = run("search", picture, "--in", recorded, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)
    assert found["searched"] == 3
    assert found["people"][0]["person"] == "P1"
    assert [stay["camera"] for stay in found["people"][0]["visits"][0]["stays"]] == ["door", "hall"]
    table = run("search", picture, "--in", recorded, "--html", tmp_path / "found.html").output
    assert "door 0:00.0 → hall 0:20.0" in " ".join(table.split())
    assert (tmp_path / "found.html").exists()


def test_a_search_in_a_run_within_a_time(recorded, tmp_path):
    picture = tmp_path / "red.png"
    cv2.imwrite(str(picture), crop_of((0, 0, 200)))
    late = json.loads(run("search", picture, "--in", recorded, "--from", "50", "--json").output)
    assert [one["person"] for one in late["people"]] == ["P2"]
    assert json.loads(run("search", picture, "--in", recorded, "--from", "500", "--json").output)["people"] == []
    with pytest.raises(InputError, match="the time is empty"):
        run("search", picture, "--in", recorded, "--from", "50", "--to", "50")
    with pytest.raises(InputError, match="two models cannot be compared"):
        run("search", picture, "--in", recorded, "--embedder", "perdure-s")
    with pytest.raises(InputError, match="are for the folder of a run"):
        run("search", picture, "--in", tmp_path, "--camera", "door")
