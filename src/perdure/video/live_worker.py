"""The process that reads one live camera: FFmpeg in a house of its own, so that what breaks it breaks nothing else.

It keeps the newest frame and hands it over when asked; a frame that nobody asked for in time is gone. While nothing
moves it decodes key frames only (``Doze``); once something does, what it passed over since the last one is handed over
first. It reconnects by itself, and says twice a second how it fares.
"""

from __future__ import annotations

import signal
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Final, Literal

import av
import numpy as np
from av.video.stream import VideoStream

from perdure.types import Image
from perdure.video.backlog import Backlog
from perdure.video.clock import StreamClock
from perdure.video.doze import Doze, Skipped

State = Literal["connecting", "streaming", "frozen", "unreachable"]

_BACKOFF_S: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_TELL_EVERY_S: Final = 0.5
_DEAD_PACKETS: Final = 250
"""Ten seconds of nothing but rubbish."""
_PLAIN: Final = ("yuv420p", "yuvj420p")
_LUMA_STEP: Final = 16
"""Of the pixels that are compared to find a picture that stands still."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to read, and when to give up on it."""

    camera: str
    url: str
    silent_after_s: float
    """A stream that gives no frame for this long is opened anew."""
    frozen_after_s: float
    """One whose picture does not change by a single bit for this long, too."""
    quiet_after_s: float | None = None
    """After so long without motion only key frames are decoded; None: everything, always."""


@dataclass(frozen=True, slots=True)
class Health:
    """How a camera fares."""

    state: State = "connecting"
    error: str = ""
    """Of the last failure, without the address (it may hold a password)."""
    frames: int = 0
    """Given by the camera since the process began."""
    asleep: int = 0
    """Of these, passed over while nothing moved."""
    fps: float = 0.0
    """Given lately."""
    connections: int = 0
    resets: int = 0
    """How often its stamps jumped."""
    last_at: float = 0.0
    """Capture time of the newest frame, UTC seconds; 0 before the first."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A frame on its way between two processes."""

    index: int
    at: float
    at_std_s: float
    pixel_format: str
    planes: Image
    """(H * 3 / 2, W) uint8: Y, U and V."""
    color_range: int
    colorspace: int
    clockwise_deg: int


Message = Health | Packed


def serve(wanted: Wanted, anchor_s: float, questions: Connection, replies: Connection) -> None:
    """The process: reads the stream for ever, answers ``questions``; ends when the other ends are closed.

    ``anchor_s`` added to ``time.monotonic()`` is UTC, for all cameras alike and whatever becomes of the system clock.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, who closes the pipes
    reader = Reader(wanted, anchor_s)
    threading.Thread(target=reader.read_for_ever, daemon=True).start()
    asked = False
    told = 0.0
    try:
        while True:
            if questions.poll(0.0 if asked else _TELL_EVERY_S / 2):
                questions.recv_bytes()
                asked = True
            if asked and (packed := reader.take(timeout_s=_TELL_EVERY_S / 2)) is not None:
                replies.send(packed)
                asked = False
            if time.monotonic() - told > _TELL_EVERY_S:
                replies.send(reader.health)
                told = time.monotonic()
    except (EOFError, OSError):
        return


class Reader:
    """Opens a stream again and again, and keeps its newest frame."""

    def __init__(self, wanted: Wanted, anchor_s: float) -> None:
        self.wanted = wanted
        self.health = Health()
        self._anchor_s = anchor_s
        self._clock = StreamClock()
        self._ahead_s: float | None = None
        """The camera's own clock less the stream's stamps; None where it tells no time."""
        self._fresh = threading.Condition()
        self._waiting: Backlog[tuple[int, float, float, av.VideoFrame]] = Backlog()
        self._seen: tuple[int, float] = (0, 0.0)
        """Checksum of the last picture that differed from the one before, and when it came."""

    def take(self, timeout_s: float) -> Packed | None:
        """The newest frame that was not taken yet, or the next of those looked back at; waits at most so long."""
        with self._fresh:
            taken = self._waiting.take(self._now())
            if taken is None:
                self._fresh.wait(timeout_s)
                taken = self._waiting.take(self._now())
        return None if taken is None else _packed(*taken)

    def read_for_ever(self) -> None:
        """Read, and after a failure wait a while, longer each time, until a stream has given frames again."""
        failures = 0
        while True:
            before = self.health.frames
            try:
                self._read()
                error = "the stream ended"
            except av.FFmpegError as failure:
                error = reason_of(failure)
            except _FrozenError as failure:
                error = str(failure)
            failures = 0 if self.health.frames > before else failures + 1
            state: State = "frozen" if error.startswith("the picture") else "unreachable"
            self.health = replace(self.health, state=state, error=error, fps=0.0)
            time.sleep(_BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)])

    def _read(self) -> None:
        """One connection, until it ends, breaks or freezes."""
        self._clock.restart()
        self._ahead_s = None
        with opened(self.wanted.url, self.wanted.silent_after_s) as container:
            self.health = replace(self.health, connections=self.health.connections + 1)
            self._seen = (0, self._now())
            doze = Doze(container, container.streams.video[0], self.wanted.quiet_after_s, is_live=True)
            began, before = self._now(), self.health.frames
            for packet in _packets(container, _is_file(self.wanted.url)):
                arrived = self._now()
                self._ahead_s = _ahead(packet, self._ahead_s)
                for frame in doze.take(packet):
                    self._take_in(frame, arrived, doze.looks_back)
                if doze.dead > _DEAD_PACKETS:
                    raise av.InvalidDataError(0, f"the last {doze.dead} packets cannot be decoded")
                if (passed := self._now() - began) > 2.0:
                    self.health = replace(self.health, fps=(self.health.frames - before) / passed)
                    began, before = self._now(), self.health.frames

    def _take_in(self, frame: av.VideoFrame | Skipped, arrived: float, is_past: bool) -> None:
        """One frame of the camera, decoded or passed over."""
        index = self.health.frames
        if isinstance(frame, Skipped):
            self.health = replace(self.health, frames=index + 1, asleep=self.health.asleep + 1)
            return
        late = is_past and frame.time is not None
        told_s = None if frame.time is None or self._ahead_s is None else frame.time + self._ahead_s
        at, spread = self._clock.recall(frame.time or 0.0) if late else self._clock.place(frame.time, arrived, told_s)
        self._assert_alive(frame, at)
        self.health = replace(
            self.health, state="streaming", error="", frames=index + 1, resets=self._clock.resets, last_at=at
        )
        with self._fresh:
            self._waiting.put(at, (index, at, spread, frame), is_past=late)
            self._fresh.notify()

    def _assert_alive(self, frame: av.VideoFrame, at: float) -> None:
        """Even at night a sensor's noise changes some pixel; a server that repeats its last picture changes none."""
        luma = np.frombuffer(memoryview(frame.planes[0]), np.uint8)
        checksum = zlib.crc32(luma[::_LUMA_STEP].tobytes())
        if checksum != self._seen[0]:
            self._seen = checksum, at
        elif at - self._seen[1] > self.wanted.frozen_after_s:
            raise _FrozenError(f"the picture has not changed for {at - self._seen[1]:.0f} s")

    def _now(self) -> float:
        return self._anchor_s + time.monotonic()


