from __future__ import annotations

import base64
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from perdure.errors import ConfigError
from perdure.simulate.reading import parse
from perdure.simulate.rtsp import RtspCamera, RtspServer, cameras_of
from perdure.video.write import VideoWriter

FRAMES, RATE = 20, 20
LENGTH_S = FRAMES / RATE


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> list[RtspCamera]:
    """Two cameras of one second; the brightness of a picture is its number."""
    folder = tmp_path_factory.mktemp("rtsp")
    for name in ("a", "b"):
        with VideoWriter(folder / f"{name}.mp4", RATE, (64, 48), key_every_s=0.5) as writer:
            for number in range(FRAMES):
                writer.write(np.full((48, 64, 3), 20 + 10 * number, np.uint8))
    return [RtspCamera("a", folder / "a.mp4"), RtspCamera("b", folder / "b.mp4", starts_s=0.2, clock_skew_s=60.0)]


@pytest.fixture
def server(videos: list[RtspCamera]) -> Iterator[RtspServer]:
    with RtspServer(videos, port=0) as running:
        yield running


class Client:
    """Speaks RTSP by hand, so that every answer can be looked at."""

    def __init__(self, url: str) -> None:
        host, port = url.split("/")[2].split(":")
        self.url, self.count = url, 0
        self.socket = socket.create_connection((host, int(port)), timeout=5)
        self.file = self.socket.makefile("rb")

    def ask(self, method: str, url: str | None = None, **headers: str) -> tuple[int, dict[str, str], str]:
        self.count += 1
        extra = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
        self.socket.sendall(f"{method} {url or self.url} RTSP/1.0\r\nCSeq: {self.count}\r\n{extra}\r\n".encode())
        code = int(self.file.readline().split()[1])
        told: dict[str, str] = {}
        while line := self.file.readline().decode().strip():
            key, _, value = line.partition(":")
            told[key] = value.strip()
        assert told["CSeq"] == str(self.count)
        return code, told, self.file.read(int(told.get("Content-Length", 0))).decode()

    def play(self) -> Client:
        assert self.ask("SETUP", self.url + "/video", Transport="RTP/AVP/TCP;unicast;interleaved=4-5")[0] == 200
        assert self.ask("PLAY")[0] == 200
        return self

    def packet(self) -> tuple[int, bytes]:
        """Channel and content of the next one; an empty one at the end of the connection."""
        head = self.file.read(4)
        if not head:
            return -1, b""
        mark, channel, size = struct.unpack(">BBH", head)
        assert mark == 0x24
        return channel, self.file.read(size)

    def stamps(self, count: int) -> list[int]:
        """Timestamps of the next pictures."""
        found: list[int] = []
        while len(found) < count:
            channel, content = self.packet()
            if channel == 4 and content[1] & 0x80:
                found.append(struct.unpack(">I", content[4:8])[0])
        return found

    def reported_utc_s(self) -> float:
        """The camera's clock now, from the first sender report."""
        while True:
            channel, content = self.packet()
            if channel == 5 and content[1] == 200:
                seconds, part = struct.unpack(">II", content[8:16])
                return seconds - 2_208_988_800 + part / 2**32


def test_pictures_come_at_the_pace_and_times_of_the_file_again_and_again(server: RtspServer) -> None:
    with av.open(server.urls["a"], timeout=5, options={"analyzeduration": "100000"}) as container:
        began, shown = time.monotonic(), []
        for frame in container.decode(video=0):
            number = round((float(frame.to_ndarray(format="gray").mean()) - 20) / 10)
            shown.append((frame.time, number))
            if len(shown) == 3 * FRAMES:
                break
    assert time.monotonic() - began > 1.5 * LENGTH_S
    numbers = [number for _, number in shown]
    assert numbers == [(numbers[0] + i) % (len(set(numbers))) for i in range(len(numbers))]
    assert len(set(numbers)) == FRAMES
    times = [at for at, _ in shown[1:] if at is not None]  # FFmpeg gives the first one none
    steps = np.diff(times)
    usual, at_the_end = 1 / RATE, 0.2 + 1 / RATE  # camera b begins later, and both repeat together
    assert np.isclose(steps, usual, atol=1e-3).sum() + np.isclose(steps, at_the_end, atol=1e-3).sum() == len(steps)
    assert np.isclose(steps, at_the_end, atol=1e-3).sum() in (2, 3)


def test_a_frozen_camera_is_silent_and_comes_back(server: RtspServer) -> None:
    client = Client(server.urls["a"]).play()
    before = client.stamps(5)[-1]
    server.freeze("a")
    client.socket.settimeout(0.5)
    with pytest.raises(TimeoutError):
        client.stamps(100)
    server.thaw("a")
    late = Client(server.urls["a"]).play().stamps(1)[0]
    assert late > before


def test_a_stopped_camera_sends_viewers_away_and_others_go_on(server: RtspServer) -> None:
    a, b = Client(server.urls["a"]).play(), Client(server.urls["b"]).play()
    a.stamps(1)
    server.stop("a")
    while a.packet()[1]:
        pass
    assert Client(server.urls["a"]).ask("DESCRIBE")[0] == 503
    assert len(b.stamps(3)) == 3


def test_a_restart_begins_anew(server: RtspServer) -> None:
    client = Client(server.urls["a"]).play()
    stamps = client.stamps(3)
    server.restart("a")
    while client.packet()[1]:
        pass
    again = Client(server.urls["a"]).play().stamps(2)
    assert abs(again[0] - stamps[-1]) > 90_000 * 60  # two random numbers of 31 bits
    assert again[1] - again[0] == 90_000 // RATE


