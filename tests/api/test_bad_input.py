"""What nobody should send: a clear answer, nothing leaks, and the service goes on."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
import pytest
from starlette.testclient import TestClient

from perdure.errors import StoreError

from .conftest import PASSWORD

API = "/api/v1"


def problem(answer, status):
    """It is one, and says something."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert "Traceback" not in answer.text
    return answer.json()


def with_key(service, key):
    return TestClient(service.client.app, headers={"Authorization": f"Bearer {key}"})


def with_session(service, secret):
    client = TestClient(service.client.app)
    client.cookies.set("perdure_session", secret)
    return client


def test_a_key_that_has_expired_opens_nothing(service):
    accounts, now = service.context.accounts, service.context.site.now()
    user = next(user for user in accounts.users() if user.name == "vera")
    good, _ = accounts.add_token(now, user, "still good", now + 60.0)
    expired, _ = accounts.add_token(now - 100.0, user, "expired", now - 1.0)
    assert with_key(service, good).get(f"{API}/me").status_code == 200
    assert expired not in str(problem(with_key(service, expired).get(f"{API}/people"), 401))


def test_a_session_that_has_expired_opens_nothing(service):
    accounts, now = service.context.accounts, service.context.site.now()
    user = next(user for user in accounts.users() if user.name == "vera")
    secret, _ = accounts.begin_session(now - 400 * 86400.0, user)
    problem(with_session(service, secret).get(f"{API}/people"), 401)
    fresh, _ = accounts.begin_session(now, user)
    assert with_session(service, fresh).get(f"{API}/people").status_code == 200


@pytest.mark.parametrize("forged", ["prd_", "prd_" + "A" * 43, "x" * 10_000, "prd_' OR 1=1 --", "0" * 64])
def test_what_is_forged_opens_nothing(service, forged):
    """Also the digest itself, which is what lies in the database."""
    for client in (with_key(service, forged), with_session(service, forged.replace(" ", "+"))):
        problem(client.get(f"{API}/people"), 401)
    client = service.log_in("olga")
    person = client.get(f"{API}/people").json()["items"][0]["id"]
    client.headers["X-CSRF-Token"] = forged
    problem(client.patch(f"{API}/people/{person}", json={"name": "x"}), 403)


def test_a_wrong_password_and_a_name_that_is_none_are_told_alike(service):
    client = TestClient(service.client.app, client=("10.0.0.7", 1))
    wrong = problem(client.post(f"{API}/login", json={"name": "vera", "password": "wrong"}), 401)
    nobody = problem(client.post(f"{API}/login", json={"name": "nobody", "password": PASSWORD}), 401)
    assert wrong == nobody
    for key in ("as vera", "as nobody", "from 10.0.0.7"):
        service.context.logins.forgive(key)


def claimed(width, height):
    """A PNG of some bytes that claims so many pixels."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no picture",
        b"\x89PNG\r\n\x1a\n" + b"\0" * 40,
        b"\xff\xd8\xff\xe0" + b"\0" * 100,
        b"GIF89a" + b"\0" * 60,
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        claimed(8000, 8000),
        claimed(60_000, 60_000),
        claimed(2**31 - 1, 2**31 - 1),
        claimed(8, 8),
        claimed(64, 64),
    ],
    ids=["empty", "text", "png", "jpeg", "gif", "svg", "64 MP", "3.6 GP", "most", "small", "no pixels"],
)
def test_what_is_no_picture_is_refused_before_it_is_decoded(service, content):
    service.context.searches.forgive("olga")
    answer = service.log_in("olga").post(f"{API}/search", files={"picture": ("x.png", content, "image/png")})
    assert problem(answer, 422)["detail"].startswith("picture")


def test_half_a_picture_does_not_break_the_service(service):
    service.context.searches.forgive("olga")
    rng = np.random.default_rng(0)
    whole = cv2.imencode(".png", rng.integers(0, 255, (200, 200, 3), np.uint8))[1].tobytes()
    client = service.log_in("olga")
    answer = client.post(f"{API}/search", files={"picture": ("x.png", whole[: len(whole) // 2], "image/png")})
    assert answer.status_code in (200, 422)
    assert client.get(f"{API}/health").json()["status"] == "ok"


def test_a_full_disk_is_told_and_the_service_goes_on(service, monkeypatch):
    site, client = service.context.site, service.log_in()

    def full(step):
        raise StoreError("cannot write: database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(site.store, "save", full)
        service.tell(service.tracklet(55, "door", 6, site.now() - 20))
        assert client.get(f"{API}/health").json() == {"status": "degraded"}
        assert client.get(f"{API}/status").json()["unsaved_steps"] > 0
        assert client.get(f"{API}/people").status_code == 200
        assert service.context.reader.identity_of("door/55") is None
    site.ask(lambda _, __: None)
    service.tell(service.tracklet(56, "door", 7, site.now() - 20))
    assert service.context.reader.identity_of("door/55")  # kept with the next step
    assert client.get(f"{API}/health").json() == {"status": "ok"}
