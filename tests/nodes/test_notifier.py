from __future__ import annotations

import hashlib
import hmac
import json
import os
import shutil
import socket
import socketserver
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest

from perdure.config import NotifyConfig, RuleConfig
from perdure.errors import ConfigError
from perdure.nodes.notifier import Notifiers, title_of
from perdure.nodes.sinks import DeliveryError, channel_of
from perdure.store.site_reader import SiteReader
from perdure.store.site_store import SiteStore, Step
from perdure.types import Event, Identity, Sighting

NOW = 1_700_000_000.0


def visit(number, start=NOW, end=None, identity="P1", **fields):
    sighting = Sighting(f"door/{number}", "door", start, start + 1, f"crops/door/{number}.jpg", 0.5)
    return Event(f"visit/door/{number}", "visit", identity, start, end, (sighting,), **fields)


class Site:
    """A site's database, a clock, and one way to be told."""

    def __init__(self, folder, **config):
        self.folder, self.now = folder, NOW
        self.store = SiteStore(folder / "site.db")
        self.reader = SiteReader(folder / "site.db")
        self.rules = {f"rule{i}": RuleConfig(tell=("way",), **rule) for i, rule in enumerate(config.pop("rules", ()))}
        self.config = NotifyConfig(**config)
        self.open()

    def open(self):
        self.ways = Notifiers({"way": self.config}, self.reader, self.folder, lambda: self.now, self.rules)

    def tell(self, *events, **step):
        self.store.save(Step(events=events, **step))

    def step(self, after_s=10.0):
        self.now += after_s
        self.ways.ways[0].step()

    def close(self):
        self.ways.outbox.close()
        self.reader.close()
        self.store.close()


