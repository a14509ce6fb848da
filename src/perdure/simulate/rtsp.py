"""Recorded videos as network cameras: a small RTSP server without dependencies (RFC 2326), for tests and trials.

Every camera is live: whoever comes sees what it shows now, and all cameras keep the times of their files against one
clock. Transport is RTP interleaved in the RTSP connection (section 10.12); clients that ask for UDP are told so, and
FFmpeg, GStreamer and VLC then ask again. A test can stop, freeze and restart a camera and move its clock.

    with RtspServer([RtspCamera("hall", Path("hall.mp4"))], port=0) as server:
        watch(server.urls["hall"])
        server.freeze("hall")
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import random
import re
import socketserver
import struct
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from perdure.errors import ConfigError
from perdure.simulate.plan import Plan
from perdure.simulate.rtp import CLOCK_HZ, Clip, Sender

_LATE_S = 2.0
"""A viewer further behind than this misses pictures up to the next key frame."""
_REPORT_S = 5.0
"""Between two sender reports (RFC 3550 section 6.2)."""
_POLL_S = 0.2
"""How soon a viewer's thread notices that its camera was frozen or stopped."""
_METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER, SET_PARAMETER"
_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 405: "Method Not Allowed",
            454: "Session Not Found", 461: "Unsupported Transport", 503: "Service Unavailable"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class RtspCamera:
    """A video file to be served as a camera."""

    name: str
    """The path of its URL."""
    video: Path
    starts_s: float = 0.0
    """Its file begins this long after the server's clock."""
    clock_skew_s: float = 0.0
    """The clock that it reports (RTCP) is this far ahead of UTC."""


def cameras_of(plan: Plan, folder: Path) -> list[RtspCamera]:
    """The cameras of a plan whose day was filmed into ``folder``, each by its own clock."""
    return [
        RtspCamera(camera.name, folder / f"{camera.name}.mp4", camera.starts_s, camera.clock_skew_s)
        for camera in plan.cameras
    ]


class _Camera:
    """The state of one camera. Viewers only read it, so no lock is needed."""

    def __init__(self, camera: RtspCamera, clip: Clip) -> None:
        self.name, self.clip = camera.name, clip
        self.starts_s, self.skew_s = camera.starts_s, camera.clock_skew_s
        self.state: Literal["live", "frozen", "stopped"] = "live"
        self.began = 0.0
        """Of ``time.monotonic``: when its file began the first time."""
        self.period_s = 0.0
        """After which it begins again."""
        self.era = 0
        """Viewers of an earlier era are sent away."""
        self.ticks = 0
        """RTP timestamp of its first picture."""

    def restart(self, began: float) -> None:
        self.began, self.era = began, self.era + 1
        self.ticks = random.getrandbits(31)

    def due(self, number: int) -> float:
        """When a picture is sent; pictures are counted on over the repetitions of the file."""
        turn, index = divmod(number, len(self.clip.units))
        return self.began + turn * self.period_s + self.clip.units[index].sent_s

    def timestamp(self, number: int) -> int:
        turn, index = divmod(number, len(self.clip.units))
        return self.ticks + round((turn * self.period_s + self.clip.units[index].shown_s) * CLOCK_HZ)

    def entry(self, now: float) -> int:
        """The last key frame that was due; the first picture where none was."""
        units = self.clip.units
        turn, into = divmod(max(now - self.began, 0.0), self.period_s)
        index = max(i for i, unit in enumerate(units) if unit.key and (unit.sent_s <= into or i == 0))
        return int(turn) * len(units) + index


