"""A service around a live site without cameras, whose gallery was told of a few people."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime

import cv2
import numpy as np
import pytest
from argon2 import PasswordHasher
from starlette.testclient import TestClient

from perdure.api.app import create_app
from perdure.api.broadcast import Broadcast
from perdure.api.context import Context
from perdure.api.review_room import of_site
from perdure.config import parse
from perdure.nodes.answer_log import AnswerLog
from perdure.nodes.live import DATABASE, LiveSite
from perdure.store.accounts import Accounts
from perdure.store.site_reader import SiteReader
from perdure.types import Exemplars, Tracklet

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "correct horse battery"
PEOPLE = 3


@dataclass
class Service:
    """What a test needs."""

    context: Context
    client: TestClient
    faces: np.ndarray

    def log_in(self, name="root"):
        """A client of its own, with the CSRF header."""
        client = TestClient(self.client.app)
        answer = client.post("/api/v1/login", json={"name": name, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        client.headers["X-CSRF-Token"] = answer.json()["csrf"]
        return client

    def tell(self, *tracklets):
        """Let the site's thread take these in."""
        site = self.context.site
        site.ask(lambda _, __: site.remember(tracklets), 240.0)  # the first time compiled code is loaded

    def tracklet(self, number, camera, face, start, seconds=5.0):
        """One stay of one person, with two pictures that exist."""
        site = self.context.site
        day = datetime.now(UTC).strftime("%Y%m%d")  # older ones are not kept
        names = [f"crops/{camera}/{day}/{number}{i}-0.jpg" for i in range(2)]
        for name in names:
            path = site.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), np.full((64, 32, 3), 20 * face + 60, np.uint8))
        vectors = np.stack([self.faces[face]] * 2).astype(np.float32)
        at = np.array([start, start + seconds])
        body = Exemplars(site.embedder.name, vectors, np.full(2, 0.9, np.float32), at, tuple(names))
        box = (100.0 * face, 0.0, 100.0 * face + 50, 100.0)
        path_rows = np.array([[t, i, *box, 0.9] for i, t in enumerate(at)])
        return Tracklet(f"{camera}/{number}", 1, camera, at[0], at[1], path_rows, (body,), ended="left")


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    with (
        LiveSite(parse({"events": {"visit_gap_s": 60.0, "zone_gap_s": 60.0}}), folder) as site,
        Accounts(folder / "accounts.db", QUICK) as accounts,
        SiteReader(folder / DATABASE) as reader,
        AnswerLog(folder) as answers,
    ):
        thread = threading.Thread(target=site.run)
        thread.start()
        reviewing = of_site(site, answers)
        reviewing.note = lambda user, did, whom: accounts.note(site.now(), user.name, did, whom)
        context = Context(site, reader, accounts, Broadcast(site, reader), reviewing)
        accounts.add_user(0.0, "root", "admin", PASSWORD)
        accounts.add_user(0.0, "olga", "operator", PASSWORD)
        accounts.add_user(0.0, "vera", "viewer", PASSWORD)
        accounts.add_user(0.0, "door", "viewer", PASSWORD, ["door"])
        rng = np.random.default_rng(0)
        faces = np.linalg.qr(rng.normal(size=(site.embedder.dim, 8)))[0].T
        with TestClient(create_app(context)) as client:
            found = Service(context, client, faces)
            now = site.now()
            for face in range(PEOPLE):
                found.tell(found.tracklet(face + 1, ("door", "yard")[face % 2], face, now - 1000 + 100 * face))
            found.tell(found.tracklet(9, "yard", 0, now - 990))
            try:
                yield found
            finally:
                site.stop()
                thread.join()