@pytest.fixture
def told(tmp_path):
    """A way into a file, and what is in it."""
    site = Site(tmp_path, file=str(tmp_path / "told.jsonl"), tell=("opened", "closed"))
    path = tmp_path / "told.jsonl"
    yield site, lambda: [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    site.close()


def moments(lines):
    return [(line["event"], line["moment"]) for line in lines]


def test_a_visit_of_many_revisions_is_told_when_it_opens_and_when_it_closes(told):
    site, lines = told
    for revision in range(15):
        site.tell(visit(1, revision=revision))
        site.step(1.0)
    site.tell(visit(1, end=NOW + 60, revision=20))
    site.step(120.0)
    assert moments(lines()) == [("visit/door/1", "opened"), ("visit/door/1", "closed")]


def test_nothing_is_told_before_its_time_or_of_before_the_beginning(tmp_path):
    with SiteStore(tmp_path / "site.db") as store:
        store.save(Step(events=[visit(0, NOW - 1000)]))
    site = Site(tmp_path, file=str(tmp_path / "told.jsonl"))
    site.tell(visit(1))
    site.step(2.0)
    assert not (tmp_path / "told.jsonl").exists()
    site.step(4.0)
    assert len((tmp_path / "told.jsonl").read_text().splitlines()) == 1
    site.close()


def test_two_visits_that_prove_to_be_one_are_told_once(told):
    site, lines = told
    site.tell(visit(1))
    site.step()
    site.tell(replace(visit(1), revision=1, superseded_by="visit/door/2"), visit(2, NOW - 5))
    site.step()
    site.tell(replace(visit(2, NOW - 5), revision=1))
    site.step()
    assert moments(lines()) == [("visit/door/1", "opened")]


def test_a_restart_tells_what_came_meanwhile_and_nothing_twice(told):
    site, lines = told
    site.tell(visit(1))
    site.step()
    site.ways.outbox.close()
    site.tell(visit(1, revision=5), visit(2))
    site.open()
    site.step()
    assert moments(lines()) == [("visit/door/1", "opened"), ("visit/door/2", "opened")]


def test_who_it_is_is_said(told):
    site, lines = told
    ann = Identity("P1", (Sighting("door/0", "door", NOW - 9000, NOW - 8990),), name="Ann")
    site.tell(visit(1), people=[ann])
    site.step()
    assert (lines()[0]["name"], lines()[0]["returning"]) == ("Ann", True)


def crossing(number, at=NOW, direction="in"):
    return replace(
        visit(number, at, at),
        id=f"crossing/door/sill/door/{number}/1",
        kind="crossing",
        place="door/sill",
        direction=direction,
    )


def test_a_way_that_rules_name_is_told_what_they_say(tmp_path):
    rules = [
        {"what": ["crossing"], "where": ["door/sill"], "direction": "in", "after_s": 0.0},
        {"what": ["occupancy"], "moments": ["opened", "closed"], "after_s": 20.0},
        {"what": ["visit"], "who": "watched"},
    ]
    site = Site(tmp_path, file=str(tmp_path / "told.jsonl"), rules=rules)
    crowd = Event("occupancy/door/1/1", "occupancy", "", NOW, None, (), place="door", people=7)
    people = [
        Identity(f"P{n}", (Sighting(f"door/{n}", "door", NOW - 50, NOW, "", 0.5),), watched=n == 2) for n in (1, 2)
    ]
    site.tell(visit(1), visit(2, identity="P2"), crossing(1), crossing(2, direction="out"), crowd, people=people)
    site.step()
    path = tmp_path / "told.jsonl"
    told = [json.loads(line) for line in path.read_text().splitlines()]
    assert {(one["kind"], one["person"]) for one in told} == {("crossing", "P1"), ("visit", "P2")}
    assert next(one for one in told if one["kind"] == "crossing")["direction"] == "in"
    site.step(15.0)
    site.tell(replace(crowd, end=NOW + 30, people=9, revision=1))
    site.step(30.0)
    told = [json.loads(line) for line in path.read_text().splitlines()][2:]
    assert [(one["kind"], one["moment"], one["people"]) for one in told] == [
        ("occupancy", "opened", 7), ("occupancy", "closed", 9),
    ]  # fmt: skip
    site.close()


def test_one_thing_is_one_notification_though_two_rules_want_it(tmp_path):
    rules = [{"who": "strangers", "after_s": 1.0}, {"who": "everybody", "after_s": 30.0}]
    site = Site(tmp_path, file=str(tmp_path / "told.jsonl"), rules=rules)
    site.tell(visit(1), visit(2, identity="P9"), people=[Identity("P9", visit(2).sightings, name="Ann")])
    site.step(2.0)
    lines = lambda: (tmp_path / "told.jsonl").read_text().splitlines()  # noqa: E731
    assert [json.loads(line)["person"] for line in lines()] == ["P1"]
    site.step(30.0)
    assert [json.loads(line)["person"] for line in lines()] == ["P1", "P9"]
    site.close()


def test_quiet_hours_of_a_way_hold_for_all_its_rules(tmp_path):
    site = Site(tmp_path, file=str(tmp_path / "told.jsonl"), rules=[{}], quiet=(("00:00", "23:59"),))
    site.tell(visit(1))
    site.step()
    assert not (tmp_path / "told.jsonl").exists()
    site.close()


@pytest.mark.parametrize(
    ("kind", "over", "said"),
    [
        ("visit", False, "Ann is here: door"),
        ("stay", True, "Ann was at door/till"),
        ("wait", True, "Ann waited at door/till: served"),
        ("crossing", True, "Ann crossed door/till: in"),
        ("loitering", False, "Ann is about for long: door/till"),
        ("occupancy", False, "3 people are at door/till"),
    ],
)
def test_a_title_says_what_happened(kind, over, said):
    place = "" if kind == "visit" else "door/till"
    event = replace(visit(1), kind=kind, place=place, direction="in", outcome="served", people=3)
    assert title_of(event, "Ann", over) == said


@contextmanager
def web(answers):
    """A web server that answers these codes in turn, then 200; what it got."""
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(answers.pop(0) if answers else 200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/hook", got
        server.shutdown()


def test_a_webhook_is_signed_and_tried_again_until_it_arrives(tmp_path):
    with web([500, 503]) as (url, got):
        site = Site(tmp_path, webhook=url, secret="s3cret")
        site.tell(visit(1))
        for _ in range(2):
            with pytest.raises(DeliveryError, match="answered 50"):
                site.step()
        site.step()
        site.step()
        site.close()
    assert len(got) == 3
    headers, body = got[-1]
    expected = hmac.new(b"s3cret", f"{headers['X-Perdure-Timestamp']}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers["X-Perdure-Signature"] == f"sha256={expected}"
    assert {h["X-Perdure-Delivery"] for h, _ in got} == {"way/visit/door/1/opened"}
    assert json.loads(body)["cameras"] == ["door"]


def test_a_server_that_is_not_there_is_a_failure_not_a_loss(tmp_path):
    site = Site(tmp_path, webhook="http://127.0.0.1:9/x")
    site.tell(visit(1))
    with pytest.raises(DeliveryError):
        site.step()
    assert site.ways.outbox.due("way", site.now) == ["visit/door/1"]
    site.close()


def test_a_command_gets_it_on_its_standard_input(tmp_path):
    out = tmp_path / "got.json"
    program = f"import sys; open({str(out)!r}, 'wb').write(sys.stdin.buffer.read())"
    site = Site(tmp_path, command=(sys.executable, "-c", program))
    site.tell(visit(1))
    site.step()
    assert json.loads(out.read_text())["event"] == "visit/door/1"
    site.close()
    broken = channel_of("x", NotifyConfig(command=(sys.executable, "-c", "import sys; sys.exit('no bell')")))
    with pytest.raises(DeliveryError, match="no bell"):
        broken.deliver(_any())
    with pytest.raises(DeliveryError, match="nowhere"):
        channel_of("x", NotifyConfig(command=("nowhere-at-all",))).deliver(_any())


class _Smtp(socketserver.StreamRequestHandler):
    """As much of a mail server as one letter needs."""

    letters: ClassVar[list[str]] = []

    def handle(self):
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                letter = []
                while (part := self.rfile.readline()) != b".\r\n":
                    letter.append(part.decode())
                self.letters.append("".join(letter))
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 fine\r\n")
            if word == b"QUIT":
                return


def test_an_e_mail_has_the_picture(tmp_path):
    with socketserver.TCPServer(("127.0.0.1", 0), _Smtp) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        picture = tmp_path / "crops" / "door" / "1.jpg"
        picture.parent.mkdir(parents=True)
        picture.write_bytes(b"\xff\xd8 a picture")
        site = Site(tmp_path, mail=f"smtp://127.0.0.1:{server.server_address[1]}", to=("ann@example.org",))
        site.tell(visit(1))
        site.step()
        site.close()
        server.shutdown()
    (letter,) = _Smtp.letters
    assert "Subject: P1 is here: door" in letter
    assert "image/jpeg" in letter


def _any():
    from perdure.nodes.sinks import Notification

    return Notification("x", NOW, "title", {"a": 1}, None)


def test_a_broker_that_is_not_there_is_a_failure():
    with pytest.raises(DeliveryError):
        channel_of("x", NotifyConfig(mqtt="mqtt://127.0.0.1:9")).deliver(_any())


MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@pytest.mark.skipif(MOSQUITTO is None, reason="no MQTT broker here: apt-get install mosquitto")
def test_a_real_broker_hands_it_on(tmp_path):
    from paho.mqtt import client as mqtt

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (tmp_path / "broker.conf").write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    broker = subprocess.Popen([MOSQUITTO, "-c", str(tmp_path / "broker.conf")], stderr=subprocess.DEVNULL)
    try:
        site = Site(tmp_path, mqtt=f"mqtt://127.0.0.1:{port}", topic="house/visits")
        site.tell(visit(1))
        for _ in range(100):  # until the broker listens
            try:
                channel_of("way", site.config).deliver(_any())
                break
            except DeliveryError:
                time.sleep(0.1)
        got = []
        listening = threading.Event()

        def listen():
            client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
            client.on_message = lambda _, __, message: got.append((message.topic, json.loads(message.payload)))
            client.on_subscribe = lambda *_: listening.set()
            client.connect("127.0.0.1", port)
            client.subscribe("house/#", qos=1)
            while not got:
                client.loop(0.1)

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        assert listening.wait(10)
        site.step()
        listener.join(10)
        site.close()
    finally:
        broker.terminate()
        broker.wait()
    assert [(topic, content["event"]) for topic, content in got] == [("house/visits", "visit/door/1")]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, "give one of"),
        ({"webhook": "http://h/x", "file": "x"}, "give one of"),
        ({"webhook": "ftp://h/x"}, "expected http://HOST or https://HOST"),
        ({"webhook": "http:///x"}, "expected http"),
        ({"mqtt": "mqtt://h:99999"}, "expected mqtt"),
        ({"mail": "smtp://h"}, "who gets the e-mail"),
    ],
)
def test_a_way_that_is_none_is_said(tmp_path, config, said):
    with pytest.raises(ConfigError, match=said):
        channel_of("bell", NotifyConfig(**config))