class RtspServer:
    """Serves cameras until it is closed; its threads are daemons."""

    def __init__(
        self,
        cameras: Sequence[RtspCamera],
        *,
        host: str = "127.0.0.1",
        port: int = 8554,
        loop: bool = True,
        login: tuple[str, str] | None = None,
    ) -> None:
        """Begin to serve; the files begin now.

        Args:
            cameras: what to serve; names differ.
            host: address to listen at.
            port: TCP port; 0 takes a free one.
            loop: begin all files again when the longest is over; else each says goodbye at its end.
            login: user name and password that viewers need (Basic, RFC 7617).

        Raises:
            SourceError: a file cannot be read, or is not H.264.
            ConfigError: the address is in use or not of this machine.
        """
        self._cameras = {camera.name: _Camera(camera, Clip.read(camera.video)) for camera in cameras}
        self.loop, self._login = loop, login
        try:
            self._server = _Listener((host, port), partial(_Viewer, self))
        except (OSError, OverflowError) as error:
            raise ConfigError(
                f"cannot serve at {host}:{port}: {getattr(error, 'strerror', None) or error}; choose another port"
            ) from error
        bound = self._server.server_address[1]
        shown = f"[{host}]" if ":" in host else host
        self.urls = {name: f"rtsp://{shown}:{bound}/{name}" for name in self._cameras}
        period_s = max((c.starts_s + c.clip.length_s for c in self._cameras.values()), default=1.0)
        now = time.monotonic()
        for camera in self._cameras.values():
            camera.period_s = period_s
            camera.restart(now + camera.starts_s)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(_POLL_S,), daemon=True)
        self._thread.start()

    def stop(self, name: str) -> None:
        """The camera is gone: viewers lose their connection, new ones are refused."""
        camera = self._cameras[name]
        camera.state, camera.era = "stopped", camera.era + 1

    def freeze(self, name: str) -> None:
        """The camera is silent: connections stay, no picture comes."""
        self._cameras[name].state = "frozen"

    def thaw(self, name: str) -> None:
        """A frozen or stopped camera is live again, as if it had gone on unseen: its timestamps go on."""
        self._cameras[name].state = "live"

    def restart(self, name: str) -> None:
        """Power off and on: viewers lose their connection, file and timestamps begin again."""
        camera = self._cameras[name]
        camera.restart(time.monotonic())
        camera.state = "live"

    def move_clock(self, name: str, by_s: float) -> None:
        """The camera's clock jumps; seen in its next sender report, while its timestamps go on."""
        self._cameras[name].skew_s += by_s

    def close(self) -> None:
        """Stop serving; viewers lose their connections."""
        for camera in self._cameras.values():
            camera.state, camera.era = "stopped", camera.era + 1
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def camera_at(self, url: str) -> _Camera | None:
        """The camera that a URL of a request names, also with a track behind it; None where there is none."""
        path = re.sub(r"^rtsps?://[^/]*", "", url).strip("/").removesuffix("/video")
        return self._cameras.get(path)

    def admits(self, header: str) -> bool:
        """Whether a request with this Authorization header may see anything."""
        if self._login is None:
            return True
        with contextlib.suppress(binascii.Error, UnicodeDecodeError):
            given = base64.b64decode(header.removeprefix("Basic ").strip()).decode()
            return header.startswith("Basic ") and given == ":".join(self._login)
        return False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64


