"""A camera served by somebody else's RTSP server, and what happens to cameras."""

from __future__ import annotations

import functools
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from perdure.store.site_reader import EventFilter
from tests.nodes.clips import write_clip
from tests.nodes.test_live import models, running, until

__all__ = ["models"]
pytestmark = pytest.mark.timeout(1200)  # limits of a busy machine, not what it takes
SYSTEM_PYTHON = "/usr/bin/python3"


@functools.cache
def lacking() -> bool:
    """Whether Debian's gir1.2-gst-rtsp-server-1.0 or what it needs is not there."""
    asked = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import Gst, GstRtspServer; "
    asked += "Gst.init(None); assert all(map(Gst.ElementFactory.find, ['qtdemux', 'h264parse', 'rtph264pay']))"
    if not Path(SYSTEM_PYTHON).exists():
        return True
    return subprocess.run([SYSTEM_PYTHON, "-c", asked], check=False, capture_output=True).returncode != 0


class GstCamera:
    """The server as a process: it can be killed, held and set wrong."""

    def __init__(self, video: Path) -> None:
        self.video = video
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = str(free.getsockname()[1])
        self.on()

    def on(self) -> None:
        """Power: file and stamps begin anew at the next viewer."""
        script = Path(__file__).with_name("gst_camera.py")
        # without our variables: the system's Python has packages of its own
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        self.process = subprocess.Popen(
            [SYSTEM_PYTHON, str(script), str(self.video), self.port],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment,
        )  # fmt: skip
        self.url = self.line()

    def line(self) -> str:
        """What it says next."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def off(self) -> None:
        """Gone at once, without a goodbye."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def camera(tmp_path):
    video = write_clip(tmp_path / "door.mp4", {"red": (0, 600), "green": (20, 600)}, frames=600, key_every_s=1.0)
    served = GstCamera(video)
    yield served
    served.off()


@pytest.mark.skipif(lacking(), reason="GStreamer's RTSP server is not installed (gir1.2-gst-rtsp-server-1.0)")
def test_a_camera_that_is_killed_frozen_restarted_and_set_wrong_loses_nobody(tmp_path, models, camera):
    recovered = {}

    with running(tmp_path / "site", {"door": {"source": camera.url}}, silent_after_s=8.0) as (site, reader):

        def health():
            return site.status()[0].health

        def people():
            return {person.id: len(reader.tracklets_of(person.id)) for person in reader.people()}

        def back(what):
            """Pictures come again, and both people are told of again."""
            again, stays = site.now(), people()
            until(lambda: health().last_at > again and health().state == "streaming")
            recovered[what] = site.now() - again
            until(lambda: all(count > stays[id] for id, count in people().items()))
            assert health().last_at == pytest.approx(site.now(), abs=30.0)

        until(lambda: len(people()) == 2)
        first = set(people())

        camera.off()
        until(lambda: health().state == "unreachable")
        camera.on()  # its stamps begin anew
        back("killed and restarted")

        os.kill(camera.process.pid, signal.SIGSTOP)  # connected, and silent
        connections = health().connections
        until(lambda: health().state != "streaming" or health().connections > connections)
        os.kill(camera.process.pid, signal.SIGCONT)
        back("frozen")

        os.kill(camera.process.pid, signal.SIGUSR1)
        assert camera.line() == "clock set"
        begun, frames, resets = site.now(), health().frames, health().resets
        until(lambda: health().frames > frames + 60)  # a report or more
        assert begun < health().last_at < site.now() + 0.1
        assert health().resets == resets

        assert set(people()) == first
        assert len(reader.events(EventFilter())) == 2
    print({what: round(seconds, 1) for what, seconds in recovered.items()})
