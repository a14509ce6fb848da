from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from perdure.report import page as pages
from perdure.report.colours import colour_of, hex_of
from perdure.report.page import page
from perdure.report.result import CameraRun
from perdure.types import (
    Constrained,
    Enrolled,
    Forgotten,
    Identity,
    Matched,
    Merged,
    Moved,
    Renamed,
    Sighting,
    Split,
    Undone,
)
from tests.report.results import building, evidence, run, tracklet

VOID = {"meta", "img", "br", "link", "input", "hr"}
SVG_CLOSED = {"rect", "line"}


class Reader(HTMLParser):
    """Follows every tag, and keeps what a test wants to know."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID | SVG_CLOSED:
            self.wrong.append(f"<{tag}/>")

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> at {self.getpos()}")

    def handle_data(self, data):
        if not (self.open and self.open[-1] == "style"):
            self.text.append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


def read(html: str) -> Reader:
    """The page, which must be well formed, whole in itself, and accessible."""
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.wrong == []
    assert reader.open == []
    ids = [attrs["id"] for _, attrs in reader.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    for tag, attrs in reader.tags:
        if tag == "img":
            assert attrs["alt"]
            assert attrs["src"].startswith("data:image/jpeg;base64,")
        assert not any(key.startswith("on") for key in attrs)
        if attrs.get("href") is not None:
            assert attrs["href"].startswith("#")
            assert attrs["href"][1:] in ids
    assert not reader.all("script")
    assert not reader.all("link")
    assert "url(" not in html
    assert reader.all("html") == [{"lang": "en"}]
    return reader


def words(html: str) -> str:
    return re.sub(r"\s+", " ", " ".join(read(html).text))


def test_every_person_visit_and_decision_is_told(tmp_path):
    result = building(tmp_path)
    html = page(result, tmp_path)
    text = words(html)
    assert "3 people, 3 visits" in text
    assert "2 cameras: door and hall" in text
    for identity in result.identities:
        assert f"{identity.id} on camera hall" in html
        assert hex_of(colour_of(identity.id)) in html
    for change in result.changes:
        if isinstance(change, Enrolled):
            assert f"{change.tracklet} is a new person, {change.identity}" in text
        if isinstance(change, Matched):
            assert f"{change.tracklet} is {change.identity} again" in text
    (visits,) = re.findall(r'<section id="visits".*?</section>', html, re.S)
    assert [visits.count(f">{e.identity}<") for e in result.events] == [1, 1, 1]
    assert "0:03.0" in visits
    assert "0:07.5" in visits
    assert "door → hall" in visits


def test_evidence_is_told_in_full(tmp_path):
    shown = evidence("P1", 0.2, "P3: seen beside door/7")
    result = run(
        [Identity("P1", (Sighting("door/1", "door", 0, 2),)), Identity("P2", (Sighting("door/2", "door", 4, 6),))],
        [tracklet("door/1", "door", 0, 2), tracklet("door/2", "door", 4, 6)],
        changes=[Enrolled(2.0, "P1", "door/1", evidence()), Enrolled(6.0, "P2", "door/2", shown)],
    )
    text = words(page(result, tmp_path))
    assert "there was nobody to compare with" in text
    assert "P1 is nearest, but not near enough" in text
    assert "20 % that it is P1" in text
    assert "similarity 0.61" in text
    assert "second P99, 0.17" in text
    assert "appearance -2.6" in text
    assert "prior +1.2" in text
    assert "P3: seen beside door/7" in text


def test_very_many_ruled_out_are_counted(tmp_path):
    crowd = evidence(None, 0.0, *(f"P{n}: seen beside door/{n}" for n in range(100)))
    text = words(page(run([], [], changes=[Enrolled(2.0, "P200", "door/999", crowd)]), tmp_path))
    assert "P11: seen beside door/11 88 more" in text


def test_every_kind_of_change_has_its_sentence(tmp_path):
    told = {
        Matched(1, "P1", "door/2", replace(evidence(), probability=1.0, best="P1")): "goes on with the same stay of P1",
        Enrolled(1, "P4", "door/9", evidence(None, 0.0, "P1: seen beside")): "everybody known is ruled out",
        Merged(2, "P3", "P1", evidence("P1", 0.9)): "P3 and P1 are one person, P1 from now on",
        Moved(3, "door/4", "P1", "P2", "more like these"): "door/4 is not P1 but P2 (more like these)",
        Split(4, "P1", "P5", ("door/5", "door/6"), "unlike"): "2 tracklets of P1 are somebody else: P5 (unlike)",
        Split(4, "P1", "P6", ("door/7",), "unlike"): "door/7 of P1 is somebody else: P6 (unlike)",
        Renamed(5, "P1", "Anna"): "P1 is called Anna",
        Constrained(6, "door/1", "door/2", True): "door/1 and door/2 are one person: the operator said so",
        Constrained(6, "door/1", "door/3", False): "door/1 and door/3 are two people: the operator said so",
        Forgotten(7, "P2", "on request"): "P2 was forgotten (on request)",
        Undone(8, 3): "Change 3 was taken back",
    }
    result = run([], [], changes=list(told))
    text = words(page(result, tmp_path))
    for sentence in told.values():
        assert sentence in text


def test_a_decision_that_was_corrected_later_says_so(tmp_path):
    person = Identity("P1", (Sighting("door/1", "door", 0, 2), Sighting("door/2", "door", 4, 6)))
    result = run(
        [person],
        [tracklet("door/1", "door", 0, 2), tracklet("door/2", "door", 4, 6)],
        changes=[
            Enrolled(2, "P1", "door/1", evidence()),
            Enrolled(6, "P2", "door/2", evidence("P1", 0.4)),
            Merged(9, "P2", "P1", evidence("P1", 0.8)),
        ],
    )
    text = words(page(result, tmp_path))
    assert text.count("in the end P1") == 1


def test_hostile_names_are_only_text(tmp_path):
    evil = '"><script>alert(1)</script><img src=http://evil.example/x onerror=x>'
    cameras = (CameraRun(evil, evil, 64, 64, 10, 10, 6.0, broken=evil),)
    person = Identity("P1", (Sighting(evil, evil, 0, 2, "../../etc/passwd", 0.5),), evil)
    changes = [
        Enrolled(2, "P1", evil, evidence(evil, 0.3, evil)),
        Renamed(3, "P1", evil),
        Split(3, "P1", evil, (evil,), evil),
    ]
    html = page(
        run([person], [tracklet(evil, evil, 0, 2)], cameras, changes, notes=(evil,), settings=evil, detector=evil),
        tmp_path,
    )
    reader = read(html)
    assert "<script" not in html.replace("&lt;script", "")
    assert not reader.all("img")
    assert html.count("&lt;script&gt;") > 8


def test_nothing_is_fetched(tmp_path):
    html = page(building(tmp_path), tmp_path)
    assert "http" not in re.sub(r'http-equiv="Content-Security-Policy"', "", html)
    assert "default-src 'none'" in html


def test_nobody(tmp_path):
    html = page(run([], []), tmp_path)
    text = words(html)
    assert "Nobody was seen" in text
    assert "In 10.0 s of footage no camera saw a person" in text
    assert "some-detector" in text
    assert [attrs["href"] for attrs in read(html).all("a")] == ["#people", "#run"]


def test_no_footage_at_all(tmp_path):
    broken = CameraRun("door", "door.mp4", 0, 0, 0, 0, 0.0, broken="it is a picture of a cat")
    nothing = run([], [], (broken,))
    result = replace(nothing, cost=replace(nothing.cost, wall_s=0.0, stages_s={}, embedded=0))
    assert "it is a picture of a cat" in words(page(result, tmp_path))


def test_what_went_wrong_comes_first(tmp_path):
    broken = CameraRun("door", "door.mp4", 640, 360, 77, 77, 3.1, broken="the disk was pulled out")
    result = run([], [], (broken,), interrupted=True, notes=("weak model",))
    text = words(page(result, tmp_path))
    before = text[: text.index("People", text.index("This run"))]
    for told in ("Stopped early", "Camera door broke after 77 frames (3.1 s): the disk was pulled out", "weak model"):
        assert told in before


def test_costs_and_settings(tmp_path):
    text = words(page(building(tmp_path), tmp_path))
    for told in ("detect 12.00 6.00 60 %", "420 crops embedded", "512 MB of memory", "64 MB a camera", "9.8.7"):
        assert told in text
    assert "source: door.mp4" in text
    assert "door 3 3 640 × 360 19.0 s 250 250 whole door.mp4" in text


def test_pictures_are_few_small_and_different(tmp_path):
    reader = read(page(building(tmp_path, people=1), tmp_path))
    large = [attrs for attrs in reader.all("img") if "on camera" in attrs["alt"]]
    assert len(large) == 8
    assert len({attrs["src"] for attrs in large}) == 8
    assert {(attrs["width"], attrs["height"]) for attrs in large} == {("64", "160")}


def test_a_picture_that_is_gone_leaves_a_gap(tmp_path):
    result = building(tmp_path, people=1)
    for path in tmp_path.rglob("*.jpg"):
        path.write_bytes(b"not a picture")
    text = words(page(result, tmp_path))
    assert "no picture" in text


def test_three_hundred_people_fit(tmp_path):
    result = building(tmp_path, people=300, pictures=2)
    html = page(result, tmp_path)
    assert len(html) < 8_000_000
    text = words(html)
    assert "300 people, 300 visits" in text
    assert all(f">P{n}<" in html for n in range(1, 301))
    assert "Of 600 decisions the 500 most worth a look are shown" in text


def test_very_large_runs_are_cut_and_say_so(tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "MAX_PEOPLE", 5)
    monkeypatch.setattr(pages, "MAX_VISITS", 4)
    monkeypatch.setattr(pages, "MAX_DECISIONS", 3)
    result = building(tmp_path, people=9)
    doubtful = replace(result.changes[8], at=777.0)
    if isinstance(doubtful, Enrolled):
        doubtful = replace(doubtful, evidence=evidence("P2", 0.49))
    merged = Merged(800.0, "P8", "P9", evidence("P9", 0.99))
    changes = (*result.changes[:8], doubtful, *result.changes[9:], merged)
    html = page(replace(result, changes=changes), tmp_path)
    text = words(html)
    assert "The first 5 of 9 people are shown" in text
    assert "The first 4 of 9 visits are shown" in text
    assert "Of 19 decisions the 3 most worth a look" in text
    assert "49 % that it is P2" in text
    assert "P8 and P9 are one person" in text


def test_a_long_list_of_decisions_is_folded(tmp_path):
    html = page(building(tmp_path, people=20, pictures=1), tmp_path)
    assert "<summary>28 more</summary>" in html


@pytest.mark.parametrize("start", [0.0, 1.8e9])
def test_the_time_line_has_a_bar_per_sighting(tmp_path, start):
    sightings = (
        Sighting("door/1", "door", start + 1, start + 3),
        Sighting("hall/1", "hall", start + 2, start + 5),
        Sighting("door/2", "door", start + 8, start + 10),
    )
    cameras = tuple(CameraRun(name, name, 64, 64, 100, 100, 10.0) for name in ("door", "hall"))
    parts = [tracklet(s.tracklet, s.camera, s.start, s.end) for s in sightings]
    reader = read(page(run([Identity("P1", sightings)], parts, cameras), tmp_path))
    bars = [attrs for attrs in reader.all("rect") if "x" in attrs]
    assert [attrs["class"] for attrs in bars] == ["cam0", "cam1", "cam0"]
    assert bars[0]["y"] != bars[1]["y"]
    if start == 0.0:
        assert [attrs["x"] for attrs in bars] == ["10.0%", "20.0%", "80.0%"]
        assert [attrs["width"] for attrs in bars] == ["20.0%", "30.0%", "20.0%"]
