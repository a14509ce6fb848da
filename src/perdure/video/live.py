"""Live cameras, each read by a process of its own; whoever asks gets the newest frame of each."""

from __future__ import annotations

import contextlib
import fcntl
import multiprocessing
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import av

from perdure.config import CameraConfig
from perdure.errors import SourceError
from perdure.types import Frame
from perdure.video.live_worker import Health, Packed, Wanted, serve
from perdure.video.pixels import Decoded

SCHEMES: Final = ("rtsp", "rtsps", "http", "https", "rtmp", "udp", "tcp")
_DEAF_AFTER_S: Final = 20.0
"""A process that says nothing for this long hangs: it is ended and begun anew."""
_STARTS_WITHIN_S: Final = 120.0
"""The same before its first word: on a machine with much to do a process needs long to begin."""
_PIPE_BYTES: Final = 1 << 20
"""What Linux lets everybody have (``/proc/sys/fs/pipe-max-size``)."""
_BEGIN_AGAIN_S: Final = 5.0
"""Between two beginnings of a process that dies."""


def address(camera: str, config: CameraConfig) -> str:
    """What FFmpeg opens: an address, or a file that is played as if it were a camera.

    Raises:
        SourceError: neither; the message does not repeat the address, which may hold a password.
    """
    where = f"camera {camera!r}"
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", config.source)
    if scheme is None:
        path = Path(config.source).expanduser()
        if not path.is_file():
            raise SourceError(f"{where}: {config.source} is neither an address (rtsp://host/...) nor a file")
        return str(path.absolute())
    if scheme[1].lower() not in SCHEMES:
        raise SourceError(f"{where}: {scheme[1]}:// is not spoken here; use one of {', '.join(SCHEMES)}")
    try:
        parts = urlsplit(config.source)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise SourceError(f"{where}: the address is not valid: {error}") from error
    if not host:
        raise SourceError(f"{where}: the address names no host: {scheme[1]}://HOST/...")
    return config.source


def redacted(source: str) -> str:
    """The source without user and password, to be shown."""
    if "://" not in source:
        return source
    try:
        parts = urlsplit(source)
        netloc = parts.netloc.rpartition("@")[2]
    except ValueError:
        return source.partition("://")[0] + "://..."
    return urlunsplit((parts.scheme, netloc, parts.path, "", ""))


@dataclass(slots=True)
class _Process:
    """One camera's process, and what is known of it."""

    wanted: Wanted
    rotate_deg: int
    process: SpawnProcess
    answers: Connection
    asks: Connection
    began_s: float
    heard_s: float
    asked: bool = False
    health: Health = field(default_factory=Health)
    frames_before: int = 0
    """Given to the processes before this one."""
    asleep_before: int = 0
    """Of these, passed over while nothing moved."""
    next_index: int = 0
    """After that of the last frame: none is ever used twice."""
    connections_before: int = 0


