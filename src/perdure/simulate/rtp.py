"""Recorded H.264 as RTP packets: what a network camera puts on the wire.

RTP and RTCP after RFC 3550 (sections 5.1, 6.4.1, 6.5, 6.6), H.264 in RTP after RFC 6184 (sections 5.6, 5.8, 8.1).
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
from av.bitstream import BitStreamFilterContext

from perdure.errors import SourceError

CLOCK_HZ = 90_000
PAYLOAD_TYPE = 96
_LARGEST = 1400
"""Bytes of one packet, so that it fits an Ethernet frame."""
_START = b"\x00\x00\x01"
_SPS, _PPS, _IDR, _FRAGMENT = 7, 8, 5, 28
_NTP_UNIX_S = 2_208_988_800
"""From 1900, where NTP begins, to 1970."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One encoded picture."""

    sent_s: float
    """When it is sent, seconds from the first one: the order of decoding."""
    shown_s: float
    """When it was taken, seconds from the first one."""
    key: bool
    """Whether a viewer can begin here."""
    parts: tuple[bytes, ...]
    """NAL units without start codes."""


@dataclass(frozen=True)
class Clip:
    """A recorded video, in memory as it is encoded."""

    units: tuple[Unit, ...]
    length_s: float
    """With the time that the last picture stays."""
    parameters: tuple[bytes, bytes]
    """Sequence and picture parameter set: what a decoder needs before the first picture."""

    @classmethod
    def read(cls, path: Path) -> Clip:
        """The H.264 stream of a file.

        Raises:
            SourceError: no such file, no video in it, or not H.264.
        """
        try:
            with av.open(str(path)) as container:
                stream = next(iter(container.streams.video), None)
                if stream is None or stream.codec_context.name != "h264":
                    raise SourceError(f"{path} is not H.264 video: only that can be served; encode it again")
                plain = BitStreamFilterContext("h264_mp4toannexb", stream)
                taken = [packet for whole in container.demux(stream) for packet in plain.filter(whole)]
                base = stream.time_base
                assert base is not None
                units, length_s = _units([packet for packet in taken if packet.size], float(base))
        except (av.FFmpegError, OSError) as error:
            raise SourceError(f"cannot read the video {path}: {error.strerror}") from error
        kinds = {part[0] & 31: part for unit in units for part in reversed(unit.parts)}
        if _SPS not in kinds or _PPS not in kinds or not units[0].key:
            raise SourceError(f"{path} does not begin with a key frame and its parameters; encode it again")
        return cls(units, length_s, (kinds[_SPS], kinds[_PPS]))

    def sdp(self, name: str) -> str:
        """The session description (RFC 4566) of this video."""
        sets = ",".join(base64.b64encode(part).decode() for part in self.parameters)
        profile = self.parameters[0][1:4].hex()
        lines = [
            "v=0", "o=- 0 0 IN IP4 0.0.0.0", f"s={name}", "c=IN IP4 0.0.0.0", "t=0 0", "a=control:*",
            f"m=video 0 RTP/AVP {PAYLOAD_TYPE}", f"a=rtpmap:{PAYLOAD_TYPE} H264/{CLOCK_HZ}",
            f"a=fmtp:{PAYLOAD_TYPE} packetization-mode=1;profile-level-id={profile};sprop-parameter-sets={sets}",
            "a=control:video",
        ]  # fmt: skip
        return "\r\n".join(lines) + "\r\n"


def _units(packets: list[av.Packet[av.VideoStream]], tick_s: float) -> tuple[tuple[Unit, ...], float]:
    if not packets:
        raise SourceError("no picture in the video")
    sent = [float(packet.dts if packet.dts is not None else packet.pts or 0) * tick_s for packet in packets]
    shown = [float(packet.pts if packet.pts is not None else packet.dts or 0) * tick_s for packet in packets]
    units = tuple(
        Unit(at - sent[0], seen - min(shown), any(part[0] & 31 == _IDR for part in parts), parts)
        for packet, at, seen in zip(packets, sent, shown, strict=True)
        for parts in [_parts(bytes(packet))]
    )
    usual_s = (max(shown) - min(shown)) / max(len(shown) - 1, 1)
    last_s = float(packets[-1].duration or 0) * tick_s or usual_s or 0.04
    return units, max(shown) - min(shown) + last_s


def _parts(stream: bytes) -> tuple[bytes, ...]:
    """NAL units between start codes (a NAL unit never ends with a zero byte)."""
    found = (part.rstrip(b"\x00") for part in stream.split(_START))
    return tuple(part for part in found if part)


@dataclass(slots=True)
class Sender:
    """One viewer's stream of packets: counts what RTCP has to report."""

    source: int
    """The stream's identifier (SSRC)."""
    sequence: int
    """Of the next packet."""
    packets: int = 0
    octets: int = 0

    def pack(self, unit: Unit, timestamp: int) -> Iterator[bytes]:
        """One encoded picture as packets; ``timestamp`` counts ``CLOCK_HZ``, modulo 2^32."""
        pieces = [piece for part in unit.parts for piece in _pieces(part)]
        for number, piece in enumerate(pieces):
            marker = 0x80 if number == len(pieces) - 1 else 0
            head = struct.pack(
                ">BBHII", 0x80, marker | PAYLOAD_TYPE, self.sequence, timestamp & 0xFFFFFFFF, self.source
            )
            self.sequence = (self.sequence + 1) & 0xFFFF
            self.packets += 1
            self.octets += len(piece)
            yield head + piece

    def report(self, utc_s: float, timestamp: int) -> bytes:
        """A sender report with the camera's name: which time of its clock which timestamp is."""
        whole = int(utc_s)
        part = int((utc_s - whole) * 2**32)
        counts = self.packets & 0xFFFFFFFF, self.octets & 0xFFFFFFFF
        seconds = (whole + _NTP_UNIX_S) & 0xFFFFFFFF
        told = struct.pack(">BBHI", 0x80, 200, 6, self.source)
        told += struct.pack(">IIIII", seconds, part, timestamp & 0xFFFFFFFF, *counts)
        name = b"camera"
        item = struct.pack(">IBB", self.source, 1, len(name)) + name
        item += b"\x00" * (4 - len(item) % 4)
        return told + struct.pack(">BBH", 0x81, 202, len(item) // 4) + item

    def goodbye(self) -> bytes:
        """The stream is over."""
        return struct.pack(">BBHI", 0x81, 203, 1, self.source)


def _pieces(part: bytes) -> Iterator[bytes]:
    """A NAL unit as one payload, or in fragments (FU-A)."""
    if len(part) <= _LARGEST:
        yield part
        return
    kind, reference = part[0] & 31, part[0] & 0x60
    body = part[1:]
    for start in range(0, len(body), _LARGEST):
        edge = (0x80 if start == 0 else 0) | (0x40 if start + _LARGEST >= len(body) else 0)
        yield bytes((reference | _FRAGMENT, edge | kind)) + body[start : start + _LARGEST]
