"""Searches by picture, box, kept picture and person; what cannot be searched is said."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

API = "/api/v1"


@pytest.fixture
def looks_like(service, monkeypatch):
    """Whatever is embedded looks like this one."""

    def choose(face, quality=1.0):
        vector = service.faces[face].astype(np.float32)[None]
        embedder, seen = type(service.context.site.embedder), []
        told = vector, np.full(1, quality, np.float32)
        monkeypatch.setattr(embedder, "embed", lambda self, crops: seen.extend(crops) or told)
        return seen

    return choose


def png(height, width):
    return cv2.imencode(".png", np.full((height, width, 3), 128, np.uint8))[1].tobytes()


def ask(client, picture=None, **given):
    files = {} if picture is None else {"picture": ("x.png", picture, "image/png")}
    return client.post(f"{API}/search", files=files or None, data=given)


def test_a_picture_gives_journeys_with_probabilities(service, looks_like):
    looks_like(0)
    known = service.context.reader.identity_of("door/1")
    answer = ask(service.log_in("olga"), png(200, 100))
    assert answer.status_code == 200, answer.text
    first = answer.json()["hits"][0]
    assert first["id"] == known
    assert first["probability"] > 0.9
    stays = [(s["camera"], s["tracklet"]) for s in first["journeys"][0]["sightings"]]
    assert stays == [("door", "door/1"), ("yard", "yard/9")]
    assert "the whole picture was compared" in answer.json()["said"]
    assert "similarity" not in first


def test_a_wide_picture_without_a_person_asks_for_a_box(service, looks_like):
    seen = looks_like(0)
    client = service.log_in("olga")
    nobody = ask(client, png(90, 160)).json()
    assert nobody["hits"] == []
    assert "draw a box" in nobody["said"]
    boxed = ask(client, png(90, 160), box="10,10,40,80").json()
    assert boxed["hits"][0]["id"] == service.context.reader.identity_of("door/1")
    around = service.context.site.embedder.border
    assert around > 0
    assert seen[-1].shape[:2] == (round(80 + around * 70) - round(10 - around * 70), 34)


@pytest.mark.parametrize(
    ("box", "why"),
    [
        ("1,2,3", "four numbers"),
        ("a,b,c,d", "four numbers"),
        ("5,5,6,80", "at least 8 px"),
        ("nan,0,9,99", "at least 8 px"),
    ],
)
def test_a_box_that_is_none_is_said(service, box, why):
    answer = ask(service.log_in("olga"), png(90, 160), box=box)
    assert answer.status_code == 422
    assert why in answer.json()["detail"]


def test_a_kept_picture_is_enough(service, looks_like):
    looks_like(1)
    client = service.log_in("olga")
    person = service.context.reader.identity_of("yard/2")
    picture = client.get(f"{API}/people/{person}").json()["picture"]
    assert ask(client, kept=picture).json()["hits"][0]["id"] == person
    assert ask(client, kept="crops/../site.db").status_code == 404


def test_a_person_comes_first_and_then_who_may_be_the_same(service):
    client = service.log_in("olga")
    person = service.context.reader.identity_of("door/1")
    found = ask(client, person=person).json()
    assert found["hits"][0]["id"] == person
    assert found["hits"][0]["probability"] == 1.0
    assert all(hit["probability"] < 0.5 for hit in found["hits"][1:])


def test_time_and_cameras_choose(service, looks_like):
    looks_like(0)
    client = service.log_in("olga")
    start = service.context.reader.tracklets_of(service.context.reader.identity_of("door/3"))[0].start
    only = ask(client, png(200, 100), camera="door", since=start - 5, until=start + 5).json()
    assert [hit["id"] for hit in only["hits"]] == [service.context.reader.identity_of("door/3")]
    nobody = ask(client, png(200, 100), since=1.0, until=2.0).json()
    assert (nobody["hits"], "in that time" in nobody["said"]) == ([], True)


@pytest.mark.parametrize(
    ("given", "status", "why"),
    [
        ({}, 422, "give one of"),
        ({"person": "P1", "kept": "x"}, 422, "give one of"),
        ({"person": "P1", "since": 5, "until": 5}, 422, "the time is empty"),
        ({"person": "P99"}, 404, "no person P99"),
    ],
)
def test_what_cannot_be_asked_is_said(service, given, status, why):
    answer = ask(service.log_in("olga"), **given)
    assert answer.status_code == status, answer.text
    assert why in answer.json()["detail"]
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_blurred_part_is_said(service, looks_like):
    looks_like(0, quality=0.0)
    assert "too small or too blurred" in ask(service.log_in("olga"), png(200, 100)).json()["said"]


def test_an_erased_person_is_said_to_be_erased(service, looks_like):
    now = service.context.site.now()
    service.tell(service.tracklet(78, "door", 6, now - 30))
    client = service.log_in()
    person = service.context.reader.identity_of("door/78")
    looks_like(6)
    assert ask(client, png(200, 100)).json()["hits"][0]["id"] == person
    client.request("DELETE", f"{API}/people/{person}", json={"reason": "asked"})
    gone = ask(client, person=person)
    assert gone.status_code == 410
    assert "was erased on" in gone.json()["detail"]
    assert all(hit["id"] != person for hit in ask(client, png(200, 100)).json()["hits"])


def test_cameras_of_others_are_not_searched(service, looks_like):
    looks_like(1)  # seen by the yard only
    service.context.accounts.add_user(0.0, "doorman", "operator", "correct horse battery", ["door"])
    client = service.log_in("doorman")
    hits = ask(client, png(200, 100)).json()["hits"]
    assert hits
    assert all(s["camera"] == "door" for hit in hits for visit in hit["journeys"] for s in visit["sightings"])
    assert ask(client, png(200, 100), camera="yard").status_code == 403
    assert ask(client, person=service.context.reader.identity_of("yard/2")).status_code == 404
