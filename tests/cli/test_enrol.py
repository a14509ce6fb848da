"""``perdure enrol`` as a user would type it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from perdure import assemble
from perdure.cli import app
from perdure.interop.people_file import read_people
from perdure.nodes import people
from tests.nodes.clips import COLOURS, ColourDetector, ColourEmbedder
from tests.nodes.test_enrolment import CALIBRATION, cut_out, scene


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A site without cameras, models that see colours, and some pictures."""
    monkeypatch.setattr(assemble, "models", lambda config: (ColourDetector(), ColourEmbedder()))
    monkeypatch.setattr(assemble, "calibration_of", lambda name: CALIBRATION)
    monkeypatch.setattr("perdure.detect.open.open_detector", lambda *_: ColourDetector())
    monkeypatch.setattr("perdure.embed.open.open_embedder", lambda *_: ColourEmbedder())
    (tmp_path / "site").mkdir()
    ann = tmp_path / "ann"
    ann.mkdir()
    (ann / "1.png").write_bytes(cut_out(COLOURS["red"]))
    (ann / "2.png").write_bytes(scene(COLOURS["red"]))
    (tmp_path / "two.png").write_bytes(scene(COLOURS["red"], COLOURS["green"]))
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


def perdure(*words):
    """Exit code and everything that was said."""
    ran = CliRunner().invoke(app, ["enrol", *map(str, words)])
    said = ran.output + (str(ran.exception) if ran.exception and not isinstance(ran.exception, SystemExit) else "")
    return ran.exit_code, said


def test_a_folder_of_pictures_is_a_person_at_a_site_until_taken_out(folder):
    site = "--data", folder / "site"
    assert perdure("--list", *site)[1].startswith("nobody is enrolled yet")
    code, said = perdure("Ann", folder / "ann", *site, "--watch")
    assert (code, said) == (0, "Ann is enrolled as P1 with 2 of 2 pictures\nAnn is on the watch list\n")
    code, said = perdure("--list", *site)
    assert code == 0
    assert [word for word in ("Ann", "P1", "2", "yes", "never") if word not in said] == []
    assert perdure("--remove", "Ann", *site) == (0, "Ann is enrolled no longer\n")
    assert "no identity Ann" in perdure("--remove", "Ann", *site)[1]


def test_several_people_are_asked_about_and_a_box_answers(folder):
    site = "--data", folder / "site"
    code, said = perdure("Ann", folder / "two.png", folder / "notes.txt", *site)
    assert code == 2
    assert "2 people are on it: say which one with a box" in said
    assert "notes.txt: this is no JPEG" in said
    assert "was not enrolled: none of 2 pictures" in said
    boxes = [line.split()[-1] for line in said.splitlines() if "--box" in line]
    assert len(boxes) == 2
    assert perdure("Ann", folder / "two.png", "--box", boxes[0], *site)[0] == 0


def test_some_broken_pictures_do_not_stop_the_others(folder):
    (folder / "ann" / "3.jpg").write_bytes(b"\xff\xd8broken")
    code, said = perdure("Ann", folder / "ann" / "*", "--data", folder / "site")
    assert code == 2
    assert "3.jpg: this is no JPEG" in said
    assert "Ann is enrolled as P1 with 2 of 3 pictures" in said


def test_a_file_of_people_for_runs(folder):
    file = folder / "people.npz"
    assert perdure("Ann", folder / "ann", "--file", file)[0] == 0
    assert perdure("Bob", folder / "two.png", "--box", "60,20,90,100", "--file", file)[0] == 0
    assert perdure("Ann", folder / "ann" / "1.png", "--file", file)[0] == 0
    named = read_people(file)
    assert {name: len(e) for name, e in named.people.items()} == {"Ann": 3, "Bob": 1}
    assert perdure("--import", file, "--data", folder / "site") == (0, "enrolled Ann\nenrolled Bob\n")
    again = folder / "again.npz"
    assert perdure("--export", again, "--data", folder / "site") == (0, f"2 people are in {again}\n")
    assert set(read_people(again).people) == {"Ann", "Bob"}
    np.testing.assert_allclose(
        np.sort(read_people(again).people["Ann"].vectors, axis=0),
        np.sort(named.people["Ann"].vectors, axis=0),
        atol=1e-6,
    )
    assert perdure("--remove", "Ann", "--file", file)[0] == 0
    assert "Ann" not in perdure("--list", "--file", file)[1]
    assert "nobody called Ann" in perdure("--remove", "Ann", "--file", file)[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "give a NAME with pictures, or one of --list"),
        (("Ann",), "give at least one picture"),
        (("Ann", "nowhere/*.jpg"), "there is no file, folder or pattern nowhere/*.jpg"),
        (("Ann", "--list"), "give a NAME with pictures, or one of --list"),
        (("Ann", "{two}", "--box", "1,2,3"), "expected X1,Y1,X2,Y2"),
        (("Ann", "{two}", "--box", "9,9,3,3"), "left of X2"),
        (("--list", "--server", "ftp://x", "--key", "k"), "expected http(s)://HOST"),
        (("--list", "--server", "http://x"), "needs a --key"),
        (("--list", "--server", "http://x", "--file", "y", "--key", "k"), "not both"),
        (("--list", "--data", "nowhere"), "there is no site in nowhere"),
    ],
)
def test_mistakes_are_told_in_a_sentence(folder, words, said):
    given = [word.format(two=folder / "two.png") for word in words]
    data = [] if {"--data", "--server"} & set(given) else ["--data", folder / "site"]
    code, told = perdure(*given, *data)
    assert code != 0
    assert said in told


def test_over_the_api_it_is_a_form(folder, monkeypatch):
    asked = []

    def answer(self, method, path, body=None, kind=""):
        asked.append((method, path, body, kind))
        picture = {"file": "1.png", "outcome": "used", "said": "", "boxes": []}
        return {"person": {"id": "P9"}, "pictures": [picture, picture]}

    monkeypatch.setattr(people.AtServer, "_ask", answer)
    code, said = perdure("Ann", folder / "ann", "--server", "http://localhost:1", "--key", "k")
    assert (code, said) == (0, "Ann is enrolled as P9 with 2 of 2 pictures\n")
    [(method, path, body, kind)] = asked
    assert (method, path) == ("POST", "/people")
    mark = kind.partition("boundary=")[2].encode()
    assert body.count(b"--" + mark) == 5
    assert b"Ann" in body
    assert cut_out(COLOURS["red"]) in body


def test_a_server_that_is_not_there_is_told(folder):
    code, said = perdure("--list", "--server", "http://127.0.0.1:1", "--key", "k")
    assert code != 0
    assert "does not answer" in said


def test_pictures_of_the_test_are_pictures():
    assert cv2.imdecode(np.frombuffer(cut_out(COLOURS["red"]), np.uint8), cv2.IMREAD_COLOR).shape == (80, 40, 3)
