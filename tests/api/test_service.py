"""The service over HTTP: what is open, who may what, and that what it says is what the site knows."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace

import cv2
import numpy as np
import pytest
from starlette.testclient import TestClient

from perdure.api import live
from perdure.api.app import PREFIX
from perdure.api.broadcast import Broadcast
from perdure.store.accounts import User
from perdure.types import Frame

from .conftest import PASSWORD, PEOPLE

API = PREFIX


def identities(service):
    """Tracklet -> identity, from the database."""
    return {id: service.context.reader.identity_of(id) for id in ("door/1", "yard/2", "door/3", "yard/9")}


def test_nothing_but_health_is_open(service):
    assert service.client.get(f"{API}/health").json() == {"status": "ok"}
    spec = service.client.app.openapi()
    for path, methods in spec["paths"].items():
        for method in methods:
            url = re.sub(r"{\w+}", "1", path).replace("events.1", "events.csv")
            if url in (f"{API}/health", f"{API}/login"):
                continue
            answer = TestClient(service.client.app).request(method, url)
            assert answer.status_code == 401, f"{method} {path}: {answer.status_code}"
            assert answer.headers["content-type"] == "application/problem+json"


def test_a_wrong_password_is_refused_and_after_five_there_is_a_pause(service):
    client = TestClient(service.client.app, client=("10.0.0.9", 1))
    for _ in range(5):
        answer = client.post(f"{API}/login", json={"name": "vera", "password": "wrong"})
        assert answer.status_code == 401
    answer = client.post(f"{API}/login", json={"name": "vera", "password": PASSWORD})
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) <= 61
    service.context.logins.forgive("as vera")
    service.context.logins.forgive("from 10.0.0.9")


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(service):
    answer = TestClient(service.client.app).post(f"{API}/login", json={"name": "olga", "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert answer.headers["x-frame-options"] == "DENY"
    assert "default-src 'self'" in answer.headers["content-security-policy"]


def test_a_change_needs_the_csrf_token_and_the_role(service):
    operator, viewer = service.log_in("olga"), service.log_in("vera")
    person = operator.get(f"{API}/people").json()["items"][0]["id"]
    assert viewer.patch(f"{API}/people/{person}", json={"name": "x"}).status_code == 403
    del operator.headers["X-CSRF-Token"]
    answer = operator.patch(f"{API}/people/{person}", json={"name": "x"})
    assert answer.status_code == 403
    assert "X-CSRF-Token" in answer.json()["detail"]
    assert operator.delete(f"{API}/users/vera").status_code == 403


def test_a_program_uses_a_key_until_it_is_taken_back(service):
    client = service.log_in("vera")
    made = client.post(f"{API}/tokens", json={"label": "door bell"}).json()
    program = TestClient(service.client.app, headers={"Authorization": f"Bearer {made['secret']}"})
    assert program.get(f"{API}/me").json()["name"] == "vera"
    assert "secret" not in client.get(f"{API}/tokens").json()[0]
    assert client.delete(f"{API}/tokens/{made['id']}").status_code == 204
    assert program.get(f"{API}/me").status_code == 401
    assert client.delete(f"{API}/tokens/{made['id']}").status_code == 404


def test_one_person_over_two_cameras_is_one_visit(service):
    client = service.log_in()
    known = identities(service)
    assert known["door/1"] == known["yard/9"]
    assert len(set(known.values())) == PEOPLE
    visits = client.get(f"{API}/events", params={"person": known["door/1"]}).json()["items"]
    assert [visit["cameras"] for visit in visits] == [["door", "yard"]]
    details = client.get(f"{API}/people/{known['door/1']}").json()
    assert {stay["tracklet"] for stay in details["stays"]} == {"door/1", "yard/9"}
    assert any(r["what"].startswith("matched") for stay in details["stays"] for r in stay["reasons"])
    picture = client.get(f"{API}/pictures/{details['picture']}")
    assert picture.headers["content-type"] == "image/jpeg"


def test_pages_of_people_are_whole(service):
    client = service.log_in()
    found, after = [], None
    while True:
        page = client.get(f"{API}/people", params={"limit": 2} | ({"after": after} if after else {})).json()
        found += [person["id"] for person in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert len(found) == len(set(found)) >= PEOPLE
    assert client.get(f"{API}/people", params={"after": "made up"}).status_code == 422
    assert client.get(f"{API}/people", params={"limit": 10_000}).status_code == 422


def test_who_may_see_one_camera_sees_nothing_of_the_others(service):
    client, known = service.log_in("door"), identities(service)
    assert {e["identity"] for e in client.get(f"{API}/events").json()["items"]} == {known["door/1"], known["door/3"]}
    details = client.get(f"{API}/people/{known['door/1']}").json()
    assert details["cameras"] == ["door"]
    assert [stay["tracklet"] for stay in details["stays"]] == ["door/1"]
    assert client.get(f"{API}/people/{known['yard/2']}").status_code == 404
    assert client.get(f"{API}/events", params={"camera": "yard"}).status_code == 403
    other = service.log_in().get(f"{API}/people/{known['yard/2']}").json()["picture"]
    assert client.get(f"{API}/pictures/{other}").status_code == 404
    assert "yard" not in client.get(f"{API}/export/events.json").text
    assert client.get(f"{API}/changes").status_code == 403  # the log names people of every camera
    assert "yard/2" in service.log_in().get(f"{API}/changes").text


def test_a_merge_and_its_undo_change_people_and_events(service):
    client, known = service.log_in("olga"), identities(service)
    source, target = known["yard/2"], known["door/3"]
    assert client.post(f"{API}/people/{source}/merge", json={"into": target}).json()["sightings"] == 2
    assert identities(service)["yard/2"] == target
    assert client.get(f"{API}/people/{source}").json()["id"] == target  # the old number still finds them
    assert not client.get(f"{API}/events", params={"person": source}).json()["items"]
    position = next(c["position"] for c in client.get(f"{API}/changes").json() if c["kind"] == "Merged")
    assert client.post(f"{API}/changes/{position}/undo").status_code == 204
    assert identities(service)["yard/2"] == source
    assert len(client.get(f"{API}/events", params={"person": source}).json()["items"]) == 1
    again = client.post(f"{API}/changes/{position}/undo")
    assert again.status_code == 409
    assert "already taken back" in again.json()["detail"]


def test_a_split_and_a_move_back(service):
    client, known = service.log_in("olga"), identities(service)
    split = client.post(f"{API}/people/{known['door/1']}/split", json={"tracklets": ["yard/9"]}).json()
    assert split["id"] not in known.values()
    whole = client.post(f"{API}/people/{known['door/1']}/split", json={"tracklets": ["door/1"]})
    assert whole.status_code == 409
    back = client.post(f"{API}/moves", json={"tracklet": "yard/9", "to": known["door/1"]})
    assert back.status_code == 409  # it was said to be somebody else
    assert "the operator said so" in back.json()["detail"]
    position = next(c["position"] for c in client.get(f"{API}/changes").json() if c["kind"] == "Split")
    assert client.post(f"{API}/changes/{position}/undo").status_code == 204
    assert identities(service) == known


def test_a_name_is_kept_and_found(service):
    client, known = service.log_in("olga"), identities(service)
    assert client.patch(f"{API}/people/{known['door/3']}", json={"name": "Ann"}).json()["name"] == "Ann"
    assert [p["id"] for p in client.get(f"{API}/people", params={"named": "ann"}).json()["items"]] == [known["door/3"]]


def test_looking_at_somebody_is_written_down(service):
    known = identities(service)
    service.log_in("vera").get(f"{API}/people/{known['door/1']}")
    notes = service.log_in().get(f"{API}/audit").json()
    assert any(n["user"] == "vera" and n["subject"] == known["door/1"] for n in notes)


async def heard(service, after, count, meanwhile=lambda: None):
    """Numbers and people of so many live events after one; the rest is left."""

    class Connected:
        async def is_disconnected(self):
            return False

    context = replace(service.context, broadcast=Broadcast(service.context.site, service.context.reader))
    context.broadcast.start()
    found = []
    stream = live._stream(Connected(), context, User("root", "admin"), after)
    try:
        async with asyncio.timeout(20):
            assert (await anext(stream)).startswith("retry:")
            await asyncio.to_thread(meanwhile)
            async for text in stream:
                found += re.findall(r'^id: (\d+)\nevent: event\ndata: .*"identity":"(P\d+)"', text, re.M)
                if len(found) >= count:
                    return [(int(number), person) for number, person in found]
    finally:
        await stream.aclose()
        context.broadcast.close()


def test_live_events_go_on_where_they_were_lost(service):
    told = service.context.reader.told_after(0)
    assert len(told) >= PEOPLE
    missed = [(seq, event.identity) for seq, event in told[1:]]
    assert asyncio.run(heard(service, told[0][0], len(missed))) == missed
    answer = service.log_in().get(f"{API}/live", headers={"Last-Event-ID": "x"})
    assert answer.status_code == 422


def test_a_visit_that_begins_is_heard_at_once(service):
    last, now = service.context.reader.last_told(), service.context.site.now()
    (news,) = asyncio.run(heard(service, last, 1, lambda: service.tell(service.tracklet(55, "yard", 6, now - 20))))
    assert news[0] == last + 1
    assert news[1] == service.context.reader.identity_of("yard/55")


def test_an_operator_of_one_camera_corrects_nothing_of_the_others(service):
    service.context.accounts.add_user(0.0, "otto", "operator", PASSWORD, ["door"])
    client, known = service.log_in("otto"), identities(service)
    elsewhere = {"first": "door/1", "second": "yard/2", "same": False}
    assert client.post(f"{API}/constraints", json=elsewhere).status_code == 404
    assert client.post(f"{API}/moves", json={"tracklet": "yard/2", "to": known["door/1"]}).status_code == 404
    person = known["door/1"]
    assert client.post(f"{API}/people/{person}/split", json={"tracklets": ["yard/2"]}).status_code == 404
    assert client.post(f"{API}/changes/0/undo").status_code == 403  # it may be about any camera
    assert identities(service) == known
    allowed = {"first": "door/1", "second": "door/3", "same": False}
    assert client.post(f"{API}/constraints", json=allowed).status_code == 204


def test_events_are_exported(service):
    client = service.log_in()
    lines = client.get(f"{API}/export/events.csv").text.strip().splitlines()
    assert lines[0].startswith("event,person,start,end")
    events = [json.loads(line) for line in client.get(f"{API}/export/events.json").text.splitlines()]
    assert len(events) == len(lines) - 1 >= PEOPLE


def test_a_picture_finds_who_looks_like_it(service, monkeypatch):
    client, known = service.log_in("olga"), identities(service)
    embedder = service.context.site.embedder
    vector = service.faces[2].astype(np.float32)
    monkeypatch.setattr(type(embedder), "embed", lambda self, crops: (vector[None], np.ones(1, np.float32)))
    picture = cv2.imencode(".png", np.full((200, 100, 3), 128, np.uint8))[1].tobytes()
    answer = client.post(f"{API}/search", files={"picture": ("x.png", picture, "image/png")})
    assert answer.status_code == 200, answer.text
    hits = answer.json()["hits"]
    assert hits[0]["id"] == known["door/3"]
    assert hits[0]["probability"] > 0.9
    assert client.post(f"{API}/search", files={"picture": ("x", b"no picture", "image/png")}).status_code == 422
    assert service.log_in("vera").post(f"{API}/search", files={"picture": ("x", picture)}).status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "pictures/../accounts.db",
        "pictures/crops/../../accounts.db",
        "pictures/crops/door/20240101/%2e%2e/%2e%2e/%2e%2e/site.db",
        "pictures/site.db",
        "pictures//etc/passwd",
        "cameras/nowhere/picture.jpg",
        "people/P999",
        "events/visit/none",
        "people/%00",
    ],
)
def test_what_is_not_there_is_not_found(service, path):
    assert service.log_in().get(f"{API}/{path}").status_code == 404


def test_a_huge_upload_is_refused(service):
    client = service.log_in("olga")
    answer = client.post(f"{API}/search", files={"picture": ("x", b"0" * (21 * 2**20))})
    assert answer.status_code == 413
    stream = (b"0" * 2**20 for _ in range(25))
    unsaid = client.post(f"{API}/search", content=stream, headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert unsaid.status_code == 413


def test_bad_camera_addresses_are_said_without_their_password(service):
    client = service.log_in()
    for source in ("gopher://me:secret@host/x", "rtsp://", "nowhere.mp4"):
        for answer in (
            client.post(f"{API}/cameras", json={"name": "new", "source": source}),
            client.post(f"{API}/cameras/test", json={"source": source}),
        ):
            assert answer.status_code == 422
            assert "secret" not in answer.text
    assert client.post(f"{API}/cameras", json={"name": "../x", "source": "rtsp://h/x"}).status_code == 422
    assert client.delete(f"{API}/cameras/none").status_code == 404
    assert client.get(f"{API}/cameras").json() == []


def test_metrics_and_status_tell_what_is_there(service):
    client = service.log_in("vera")
    site = service.context.site
    site.pace.done([Frame("door", 0, site.now() - 0.6, 0.0, 64, 48, None)], site.now())
    text = client.get(f"{API}/metrics").text
    assert re.search(r"^perdure_people [3-9]$", text, re.M)
    assert 'perdure_lag_seconds_bucket{camera="door",le="0.5"} 0\n' in text
    assert 'perdure_lag_seconds_bucket{camera="door",le="+Inf"} 1\n' in text
    assert re.search(r'^perdure_stage_cpu_seconds_total{stage="know"} [0-9.e-]+$', text, re.M)
    status = client.get(f"{API}/status").json()
    assert status["people"] >= PEOPLE
    assert status["unsaved_steps"] == 0


def test_a_forgotten_person_is_gone_everywhere(service):
    now = service.context.site.now()
    service.tell(service.tracklet(77, "door", 5, now - 30))
    client = service.log_in()
    person = service.context.reader.identity_of("door/77")
    picture = client.get(f"{API}/people/{person}").json()["picture"]
    assert service.log_in("olga").request("DELETE", f"{API}/people/{person}", json={"reason": "x"}).status_code == 403
    assert client.request("DELETE", f"{API}/people/{person}", json={"reason": "asked"}).status_code == 200
    assert client.get(f"{API}/people/{person}").status_code == 410
    assert client.get(f"{API}/pictures/{picture}").status_code == 404
    assert not client.get(f"{API}/events", params={"person": person}).json()["items"]
    assert service.context.reader.identity_of("door/77") is None


def test_the_page_is_served(service):
    answer = service.client.get("/")
    assert answer.status_code == 200
    assert "page.js" in answer.text
    assert service.client.get("/page.js").status_code == 200