class _FrozenError(Exception):
    """The stream gives frames, but always the same one."""


def opened(url: str, timeout_s: float) -> av.container.InputContainer:
    """The stream, with a picture in it; RTSP over TCP, which loses no packets.

    Raises:
        av.FFmpegError: it cannot be opened, is silent for so long, or holds no video.
    """
    options = {"rtsp_transport": "tcp"} if url.startswith("rtsp") else {}
    container = av.open(url, options=options, timeout=(timeout_s, timeout_s))
    if not container.streams.video:
        container.close()
        raise av.InvalidDataError(0, "it holds no video")
    # One frame behind is too late: no frame threads. A slow camera must not hold the others' cores.
    container.streams.video[0].thread_type, container.streams.video[0].thread_count = "NONE", 1
    return container


def _packets(container: av.container.InputContainer, paced: bool) -> Iterator[av.Packet[VideoStream]]:
    """The packets of a stream as they come; those of a file at its own pace, as if it were a camera."""
    began = time.monotonic()
    for packet in container.demux(container.streams.video[0]):
        if paced and packet.pts is not None and packet.time_base:
            time.sleep(max(0.0, began + float(packet.pts * packet.time_base) - time.monotonic()))
        yield packet


def _ahead(packet: av.Packet[av.VideoStream], before_s: float | None) -> float | None:
    """The camera's own clock less the stream's stamps by the newest RTCP report, as FFmpeg attaches it to packets.

    ``AVProducerReferenceTime`` of libavutil's ``defs.h``: int64 microseconds of UTC, int flags.
    """
    if packet.pts is None or packet.time_base is None or not packet.has_sidedata("prft"):
        return before_s
    (micros,) = struct.unpack_from("<q", bytes(packet.get_sidedata("prft")))
    return float(micros * 1e-6 - packet.pts * packet.time_base)


def _packed(index: int, at: float, spread_s: float, frame: av.VideoFrame) -> Packed:
    plain = frame if frame.format.name in _PLAIN else frame.reformat(format="yuv420p")
    even = plain.width - plain.width % 2, plain.height - plain.height % 2
    if even != (plain.width, plain.height):
        plain = plain.reformat(width=even[0], height=even[1])
    turn = (-90 * round(frame.rotation / 90)) % 360
    planes = np.asarray(plain.to_ndarray(), np.uint8)
    return Packed(index, at, spread_s, plain.format.name, planes, plain.color_range, plain.colorspace, turn)


def _is_file(url: str) -> bool:
    return "://" not in url


def reason_of(error: av.FFmpegError) -> str:
    """In words, without the address: it may hold a password."""
    return str(error.strerror or type(error).__name__)