def test_the_reported_clock_is_the_cameras(server: RtspServer) -> None:
    assert abs(Client(server.urls["a"]).play().reported_utc_s() - time.time()) < 3
    assert abs(Client(server.urls["b"]).play().reported_utc_s() - time.time() - 60) < 3
    server.move_clock("a", -3600)
    assert abs(Client(server.urls["a"]).play().reported_utc_s() - time.time() + 3600) < 3


def test_without_loop_the_stream_says_goodbye(videos: list[RtspCamera]) -> None:
    with RtspServer(videos[:1], port=0, loop=False) as server:
        client = Client(server.urls["a"]).play()
        packets = list(iter(client.packet, (-1, b"")))
    pictures = [content for channel, content in packets if channel == 4 and content[1] & 0x80]
    assert len(pictures) == FRAMES
    assert packets[-1][0] == 5
    assert packets[-1][1][1] == 203


def test_every_wrong_request_is_answered(server: RtspServer) -> None:
    client = Client(server.urls["a"])
    assert client.ask("OPTIONS")[1]["Public"].startswith("OPTIONS, DESCRIBE")
    code, _, described = client.ask("DESCRIBE")
    assert code == 200
    assert "m=video 0 RTP/AVP 96" in described
    assert client.ask("DESCRIBE", server.urls["a"] + "x")[0] == 404
    assert client.ask("RECORD")[0] == 405
    assert client.ask("PLAY")[0] == 454
    assert client.ask("SETUP", Transport="RTP/AVP;unicast;client_port=5000-5001")[0] == 461
    client.socket.sendall(b"GET / HTTP/1.1\r\n\r\n")
    assert client.file.readline().startswith(b"RTSP/1.0 400")
    other = Client(server.urls["b"])
    assert other.ask("TEARDOWN")[0] == 200
    assert other.file.read(1) == b""


def test_a_login_is_asked_for(videos: list[RtspCamera]) -> None:
    with RtspServer(videos, port=0, login=("me", "se:cret")) as server:
        client = Client(server.urls["a"])
        assert client.ask("DESCRIBE")[0] == 401
        assert client.ask("DESCRIBE", Authorization="Basic !!")[0] == 401
        assert client.ask("DESCRIBE", Authorization="Basic " + base64.b64encode(b"me:no").decode())[0] == 401
        assert client.ask("DESCRIBE", Authorization="Basic " + base64.b64encode(b"me:se:cret").decode())[0] == 200
        assert av.open(server.urls["a"].replace("//", "//me:se%3Acret@"), timeout=5).streams.video


def test_an_address_in_use_is_said(server: RtspServer, videos: list[RtspCamera]) -> None:
    taken = int(server.urls["a"].split(":")[2].split("/")[0])
    with pytest.raises(ConfigError, match=rf"cannot serve at 127\.0\.0\.1:{taken}: .*choose another port"):
        RtspServer(videos, port=taken)


def test_cameras_of_a_plan_keep_their_clocks(tiny_text: str, tmp_path: Path) -> None:
    found = cameras_of(parse(tiny_text), tmp_path)
    assert [(camera.name, camera.clock_skew_s) for camera in found] == [("a", 0.0), ("b", 1.5)]
    assert found[1].video == tmp_path / "b.mp4"


@pytest.mark.skipif(shutil.which("gst-launch-1.0") is None, reason="GStreamer is not installed")
def test_gstreamer_reads_it_too(server: RtspServer, tmp_path: Path) -> None:
    source = f"rtspsrc location={server.urls['a']} latency=0 ! rtph264depay ! h264parse"
    plain = "video/x-h264,stream-format=byte-stream,alignment=au ! identity eos-after=25"
    sink = f"{plain} ! filesink location={tmp_path}/out.h264"
    subprocess.run(["gst-launch-1.0", "-q", *f"{source} ! {sink}".split()], check=True, timeout=60)
    with av.open(str(tmp_path / "out.h264")) as container:
        levels = [frame.to_ndarray(format="gray").mean() for frame in container.decode(video=0)]
    numbers = np.round((np.array(levels) - 20) / 10).astype(int)
    assert len(numbers) >= 20
    np.testing.assert_array_equal(numbers, (numbers[0] + np.arange(len(numbers))) % FRAMES)


def test_the_command_serves_until_it_is_stopped(tiny_text: str, tmp_path: Path) -> None:
    plan = tmp_path / "tiny.yaml"
    plan.write_text(tiny_text.replace("minutes: 0.2", "minutes: 0.03"), encoding="utf-8")
    command = [sys.executable, "-c", "from perdure.cli import main; main()", "simulate", str(plan)]
    command += ["--out", str(tmp_path / "out"), "--rtsp", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "200"}) as process:
        assert process.stdout is not None
        urls: list[str] = []
        while len(urls) < 2 and (line := process.stdout.readline()):
            urls += [line.strip()] if line.startswith("rtsp://") else []
        with av.open(urls[1], timeout=5, options={"analyzeduration": "100000"}) as container:
            picture = next(container.decode(video=0)).to_ndarray(format="gray")
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    assert [url.rsplit("/", 1)[1] for url in urls] == ["a", "b"]
    assert picture.shape == (96, 128)
    assert picture.std() > 5