class LiveCameras:
    """The newest frames of several cameras, and those before them where a quiet camera woke up.

    One that is gone, hangs or crashes is begun anew; the others do not notice. Use as a context: the processes end
    with it.
    """

    def __init__(
        self,
        cameras: Mapping[str, CameraConfig],
        *,
        silent_after_s: float,
        frozen_after_s: float,
        quiet_after_s: float | None = None,
    ) -> None:
        """Begins to read; see ``Wanted`` for the limits.

        Raises:
            SourceError: an address is not valid; nothing was begun.
        """
        # Monotonic, anchored once: whoever sets the system clock while we run moves nobody in time.
        self._awake, self._waker = multiprocessing.get_context("spawn").Pipe(duplex=False)
        self._anchor_s = time.time() - time.monotonic()
        self._limits_s = silent_after_s, frozen_after_s, quiet_after_s
        wanted = {name: self._wanted(name, config) for name, config in cameras.items()}
        self._processes = {name: self._begun(w, cameras[name].rotate_deg) for name, w in wanted.items()}

    def __enter__(self) -> LiveCameras:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all processes."""
        for name in list(self._processes):
            self.remove(name)
        self._awake.close()
        self._waker.close()

    def add(self, camera: str, config: CameraConfig) -> None:
        """Begin to read one more.

        Raises:
            SourceError: its address is not valid.
        """
        self._processes[camera] = self._begun(self._wanted(camera, config), config.rotate_deg)

    def remove(self, camera: str) -> None:
        """Stop to read one."""
        _ended(self._processes.pop(camera))

    def now(self) -> float:
        """UTC seconds, as the frames' times."""
        return self._anchor_s + time.monotonic()

    def health(self) -> dict[str, Health]:
        """How each camera fares; counts are since the beginning, over all of its processes."""
        return {
            name: replace(
                p.health,
                frames=p.health.frames + p.frames_before,
                asleep=p.health.asleep + p.asleep_before,
                connections=p.health.connections + p.connections_before,
            )
            for name, p in self._processes.items()
        }

    def wake(self) -> None:
        """End the wait of ``newest`` at once; from any thread."""
        self._waker.send_bytes(b"!")

    def newest(self, timeout_s: float) -> list[Frame]:
        """At most one frame of each camera, the newest, none twice; waits at most so long for the first.

        Of a camera that woke up, all since it saw nothing come first, one by one.
        """
        for process in self._processes.values():
            self._ask(process)
        by_answers = {p.answers: name for name, p in self._processes.items()}
        frames = []
        for answers in wait([self._awake, *by_answers], timeout_s):
            assert isinstance(answers, Connection)
            if answers is self._awake:
                self._awake.recv_bytes()
                continue
            name = by_answers[answers]
            frames += self._heard(name, self._processes[name])
        self._mend()
        return frames

    def _heard(self, name: str, process: _Process) -> list[Frame]:
        """Take in what a process has sent."""
        try:
            while process.answers.poll():
                message = process.answers.recv()
                process.heard_s = time.monotonic()
                if isinstance(message, Health):
                    process.health = message
                else:
                    process.asked = False
                    frame = _frame(name, message, process)
                    process.next_index = frame.index + 1
                    return [frame]
        except (EOFError, OSError):
            process.heard_s = -_DEAF_AFTER_S  # it died; it is begun anew in its time
        return []

    def _mend(self) -> None:
        """Begin anew what died or hangs."""
        now = time.monotonic()
        for name, process in self._processes.items():
            patience_s = _DEAF_AFTER_S if process.heard_s > process.began_s else _STARTS_WITHIN_S
            dead = not process.process.is_alive() or now - process.heard_s > patience_s
            if dead and now - process.began_s > _BEGIN_AGAIN_S:
                _ended(process)
                again = self._begun(process.wanted, process.rotate_deg)
                again.frames_before = max(process.next_index, process.frames_before + process.health.frames)
                again.asleep_before = process.asleep_before + process.health.asleep
                again.connections_before = process.connections_before + process.health.connections
                again.health = replace(Health(), state="unreachable", error="its reader stopped, and was begun anew")
                self._processes[name] = again

    def _ask(self, process: _Process) -> None:
        if not process.asked:
            try:
                process.asks.send_bytes(b"?")
                process.asked = True
            except OSError:
                process.heard_s = -_DEAF_AFTER_S

    def _wanted(self, camera: str, config: CameraConfig) -> Wanted:
        return Wanted(camera, address(camera, config), *self._limits_s)

    def _begun(self, wanted: Wanted, rotate_deg: int) -> _Process:
        context = multiprocessing.get_context("spawn")
        questions, asks = context.Pipe(duplex=False)
        answers, replies = context.Pipe(duplex=False)
        _widen(replies)
        name, args = f"perdure {wanted.camera}", (wanted, self._anchor_s, questions, replies)
        process = context.Process(target=serve, args=args, name=name, daemon=True)
        process.start()
        questions.close()
        replies.close()
        now = time.monotonic()
        return _Process(wanted, rotate_deg, process, answers, asks, now, now)


def _widen(pipe: Connection) -> None:
    """Let as much lie in a pipe as the system allows: a frame of 3 MB in pieces of 64 kB is 48 changes of process."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with contextlib.suppress(OSError):  # over the user's limit: slower, not wrong
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _ended(process: _Process) -> None:
    process.asks.close()
    process.answers.close()
    process.process.join(0.5)
    if process.process.is_alive():
        process.process.kill()
        process.process.join()


def _frame(camera: str, packed: Packed, process: _Process) -> Frame:
    decoded = av.VideoFrame.from_ndarray(packed.planes, format=packed.pixel_format)
    decoded.color_range, decoded.colorspace = packed.color_range, packed.colorspace
    turn = (packed.clockwise_deg + process.rotate_deg) % 360
    size = (decoded.height, decoded.width) if turn % 180 else (decoded.width, decoded.height)
    index = process.frames_before + packed.index
    return Frame(camera, index, packed.at, packed.at_std_s, *size, Decoded(decoded, turn))
