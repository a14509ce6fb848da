"""Decoding that sleeps: while nothing moves only key frames are decoded, and nobody's entry is lost by it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from perdure.types import Frame
from perdure.video.motion import Background, watch
from perdure.video.pixels import Decoded

QUIET_AFTER_S: Final = 5.0
"""It falls asleep after so long without motion."""
_LIVELY: Final = 1.3
_LIVELY_BYTES: Final = 40.0
"""Packets between two key frames so much larger than usual hide somebody who came and went."""
_SUDDEN: Final = 2.0
_SUDDEN_PACKETS: Final = 5
"""Of a live camera the last few packets alone wake it, where they are so much larger than usual."""
_LEARN: Final = 0.2
_MOST_PACKETS: Final = 1500
_DEAD_PACKETS: Final = 25
"""So many undecodable packets at the end are a broken file, not a scratch."""
_CLEAN_KEYS: Final = frozenset({"vp8", "vp9", "av1"})
"""Of these every key frame begins anew; H.264 and H.265 also have others, told by the kind of their slices."""
_IDR: Final = {"h264": (0x1F, 0, {5}), "hevc": (0x3F, 1, {19, 20})}
"""Mask, shift and values of the NAL unit type (ITU-T H.264 table 7-1, H.265 table 7-1)."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A frame that was not decoded."""

    stamp_s: float
    """By the stream's own clock."""


