"""Enrolling people by pictures, and following them."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from perdure.api.app import PREFIX as API
from perdure.nodes.enrolment import FOLDER


def picture(shade, height=160):
    """A made-up person cut out: a head, a coloured body."""
    image = np.full((height, height // 2, 3), 200, np.uint8)
    image[height // 5 :, 10:-10] = shade
    image[: height // 5, height // 5 : -height // 5] = (120, 150, 200)
    return cv2.imencode(".jpg", image)[1].tobytes()


def form(*contents):
    return [("pictures", (f"{i}.jpg", content, "image/jpeg")) for i, content in enumerate(contents)]


@pytest.fixture
def operator(service):
    service.context.searches.forgive("olga")
    return service.log_in("olga")


@pytest.fixture
def ann(operator):
    answer = operator.post(f"{API}/people", data={"name": "Ann"}, files=form(picture((20, 20, 200)), b"broken"))
    assert answer.status_code == 200, answer.text
    yield answer.json()
    operator.delete(f"{API}/people/{answer.json()['person']['id']}/enrolment")


def test_somebody_is_enrolled_and_what_is_wrong_with_a_picture_is_said(service, operator, ann):
    person = ann["person"]
    assert (person["name"], person["enrolled"], person["sightings"], person["first_seen"]) == ("Ann", 1, 0, None)
    assert [(one["file"], one["outcome"]) for one in ann["pictures"]] == [("0.jpg", "used"), ("1.jpg", "unusable")]
    assert operator.get(f"{API}/pictures/{person['picture']}").headers["content-type"] == "image/jpeg"
    assert [p["id"] for p in operator.get(f"{API}/people", params={"listed": "enrolled"}).json()["items"]] == [
        person["id"]
    ]
    details = operator.get(f"{API}/people/{person['id']}").json()
    assert details["stays"] == details["visits"] == []
    assert not any(e["identity"] == person["id"] for e in operator.get(f"{API}/events").json()["items"])
    notes = service.log_in().get(f"{API}/audit").json()
    assert any(n["action"] == "enrolled a person" and n["user"] == "olga" for n in notes)


def test_who_sees_one_camera_only_does_not_know_who_is_enrolled(service, ann):
    client = service.log_in("door")
    assert client.get(f"{API}/people/{ann['person']['id']}").status_code == 404
    assert client.get(f"{API}/pictures/{ann['person']['picture']}").status_code == 404
    assert client.get(f"{API}/pictures/{FOLDER}/../site.db.jpg").status_code == 404


def test_without_a_usable_picture_nobody_is_enrolled(operator):
    before = operator.get(f"{API}/people").json()["items"]
    answer = operator.post(f"{API}/people", data={"name": "Bob"}, files=form(b"broken")).json()
    assert answer["person"] is None
    assert answer["pictures"][0]["said"]
    assert operator.get(f"{API}/people").json()["items"] == before


@pytest.mark.parametrize("boxes", ["{", "[[1]]", "3", "[null, null, null]", '["a"]'])
def test_boxes_that_are_none_are_refused(operator, boxes):
    answer = operator.post(f"{API}/people", data={"name": "Bob", "boxes": boxes}, files=form(picture((0, 0, 0))))
    assert answer.status_code == 422
    assert "boxes" in answer.json()["detail"]


def test_a_box_is_cut_out(operator):
    answer = operator.post(
        f"{API}/people",
        data={"name": "Cleo", "boxes": json.dumps([[10, 0, 70, 160]])},
        files=form(picture((200, 20, 20))),
    ).json()
    assert answer["pictures"][0]["outcome"] == "used"
    assert operator.delete(f"{API}/people/{answer['person']['id']}/enrolment").json() == {"person": None}


def test_viewers_neither_enrol_nor_follow(service):
    viewer = service.log_in("vera")
    person = viewer.get(f"{API}/people").json()["items"][0]["id"]
    assert viewer.post(f"{API}/people", data={"name": "x"}, files=form(picture((0, 0, 0)))).status_code == 403
    assert viewer.post(f"{API}/people/{person}/watch").status_code == 403
    assert viewer.delete(f"{API}/people/{person}/enrolment").status_code == 403


def test_somebody_is_followed_from_now_on_and_no_longer(service, operator):
    person = service.context.reader.identity_of("door/1")
    assert operator.post(f"{API}/people/{person}/watch").json()["watched"] is True
    listed = operator.get(f"{API}/watch").json()
    assert listed["mode"] == "open"
    [followed] = listed["people"]
    assert followed["id"] == person
    hits = {hit["tracklet"]: hit for hit in followed["hits"]}
    assert set(hits) == {"door/1", "yard/9"}
    assert 0 < hits["yard/9"]["false_match_rate"] < 0.5
    assert hits["yard/9"]["probability"] > 0.5
    assert hits["door/1"]["probability"] is None  # there they were new
    position = next(c["position"] for c in operator.get(f"{API}/changes").json() if c["kind"] == "Watched")
    assert operator.post(f"{API}/changes/{position}/undo").status_code == 204
    assert operator.get(f"{API}/watch").json()["people"] == []
    operator.post(f"{API}/people/{person}/watch")
    assert operator.delete(f"{API}/people/{person}/watch").json()["watched"] is False
    actions = [note["action"] for note in service.log_in().get(f"{API}/audit").json()]
    assert {"put a person on the watch list", "took a person off the watch list"} <= set(actions)


def test_only_who_may_look_through_their_cameras_sees_who_is_followed(service, operator):
    person = service.context.reader.identity_of("yard/2")
    operator.post(f"{API}/people/{person}/watch")
    assert service.log_in("door").get(f"{API}/watch").json()["people"] == []
    operator.delete(f"{API}/people/{person}/watch")


def test_nobody_who_is_not_enrolled_is_taken_out(service, operator):
    person = service.context.reader.identity_of("yard/2")
    answer = operator.delete(f"{API}/people/{person}/enrolment")
    assert answer.status_code == 409
    assert "not enrolled" in answer.json()["detail"]