class _Viewer(socketserver.StreamRequestHandler):
    """One connection: answers requests, and while playing a second thread sends pictures."""

    wbufsize = 0

    def __init__(self, server: RtspServer, *args: object) -> None:
        self.owner = server
        self.lock = threading.Lock()
        self.open = True
        self.camera: _Camera | None = None
        self.channel = 0
        self.session = f"{random.getrandbits(48):012x}"
        self.sender: Sender | None = None
        super().__init__(*args)  # type: ignore[arg-type]

    def handle(self) -> None:
        """Read requests until the other side is gone."""
        with contextlib.suppress(OSError, ValueError):
            while self.open and (first := self.rfile.read(1)):
                if first == b"$":  # a receiver report of the other side: nothing to learn from it
                    _, size = struct.unpack(">BH", self.rfile.read(3))
                    self.rfile.read(size)
                else:
                    self._request(first)
        self.open = False

    def _request(self, first: bytes) -> None:
        line = (first + self.rfile.readline(4096)).decode("latin-1").strip()
        if not line:
            return
        headers: dict[str, str] = {}
        while header := self.rfile.readline(4096).decode("latin-1").strip():
            key, _, value = header.partition(":")
            headers[key.lower()] = value.strip()
        self.rfile.read(int(headers.get("content-length", 0)))
        method, _, rest = line.partition(" ")
        url, _, version = rest.rpartition(" ")
        sequence = headers.get("cseq", "0")
        if not version.startswith("RTSP/1"):
            self._answer(sequence, 400)
        elif not self.owner.admits(headers.get("authorization", "")):
            self._answer(sequence, 401, {"WWW-Authenticate": 'Basic realm="camera"'})
        else:
            self._serve(method, url, sequence, headers)

    def _serve(self, method: str, url: str, sequence: str, headers: dict[str, str]) -> None:
        known = {"Session": f"{self.session};timeout=60"} if self.sender is not None else {}
        if method in ("OPTIONS", "GET_PARAMETER", "SET_PARAMETER"):
            self._answer(sequence, 200, {"Public": _METHODS, **known})
        elif method == "TEARDOWN":
            self._answer(sequence, 200)
            self.open = False
        elif method not in ("DESCRIBE", "SETUP", "PLAY"):
            self._answer(sequence, 405, {"Allow": _METHODS})
        elif (camera := self.owner.camera_at(url)) is None:
            self._answer(sequence, 404)
        elif camera.state == "stopped":
            self._answer(sequence, 503)
            self.open = False
        elif method == "DESCRIBE":
            described = {"Content-Base": url.rstrip("/") + "/", "Content-Type": "application/sdp"}
            self._answer(sequence, 200, described, camera.clip.sdp(camera.name))
        elif method == "SETUP":
            self._set_up(camera, sequence, headers.get("transport", ""))
        else:
            self._play(url, sequence)

    def _set_up(self, camera: _Camera, sequence: str, wanted: str) -> None:
        if "RTP/AVP/TCP" not in wanted:
            self._answer(sequence, 461)
            return
        channels = re.search(r"interleaved=(\d+)", wanted)
        self.channel = int(channels[1]) & 0xFE if channels else 0
        self.camera, self.sender = camera, Sender(random.getrandbits(32), random.getrandbits(16))
        transport = f"RTP/AVP/TCP;unicast;interleaved={self.channel}-{self.channel + 1};ssrc={self.sender.source:08X}"
        self._answer(sequence, 200, {"Transport": transport, "Session": f"{self.session};timeout=60"})

    def _play(self, url: str, sequence: str) -> None:
        if self.camera is None or self.sender is None:
            self._answer(sequence, 454)
            return
        began = self.camera.entry(time.monotonic())
        info = f"url={url.rstrip('/')}/video;seq={self.sender.sequence};rtptime={self.camera.timestamp(began)}"
        self._answer(sequence, 200, {"Session": self.session, "Range": "npt=now-", "RTP-Info": info})
        arguments = (self.camera, self.sender, began)
        threading.Thread(target=self._stream, args=arguments, daemon=True).start()

    def _answer(self, sequence: str, code: int, headers: dict[str, str] | None = None, body: str = "") -> None:
        lines = [f"RTSP/1.0 {code} {_REASONS[code]}", f"CSeq: {sequence}"]
        lines += [f"{key}: {value}" for key, value in (headers or {}).items()]
        if body:
            lines.append(f"Content-Length: {len(body.encode())}")
        self._write("\r\n".join([*lines, "", body]).encode())

    def _write(self, content: bytes) -> None:
        with self.lock:
            self.connection.sendall(content)

    def _framed(self, packet: bytes, channel: int) -> bytes:
        return struct.pack(">BBH", 0x24, channel, len(packet)) + packet

    def _stream(self, camera: _Camera, sender: Sender, number: int) -> None:
        """Send pictures, each when it is due, until the viewer or the camera's era is gone."""
        era, reported = camera.era, float("-inf")
        with contextlib.suppress(OSError):
            while self.open and camera.era == era:
                if not self.owner.loop and number >= len(camera.clip.units):
                    self._write(self._framed(sender.goodbye(), self.channel + 1))
                    break
                now = time.monotonic()
                if camera.state == "frozen" or camera.due(number) > now:
                    time.sleep(_POLL_S if camera.state == "frozen" else min(camera.due(number) - now, _POLL_S))
                    continue
                if now - camera.due(number) > _LATE_S:
                    number = max(number, camera.entry(now))
                stamp = camera.timestamp(number)
                unit = camera.clip.units[number % len(camera.clip.units)]
                packets = [self._framed(packet, self.channel) for packet in sender.pack(unit, stamp)]
                if now - reported >= _REPORT_S:
                    taken = time.time() - (now - camera.due(number)) + unit.shown_s - unit.sent_s + camera.skew_s
                    packets.insert(0, self._framed(sender.report(taken, stamp), self.channel + 1))
                    reported = now
                self._write(b"".join(packets))
                number += 1
        self.open = False
        with contextlib.suppress(OSError):
            self.connection.shutdown(2)
