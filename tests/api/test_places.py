"""Zones and lines through the API: drawn, kept, and told of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from perdure.config import DrawnConfig, parse
from perdure.errors import ConfigError
from perdure.nodes import camera_book
from tests.nodes.clips import write_clip

QUEUE = {
    "polygon": [[0.1, 0.1], [0.5, 0.1], [0.5, 0.9], [0.1, 0.9]],
    "queue": True,
    "served_by": "till",
    "max_people": 0,
}
DRAWN = {"zones": {"queue": QUEUE}, "lines": {"till": {"start": [0.7, 0.1], "end": [0.7, 0.9]}}, "max_people": 5}


@pytest.fixture
def hall(service, tmp_path):
    """A camera of that name, and a client who may draw."""
    client = service.log_in()
    clip = write_clip(tmp_path / "hall.mp4", {})
    if "hall" not in service.context.site.cameras:
        added = client.post("/api/v1/cameras", json={"name": "hall", "source": str(clip)})
        assert added.status_code == 201, added.text
    yield client
    client.put("/api/v1/cameras/hall/places", json={})


def walk(service, number, start, face=5):
    """Somebody who stands in the queue for 6 s, and goes over the line."""
    x = np.concatenate([np.full(30, 0.3), np.linspace(0.3, 0.95, 10)])
    at = start + 0.2 * np.arange(len(x))
    path = np.column_stack(
        [at, np.arange(len(x)), 200 * x - 10, np.full(len(x), 10), 200 * x + 10, np.full(len(x), 50.0)]
    )
    whole = service.tracklet(number, "hall", face, start)
    return replace(whole, path=np.column_stack([path, np.ones(len(x))]), end=float(at[-1]), size=(200, 100))


def test_what_is_drawn_counts_at_once_and_is_kept(service, hall):
    answer = hall.put("/api/v1/cameras/hall/places", json=DRAWN)
    assert answer.status_code == 200, answer.text
    assert answer.json()["drawn"]["zones"]["queue"]["served_by"] == "till"
    site = service.context.site
    assert hall.get("/api/v1/cameras/hall/places").json() == answer.json()
    assert set(camera_book.read_drawn(site.folder)) == {"hall"}
    service.tell(walk(service, 70, site.now() - 5))
    kinds = {e["kind"]: e for e in hall.get("/api/v1/events", params={"camera": "hall"}).json()["items"]}
    assert set(kinds) == {"visit", "wait", "crossing", "occupancy"}
    assert (kinds["crossing"]["place"], kinds["crossing"]["direction"]) == ("hall/till", "out")
    assert (kinds["wait"]["place"], kinds["wait"]["identity"]) == ("hall/queue", kinds["visit"]["identity"])
    assert (kinds["occupancy"]["people"], kinds["occupancy"]["identity"]) == (1, "")
    only = hall.get("/api/v1/events", params={"kind": "crossing"}).json()["items"]
    assert [e["kind"] for e in only] == ["crossing"]
    assert hall.get("/api/v1/events", params={"kind": "nonsense"}).status_code == 422


def test_the_figures_of_today(service, hall):
    hall.put("/api/v1/cameras/hall/places", json=DRAWN)
    service.tell(walk(service, 71, service.context.site.now() - 5, face=6))
    found = {p["place"]: p for p in hall.get("/api/v1/zones").json()}
    assert set(found) == {"hall/queue", "hall/till", "hall"}
    line, queue = found["hall/till"], found["hall/queue"]
    assert (line["kind"], line["crossed_in"]) == ("line", 0)
    assert line["crossed_out"] >= 1
    assert (queue["kind"], queue["max_people"]) == ("queue", 0)
    assert queue["visitors"] >= 1
    assert queue["stays"] >= queue["visitors"]
    metrics = hall.get("/api/v1/metrics").text
    assert 'perdure_crossings_today{place="hall/till",direction="out"}' in metrics
    assert 'perdure_place_people{place="hall/queue"}' in metrics
    export = hall.get("/api/v1/export/events.csv", params={"kind": "crossing"}).text.splitlines()
    assert export[0].endswith("confidence,kind,place,direction,outcome,people")
    assert all(",crossing,hall/till,out,," in line for line in export[1:])
    assert len(export) > 1


def test_who_may_see_and_draw(service, hall):
    hall.put("/api/v1/cameras/hall/places", json=DRAWN)
    door, olga = service.log_in("door"), service.log_in("olga")
    assert door.get("/api/v1/zones").json() == []
    assert door.get("/api/v1/cameras/hall/places").status_code == 404
    assert door.get("/api/v1/events", params={"kind": "occupancy"}).json()["items"] == []
    assert olga.get("/api/v1/cameras/hall/places").status_code == 200
    assert olga.put("/api/v1/cameras/hall/places", json={}).status_code == 403


@pytest.mark.parametrize(
    ("drawn", "said"),
    [
        ({"zones": {"a": {"polygon": [[0, 0], [1, 1]]}}}, "three corners"),
        ({"zones": {"a": {"polygon": [[0, 0], [1, 1], [1, 0], [0, 1]]}}}, "cross or touch"),
        ({"zones": {"../a": QUEUE}}, "pattern"),
        ({"lines": {"a": {"start": [0, 0], "end": [0, 0]}}}, "same"),
        ({"zones": {"q": QUEUE}}, "no line 'till'"),
    ],
)
def test_what_cannot_be_drawn_is_said(hall, drawn, said):
    answer = hall.put("/api/v1/cameras/hall/places", json=drawn)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]


def test_a_camera_nobody_has_cannot_be_drawn_on(hall):
    assert hall.put("/api/v1/cameras/nowhere/places", json={}).status_code == 404


def test_what_was_drawn_on_the_page_comes_back_and_what_is_drawn_twice_is_refused(tmp_path):
    drawn = DrawnConfig.model_validate(DRAWN)
    camera_book.write_drawn(tmp_path, {"a": drawn, "gone": drawn})
    plain = parse({"cameras": {"a": {"source": "x"}}})
    assert camera_book.together(plain, tmp_path).cameras["a"].zones == drawn.zones
    with pytest.raises(ConfigError, match="take them out of one"):
        camera_book.together(parse({"cameras": {"a": {"source": "x", **DRAWN}}}), tmp_path)
    (tmp_path / "places.yaml").write_text("a: {zones: {z: {polygon: [[0, 0]]}}}")
    with pytest.raises(ConfigError, match=r"places.yaml: zones.z: .*three corners"):
        camera_book.together(plain, tmp_path)
