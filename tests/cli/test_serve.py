from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from typer.testing import CliRunner

from perdure.cli import app
from perdure.errors import ConfigError, SourceError, StoreError
from perdure.nodes import camera_book
from perdure.store.site_store import SiteStore
from tests.nodes.clips import write_clip


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


def test_cameras_are_added_listed_and_removed_without_showing_passwords(tmp_path):
    door = write_clip(tmp_path / "door.mp4", {"red": (0, 10)}, frames=10)
    data = tmp_path / "site"
    said = run("camera", "add", "door", door, "--data", data)
    assert "160 x 120, 10 frames a second" in said.output
    run("camera", "add", "yard", "rtsp://me:secret@192.0.2.1/live", "--data", data, "--untested", "--moving")
    assert {name: camera.moving for name, camera in camera_book.read(data).items()} == {"door": False, "yard": True}
    listed = run("camera", "list", "--data", data).output
    assert "rtsp://192.0.2.1/live" in listed
    assert "secret" not in listed
    assert (data / "cameras.yaml").stat().st_mode & 0o077 == 0  # passwords are for its owner
    run("camera", "remove", "yard", "--data", data)
    assert "yard" not in run("camera", "list", "--data", data).output


def test_what_is_no_camera_is_said(tmp_path):
    with pytest.raises(SourceError, match="gopher:// is not spoken"):
        run("camera", "test", "gopher://host/x")
    with pytest.raises(SourceError):
        run("camera", "add", "gone", "rtsp://127.0.0.1:9/x", "--data", tmp_path)
    with pytest.raises(ConfigError, match="cameras"):
        run("camera", "add", "../x", "rtsp://h/x", "--data", tmp_path, "--untested")
    with pytest.raises(ConfigError, match="no camera 'none'"):
        run("camera", "remove", "none", "--data", tmp_path)
    run("camera", "add", "a", "rtsp://h/x", "--data", tmp_path, "--untested")
    with pytest.raises(ConfigError, match="already"):
        run("camera", "add", "a", "rtsp://h/x", "--data", tmp_path, "--untested")
    (tmp_path / "cameras.yaml").write_text("a: [")
    with pytest.raises(ConfigError, match=r"cameras\.yaml"):
        run("camera", "list", "--data", tmp_path)


def serve(folder):
    """The service as a user starts it, on a free port, and its output so far."""
    command = [
        sys.executable,
        "-c",
        "from perdure.cli import main; main()",
        "serve",
        "--data",
        str(folder),
        "--port",
        "0",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = ""
    while "perdure is at" not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    return process, said, re.search(r"http://localhost:\d+", said)[0]


def ask(url, **options):
    with urllib.request.urlopen(urllib.request.Request(url, **options), timeout=20) as answer:
        return json.loads(answer.read())


def test_the_first_start_gives_a_password_once_and_the_end_is_graceful(tmp_path):
    process, said, root = serve(tmp_path / "site")
    try:
        (password,) = re.findall(r"password  (\S+)", said)
        assert (tmp_path / "site" / "perdure.yaml").read_text().startswith("# perdure")
        assert ask(f"{root}/api/v1/health") == {"status": "ok"}
        body = json.dumps({"name": "admin", "password": password}).encode()
        me = ask(f"{root}/api/v1/login", data=body, headers={"Content-Type": "application/json"}, method="POST")
        assert me["role"] == "admin"
        with pytest.raises(urllib.error.HTTPError, match="401"):
            ask(f"{root}/api/v1/people")
    finally:
        process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert "Traceback" not in process.stdout.read()
    process, said, root = serve(tmp_path / "site")
    process.send_signal(signal.SIGTERM)
    assert "password" not in said
    assert process.wait(30) == 0


def test_a_configuration_of_ones_own_needs_no_folder_made_before(tmp_path):
    door = write_clip(tmp_path / "door.mp4", {"red": (0, 10)}, frames=10)
    config = tmp_path / "mine.yaml"
    config.write_text(f'cameras: {{door: {{source: "{door}"}}}}')
    listed = run("camera", "list", "--data", tmp_path / "new" / "site", "--config", config)
    assert str(door) in listed.output
    assert not (tmp_path / "new").exists()  # to look changes nothing
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot write to"):
        run("serve", "--data", tmp_path / "file", "--config", config)


def test_a_port_that_is_taken_is_said_at_once(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        began = time.monotonic()
        with pytest.raises(ConfigError, match="cannot listen on"):
            run("serve", "--data", tmp_path, "--port", taken.getsockname()[1])
        assert time.monotonic() - began < 20


def test_a_damaged_database_goes_back_to_its_last_good_copy(tmp_path, monkeypatch):
    monkeypatch.setattr("perdure.api.service.serve", lambda *_: None)
    path = tmp_path / "site.db"
    with SiteStore(path) as store:
        store.put("told", "7")
        store.copy()
    assert "is sound" in run("serve", "--data", tmp_path, "--go-back").output
    path.write_bytes(path.read_bytes()[:9000])  # cut off
    with pytest.raises(StoreError, match=r"is damaged .* `perdure serve --go-back` goes on from there"):
        SiteStore(path)
    said = run("serve", "--data", tmp_path, "--go-back")
    assert said.exit_code == 0
    assert "site.db.damaged-1" in said.output
    with SiteStore(path) as store:
        assert store.get("told") == "7"


def test_a_rule_about_a_place_that_is_none_is_said_at_the_start(tmp_path, monkeypatch):
    monkeypatch.setattr("perdure.api.service.serve", lambda *_: None)
    config = tmp_path / "mine.yaml"
    config.write_text("notify: {log: {file: x}}\nrules: {night: {where: [door/sill], tell: [log]}}\n")
    said = run("serve", "--data", tmp_path / "site", "--config", config)
    assert said.exit_code == 0
    assert "rules.night.where: nothing is told from 'door/sill'" in said.output
