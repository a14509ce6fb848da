"""The service at size: API reads with 100,000 events and 10,000 people, and live events to 100 clients.

    python bench/service.py [--events 100000] [--people 10000] [--requests 200] [--clients 100]

A made-up site's database, the real service on a real port, one client on the same machine, requests one after the
other; then so many clients of ``GET live`` while visits are told, each of which must get every one.
"""

from __future__ import annotations

import argparse
import json
import socket
import statistics
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import numpy as np
import uvicorn
from argon2 import PasswordHasher

from perdure.api.app import create_app
from perdure.api.broadcast import Broadcast
from perdure.api.context import Context
from perdure.config import parse
from perdure.nodes.live import DATABASE, LiveSite
from perdure.store.accounts import Accounts
from perdure.store.site_reader import SiteReader
from perdure.store.site_store import SiteStore, Step
from perdure.types import Enrolled, Event, Evidence, Exemplars, Identity, Sighting, Tracklet

CAMERAS = ("door", "hall", "yard", "dock", "shop", "gate")
BEGAN = 1_700_000_000.0
DIM = 256


def fill(path: Path, events: int, people: int) -> None:
    """A site of some months: every person with some visits of one sighting each."""
    rng = np.random.default_rng(0)
    with SiteStore(path) as store:
        for begin in range(0, people, 500):
            told, log, known, home, visits = [], [], [], {}, []
            for number in range(begin, min(begin + 500, people)):
                sightings = []
                for visit in range(events // people):
                    id = f"{CAMERAS[(number + visit) % 6]}/{number}-{visit}"
                    start = BEGAN + rng.random() * 86400 * 100
                    camera = id.split("/")[0]
                    sightings.append(Sighting(id, camera, start, start + 20, f"crops/{camera}/x/{number}.jpg", 0.8))
                    visits.append(Event(f"visit/{id}", "visit", f"P{number}", start, start + 20, (sightings[-1],)))
                first = sightings[0]
                vector = rng.normal(size=(1, DIM)).astype(np.float32)
                body = Exemplars(
                    "perdure-s",
                    vector / np.linalg.norm(vector),
                    np.ones(1, np.float32),
                    np.array([first.start]),
                    (first.picture,),
                )
                told.append(
                    Tracklet(
                        first.tracklet, 1, first.camera, first.start, first.end, np.zeros((2, 7)), (body,), ended="left"
                    )
                )
                log.append(Enrolled(first.start, f"P{number}", first.tracklet, Evidence(0.0)))
                home[first.tracklet] = f"P{number}"
                known.append(Identity(f"P{number}", tuple(sorted(sightings, key=lambda s: s.start))))
            store.save(Step(told, begin, log, home, known, visits))


def timed_reads(root: str, key: str, people: int, requests: int) -> None:
    """Each kind of read, one after the other."""
    rng = np.random.default_rng(1)
    kinds = {
        "events, newest page": lambda: "events?limit=50",
        "events of one camera, a day": lambda: (
            f"events?camera={rng.choice(CAMERAS)}&since={BEGAN + 86400 * (day := rng.integers(100)):.0f}"
            f"&until={BEGAN + 86400 * (day + 1):.0f}"
        ),
        "events of one person": lambda: f"events?person=P{rng.integers(people)}",
        "people, newest page": lambda: "people?limit=50",
        "people by name": lambda: f"people?named={rng.integers(people)}",
        "one person with reasons": lambda: f"people/P{rng.integers(people)}",
        "status": lambda: "status",
    }
    print(f"{'read':30s} {'median ms':>10s} {'p95 ms':>8s}")
    for name, path_of in kinds.items():
        seconds = []
        for _ in range(requests):
            request = urllib.request.Request(f"{root}/{path_of()}", headers={"Authorization": f"Bearer {key}"})
            start = time.perf_counter()
            with urllib.request.urlopen(request) as answer:
                answer.read()
            seconds.append(time.perf_counter() - start)
        cuts = statistics.quantiles(seconds, n=20)
        print(f"{name:30s} {1000 * statistics.median(seconds):10.1f} {1000 * cuts[18]:8.1f}")


def live(root: str, key: str, site: LiveSite, clients: int, visits: int) -> None:
    """Visits to all clients at once; counts what each got."""
    got: list[list[str]] = [[] for _ in range(clients)]
    ready = threading.Barrier(clients + 1)

    def listen(number: int) -> None:
        request = urllib.request.Request(f"{root}/live", headers={"Authorization": f"Bearer {key}"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.readline()
            ready.wait()
            while len(got[number]) < visits:
                line = answer.readline().decode()
                if line.startswith("data: "):
                    got[number].append(json.loads(line[6:])["id"])

    threads = [threading.Thread(target=listen, args=(n,), daemon=True) for n in range(clients)]
    for thread in threads:
        thread.start()
    ready.wait()
    start = time.perf_counter()
    rng = np.random.default_rng(2)
    for number in range(visits):
        vector = rng.normal(size=(1, DIM)).astype(np.float32)
        body = Exemplars(
            "perdure-s", vector / np.linalg.norm(vector), np.ones(1, np.float32), np.array([site.now()]), ("",)
        )
        now = site.now()
        path = np.array([[now - 3, 0, 0, 0, 9, 9, 0.9], [now, 1, 0, 0, 9, 9, 0.9]])
        site.take([Tracklet(f"live/{number}", 1, "live", now - 3, now, path, (body,), ended="left")])
    for thread in threads:
        thread.join(60)
    whole = sum(len(set(ids)) == visits for ids in got)
    print(f"\n{visits} visits to {clients} clients: {whole} got all, in {time.perf_counter() - start:.1f} s")


def main() -> None:
    """Fill, serve, measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--visits", type=int, default=50)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        fill(folder / DATABASE, chosen.events, chosen.people)
        size_mb = (folder / DATABASE).stat().st_size / 2**20
        print(f"{size_mb:.0f} MB for {chosen.events:,} events, {chosen.people:,} people")
        start = time.perf_counter()
        with (
            LiveSite(parse({}), folder) as site,
            Accounts(folder / "accounts.db", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)) as accounts,
            SiteReader(folder / DATABASE) as reader,
        ):
            print(f"taken up again in {time.perf_counter() - start:.1f} s")
            threading.Thread(target=site.run, daemon=True).start()
            user = accounts.add_user(0.0, "bench", "admin", "a password of some length")
            key, _ = accounts.add_token(0.0, user, "bench")
            app = create_app(Context(site, reader, accounts, Broadcast(site, reader)))
            listener = socket.create_server(("127.0.0.1", 0))
            server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
            threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True).start()
            root = f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1"
            timed_reads(root, key, chosen.people, chosen.requests)
            live(root, key, site, chosen.clients, chosen.visits)
            server.should_exit = True
            site.stop()
            time.sleep(1)


if __name__ == "__main__":
    main()
