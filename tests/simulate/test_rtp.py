from __future__ import annotations

import struct
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.errors import SourceError
from perdure.simulate.rtp import Clip, Sender, Unit
from perdure.video.write import VideoWriter


def unpacked(packets: list[bytes]) -> list[bytes]:
    """NAL units from RTP packets, after RFC 6184 and nothing else."""
    parts: list[bytes] = []
    for packet in packets:
        payload = packet[12:]
        if payload[0] & 31 != 28:
            parts.append(payload)
        elif payload[1] & 0x80:
            parts.append(bytes(((payload[0] & 0xE0) | (payload[1] & 31),)) + payload[2:])
        else:
            parts[-1] += payload[2:]
    return parts


nal = st.builds(
    lambda kind, size, fill: bytes([0x60 | kind]) + bytes([fill]) * size,
    st.integers(1, 23), st.integers(1, 5000), st.integers(1, 255),
)  # fmt: skip


@given(parts=st.lists(nal, min_size=1, max_size=4), first=st.integers(0, 65535), stamp=st.integers(0, 2**34))
def test_packets_hold_the_picture_and_are_counted(parts: list[bytes], first: int, stamp: int) -> None:
    sender = Sender(77, first)
    packets = list(sender.pack(Unit(0.0, 0.0, True, tuple(parts)), stamp))
    assert unpacked(packets) == parts
    heads = [struct.unpack(">BBHII", packet[:12]) for packet in packets]
    assert [head[2] for head in heads] == [(first + i) % 65536 for i in range(len(packets))]
    assert [head[1] >> 7 for head in heads] == [0] * (len(packets) - 1) + [1]
    assert {(head[3], head[4]) for head in heads} == {(stamp % 2**32, 77)}
    assert max(map(len, packets)) <= 1420
    assert (sender.packets, sender.octets) == (len(packets), sum(len(packet) - 12 for packet in packets))


def test_a_report_says_which_time_a_timestamp_is() -> None:
    sender = Sender(5, 0, packets=3, octets=900)
    told = sender.report(1_700_000_000.25, 2**32 + 9)
    kind, size, source, seconds, part, stamp, packets, octets = struct.unpack(">xBHIIIIII", told[:28])
    assert (kind, size, source, stamp, packets, octets) == (200, 6, 5, 9, 3, 900)
    assert seconds - 2_208_988_800 + part / 2**32 == pytest.approx(1_700_000_000.25)
    assert len(told) % 4 == 0
    assert struct.unpack(">H", told[30:32])[0] == len(told[28:]) // 4 - 1


@pytest.mark.parametrize("key_every_s", [None, 1.0])
def test_a_clip_is_the_file(tmp_path: Path, key_every_s: float | None) -> None:
    path = tmp_path / "a.mp4"
    rng = np.random.default_rng(0)
    at = [0.0, 0.1, 0.2, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5]
    with VideoWriter(path, 10, (64, 48), key_every_s=key_every_s) as writer:
        for when in at:
            writer.write(rng.integers(0, 255, (48, 64, 3), np.uint8), 7 + when)
    clip = Clip.read(path)
    with av.open(str(path)) as container:
        keys = [packet.is_keyframe for packet in container.demux(video=0) if packet.size]
    assert sorted(unit.shown_s for unit in clip.units) == pytest.approx(at, abs=1e-4)
    assert [unit.key for unit in clip.units] == keys
    if key_every_s is not None:
        assert [index for index, key in enumerate(keys) if key] == [0, 10]
    assert clip.length_s == pytest.approx(1.6, abs=1e-3)
    assert all(a.sent_s < b.sent_s for a, b in zip(clip.units, clip.units[1:], strict=False))
    if key_every_s is not None:
        assert [unit.sent_s for unit in clip.units] == pytest.approx([unit.shown_s for unit in clip.units])


def test_what_cannot_be_served_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"cannot read the video .*missing\.mp4"):
        Clip.read(tmp_path / "missing.mp4")
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(SourceError, match=r"cannot read the video .*text\.mp4"):
        Clip.read(tmp_path / "text.mp4")
    other = tmp_path / "other.mp4"
    with av.open(str(other), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="bgr24")))
        container.mux(stream.encode(None))
    with pytest.raises(SourceError, match=r"other\.mp4 is not H\.264 video"):
        Clip.read(other)