class Doze:
    """Takes the packets of one stream in their order and gives its frames in the order shown.

    Awake, everything is decoded. After ``quiet_after_s`` without motion in key frames, and with packets between them of
    the usual size, only key frames are decoded, and the packets since the last one are kept. Where the next one shows
    motion, or the packets in between were larger than usual, those are decoded after all, so that every frame since the
    last quiet key frame is seen. What is decoded depends on the packets alone. Streams without presentation times, or
    whose groups lean on each other (open GOP), are decoded whole, and so is everything with ``quiet_after_s`` None.

    With ``is_live`` it does not wait for a key frame where a few packets are much larger than usual: somebody who comes
    in is seen at once, not a group of pictures later.
    """

    def __init__(
        self, container: InputContainer, stream: VideoStream, quiet_after_s: float | None, *, is_live: bool = False
    ) -> None:
        self._codec = stream.codec_context
        self._time_base = stream.time_base
        self._quiet_after_s = quiet_after_s
        self._fit = quiet_after_s is not None and bool(self._time_base) and container.format.name != "avi"
        self._fit &= self._codec.name in _CLEAN_KEYS or self._codec.name in _IDR
        self._background: Background | None = None
        self._moved_s: float | None = None
        self._asleep = False
        self._group: list[av.Packet[VideoStream]] = []
        self._group_bytes = self._group_packets = 0
        self._usual_bytes: float | None = None
        self._latest_bytes: deque[int] | None = deque(maxlen=_SUDDEN_PACKETS) if is_live else None
        self.looks_back = False
        """Whether the frame given last came earlier and was only kept until now."""
        self.skipped = 0
        """Packets that could not be decoded."""
        self._dead = 0

    @property
    def dead(self) -> int:
        """How many of the last packets could not be decoded, where that is no scratch any more; else 0."""
        return self._dead if self._dead >= _DEAD_PACKETS else 0

    def end(self) -> Iterator[av.VideoFrame]:
        """What is left of a stream that broke."""
        yield from self._look_back()
        yield from self._drain()

    def take(self, packet: av.Packet[VideoStream]) -> Iterator[av.VideoFrame | Skipped]:
        """The next packet; an empty one ends the stream."""
        if not self._fit or not packet.size:
            yield from self._look_back()
            yield from self._decode(packet)
            return
        if packet.pts is None and self._latest_bytes is not None:  # the first of a network camera often have none
            yield from self._look_back()
            yield from self._decode(packet)
            return
        if packet.pts is None or (not packet.is_keyframe and self._group and packet.pts <= (self._group[0].pts or 0)):
            self._fit = False
        if self._asleep:
            yield from self._dozing(packet)
            return
        if packet.is_keyframe:
            if self._falls_asleep(packet):
                yield from self._drain()
                self._asleep = True
                yield from self._alone(packet)
                self._begin_group(packet)
                return
            self._begin_group(packet)
        else:
            self._count(packet)
        for frame in self._decode(packet):
            if frame.key_frame:
                self._notice(frame)
            yield frame

    def _dozing(self, packet: av.Packet[VideoStream]) -> Iterator[av.VideoFrame | Skipped]:
        """A packet while asleep: most are only kept."""
        if not packet.is_keyframe:
            self._group.append(packet)
            self._count(packet)
            if not self._fit or len(self._group) > _MOST_PACKETS or self._sudden():
                yield from self._look_back()
            return
        lively = self._lively()
        alone = list(self._alone(packet)) if self._fit and self._begins_anew(packet) else []
        moved = not alone or self._notice(alone[0])
        if moved or lively:
            before = self._moved_s
            yield from self._look_back()
            if not moved and self._moved_s == before:  # it was nothing: sleep on
                yield from self._drain()
                self._asleep = True
                yield from self._alone(packet)
            else:
                yield from self._decode(packet)
        else:
            yield from (Skipped(self._seconds(pts)) for pts in sorted(p.pts or 0 for p in self._group[1:]))
            yield alone[0]
        self._begin_group(packet)

    def _look_back(self) -> Iterator[av.VideoFrame]:
        """Wake up: decode what was kept, without its key frame, which was given when it came."""
        if not self._asleep:
            return
        self._asleep = False
        kept, background = self._group, None
        for packet in kept:
            for frame in self._decode(packet):
                background, moving = watch(background, self._shown(frame))
                if frame.pts == kept[0].pts:
                    continue
                if moving is None or len(moving):
                    self._moved_s = self._seconds(frame.pts)
                self.looks_back = True
                yield frame
        self.looks_back = False

    def _falls_asleep(self, packet: av.Packet[VideoStream]) -> bool:
        stamp_s = self._seconds(packet.pts)
        lively = self._lively()
        if lively or self._moved_s is None:
            self._moved_s = stamp_s
        assert self._quiet_after_s is not None
        return self._fit and stamp_s - self._moved_s >= self._quiet_after_s and self._begins_anew(packet)

    def _notice(self, key_frame: av.VideoFrame) -> bool:
        """Whether something moved since the key frame before."""
        self._background, moving = watch(self._background, self._shown(key_frame))
        moved = moving is None or len(moving) > 0
        if moved:
            self._moved_s = self._seconds(key_frame.pts)
        return moved

    def _begin_group(self, key: av.Packet[VideoStream]) -> None:
        self._group, self._group_bytes, self._group_packets = [key], 0, 0
        if self._latest_bytes is not None:
            self._latest_bytes.clear()

    def _count(self, packet: av.Packet[VideoStream]) -> None:
        self._group_bytes += packet.size
        self._group_packets += 1
        if self._latest_bytes is not None:
            self._latest_bytes.append(packet.size)

    def _lively(self) -> bool:
        """Whether the packets since the key frame are larger than usual; learns what is usual."""
        if not self._group_packets:
            return False
        mean = self._group_bytes / self._group_packets
        usual = mean if self._usual_bytes is None else self._usual_bytes
        self._usual_bytes = usual + _LEARN * (mean - usual)
        return mean > _LIVELY * usual + _LIVELY_BYTES

    def _sudden(self) -> bool:
        """Whether the last few packets are much larger than usual; of a live camera only."""
        latest = self._latest_bytes
        if latest is None or len(latest) < _SUDDEN_PACKETS or self._usual_bytes is None:
            return False
        return sum(latest) / len(latest) > _SUDDEN * self._usual_bytes + _LIVELY_BYTES

    def _alone(self, packet: av.Packet[VideoStream]) -> Iterator[av.VideoFrame]:
        yield from self._decode(packet)
        yield from self._drain()

    def _drain(self) -> Iterator[av.VideoFrame]:
        """The frames that the decoder holds back; it starts afresh after them."""
        try:
            for frame in self._codec.decode(None):
                frame.time_base = self._time_base
                yield frame
        except av.FFmpegError:
            self.skipped += 1
        self._codec.flush_buffers()

    def _decode(self, packet: av.Packet[VideoStream]) -> Iterator[av.VideoFrame]:
        try:
            frames = packet.decode()
        except av.EOFError:
            return
        except av.FFmpegError:
            self.skipped, self._dead = self.skipped + 1, self._dead + 1
            return
        # What the decoder held back comes with an empty packet, and says nothing about the last ones.
        self._dead = 0 if frames and packet.size else self._dead
        yield from frames

    def _seconds(self, pts: int | None) -> float:
        return float((pts or 0) * (self._time_base or 0))

    def _shown(self, frame: av.VideoFrame) -> Frame:
        return Frame("", 0, self._seconds(frame.pts), 0.0, frame.width, frame.height, Decoded(frame))

    def _begins_anew(self, packet: av.Packet[VideoStream]) -> bool:
        """Whether nothing after this key frame leans on what came before it."""
        if self._codec.name in _CLEAN_KEYS:
            return True
        mask, shift, kinds = _IDR[self._codec.name]
        first_bytes = _nal_first_bytes(bytes(packet), self._codec.extradata or b"", self._codec.name)
        return any((byte & (mask << shift)) >> shift in kinds for byte in first_bytes)


def _nal_first_bytes(content: bytes, extradata: bytes, codec: str) -> Iterator[int]:
    """The first byte of each NAL unit of a packet: with lengths (MP4, Matroska) or start codes between them."""
    if extradata[:1] == b"\x01":
        size = (extradata[4 if codec == "h264" else 21] & 3) + 1
        at = 0
        while at + size < len(content):
            yield content[at + size]
            at += size + int.from_bytes(content[at : at + size], "big")
        return
    at = content.find(b"\0\0\1")
    while 0 <= at < len(content) - 3:
        yield content[at + 3]
        at = content.find(b"\0\0\1", at + 3)
