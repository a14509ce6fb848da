"""Video files through FFmpeg: every frame decoded once, converted only when asked, with its right capture time."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from perdure.errors import SourceError
from perdure.types import Frame
from perdure.video.doze import Doze, Skipped
from perdure.video.pixels import Decoded
from perdure.video.timeline import Timeline

_DEFAULT_FPS: Final = 25.0
_MAX_FPS: Final = 1000.0


class _BrokenError(Exception):
    """The file cannot be read any further."""


_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class VideoFile:
    """A file that was found to hold video; made by ``open_video``. Reading it again gives the same frames.

    Frame 0 was captured at ``offset_s``: files of one run start together unless the configuration says otherwise.
    """

    camera: str
    path: Path
    width: int
    """Of the first frame, after rotation; a later frame may differ."""
    height: int
    rate_fps: float
    """As configured, else as the file says, else 25."""
    length: int | None
    offset_s: float = 0.0
    rotate_deg: int = 0
    forced_rate: bool = False
    """Times are ``index / rate_fps``, whatever the file says."""

    def frames(self, start: int = 0, quiet_after_s: float | None = None) -> Iterator[Frame]:
        """The frames from index ``start`` on; earlier ones are decoded but not converted.

        A packet that cannot be decoded is skipped (its frame has no index) and told in the log. With ``quiet_after_s``,
        only key frames are given, and decoded, while nothing moves (``Doze``); index and time are the same.

        Raises:
            SourceError: the file cannot be read any further; all frames before that point were given.
        """
        index, own_s = -1, 0.0
        with _opened(self.camera, self.path) as (container, stream):
            timeline = Timeline(self.rate_fps, float(stream.time_base or 0))
            decode_order = container.format.name == "avi"
            try:
                for index, decoded in enumerate(self._decoded(container, stream, quiet_after_s)):
                    stamp_s = decoded.stamp_s if isinstance(decoded, Skipped) else _stamp_s(decoded, decode_order)
                    own_s, std = timeline.place(stamp_s)
                    at_s, std = (index / self.rate_fps, 0.0) if self.forced_rate else (own_s, std)
                    if index >= start and not isinstance(decoded, Skipped):
                        yield self._frame(index, self.offset_s + at_s, std, decoded)
                _assert_whole(container, stream, index + 1, own_s)
            except _BrokenError as broken:
                raise SourceError(self._broke(index, own_s, str(broken))) from broken

    def _frame(self, index: int, at: float, at_std_s: float, decoded: av.VideoFrame) -> Frame:
        clockwise_deg = _clockwise_deg(decoded, self.rotate_deg)
        width, height = _turned_size(decoded, clockwise_deg)
        return Frame(self.camera, index, at, at_std_s, width, height, Decoded(decoded, clockwise_deg))

    def _decoded(
        self, container: InputContainer, stream: VideoStream, quiet_after_s: float | None
    ) -> Iterator[av.VideoFrame | Skipped]:
        """All frames in the order shown, without what cannot be decoded; raises ``_BrokenError`` where it breaks."""
        doze = Doze(container, stream, quiet_after_s)
        for packet in _packets(container, stream):
            if isinstance(packet, _BrokenError):
                yield from doze.end()
                raise packet
            yield from doze.take(packet)
        if doze.dead:
            raise _BrokenError(f"the last {doze.dead} packets cannot be decoded")
        if doze.skipped:
            _log.warning("camera %r: %s: damaged packets skipped: %d", self.camera, self.path, doze.skipped)

    def _broke(self, index: int, own_s: float, reason: str) -> str:
        lost = "" if self.length is None else f", about {max(self.length - index - 1, 0)} of {self.length} are lost"
        return (
            f"camera {self.camera!r}: {self.path} breaks after frame {index} ({own_s:.1f} s){lost}:"
            f" {reason}. What came before was used; copy the file again"
        )


def open_video(
    camera: str, path: Path, *, offset_s: float = 0.0, rate_fps: float | None = None, rotate_deg: int = 0
) -> VideoFile:
    """A video file, after its first frame was decoded.

    Raises:
        SourceError: FFmpeg knows no such format, the file has no index or no video, or its first frame is broken.
    """
    with _opened(camera, path) as (container, stream):
        first = _first(camera, path, container, stream)
        clockwise_deg = _clockwise_deg(first, rotate_deg)
        width, height = _turned_size(first, clockwise_deg)
        own_fps = _rate_fps(stream)
        return VideoFile(
            camera,
            path,
            width,
            height,
            rate_fps or own_fps,
            _length(container, stream, own_fps),
            offset_s,
            rotate_deg,
            rate_fps is not None,
        )


def _packets(container: InputContainer, stream: VideoStream) -> Iterator[av.Packet[VideoStream] | _BrokenError]:
    """The packets of a stream; the last one is ``_BrokenError`` if the file cannot be read to its end."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except av.FFmpegError as error:
            yield _BrokenError(_reason(error))
            return
        if packet is None:
            return
        yield packet


@contextmanager
def _opened(camera: str, path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The container and its picture stream."""
    where = f"camera {camera!r}: {path}"
    try:
        container = av.open(str(path.absolute()), mode="r")
    except av.FFmpegError as error:
        raise SourceError(f"{where} {_not_video(path, error)}") from error
    with container:
        # An audio file may carry a cover picture; a text file is "video" to FFmpeg's terminal player.
        streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
        if not streams or container.format.name == "tty":
            raise SourceError(f"{where} holds no video; give a video file, a folder of pictures or a webcam's number")
        # One thread: with several, the pictures at a damaged place differ from run to run, and cost more CPU in all.
        streams[0].thread_type, streams[0].thread_count = "NONE", 1
        yield container, streams[0]


def _first(camera: str, path: Path, container: InputContainer, stream: VideoStream) -> av.VideoFrame:
    """The first frame that decodes."""
    failure = "it holds no frames"
    for packet in _packets(container, stream):
        if isinstance(packet, _BrokenError):
            failure = str(packet)
            break
        try:
            for frame in packet.decode():
                assert isinstance(frame, av.VideoFrame)
                return frame
        except av.EOFError:
            break
        except av.FFmpegError as error:
            failure = _reason(error)
    raise SourceError(
        f"camera {camera!r}: {path}: not one frame can be decoded ({failure}); copy the file again or convert it to mp4"
    )


def _not_video(path: Path, error: av.FFmpegError) -> str:
    if isinstance(error, av.InvalidDataError):
        with path.open("rb") as opened:
            if opened.read(8)[4:] == b"ftyp":
                return (
                    "is an MP4 without its index (the recording or the copy was cut off): nothing can be read;"
                    " copy it again or repair it, and record to mkv to survive a cut"
                )
    return f"is not a video that can be read ({_reason(error)}); expected mp4, mkv, avi or raw H.264"


def _reason(error: av.FFmpegError) -> str:
    return str(error.strerror)


def _stamp_s(frame: av.VideoFrame, decode_order: bool) -> float | None:
    """Presentation time by the file's own clock.

    AVI stores no presentation times: there the decoder's pts are in decoding order, and dts, handed out frame by frame
    in the order shown, is what grows as it should.
    """
    stamp = frame.dts if decode_order or frame.pts is None else frame.pts
    return None if stamp is None or frame.time_base is None else float(stamp * frame.time_base)


def _rate_fps(stream: VideoStream) -> float:
    """FFmpeg's best guess where it is sane, else the average, else 25."""
    for rate in (stream.guessed_rate, stream.average_rate):
        if rate and 0 < rate <= _MAX_FPS:
            return float(rate)
    return _DEFAULT_FPS


def _length(container: InputContainer, stream: VideoStream, rate_fps: float) -> int | None:
    """About how many frames: the index's count, else duration times rate."""
    if stream.frames > 0:
        return stream.frames
    # The container's duration is that of its longest stream, which may be the sound.
    duration_s = _promised_s(container, stream) or (container.duration or 0) / 1e6
    return round(duration_s * rate_fps) or None


def _assert_whole(container: InputContainer, stream: VideoStream, count: int, reached_s: float) -> None:
    """Raise where a file ends long before its header says: FFmpeg reads most cut-off files without an error."""
    promised_s = _promised_s(container, stream)
    # Edits may hide frames of an MP4, and a last picture may stay for long: only both together are a cut.
    short = promised_s is not None and promised_s - reached_s > max(2.0, 0.02 * promised_s)
    if short and (count < stream.frames or stream.frames == 0):
        raise _BrokenError(f"it is cut off, its header promises {promised_s:.1f} s")


def _promised_s(container: InputContainer, stream: VideoStream) -> float | None:
    """When the last frame ends by the header: AVI counts frames, MP4 knows the length, Matroska may tag it."""
    seconds_per_tick = float(stream.time_base or 0)
    if container.format.name == "avi":
        return stream.frames * seconds_per_tick
    if "mp4" in container.format.name:
        return (stream.duration or 0) * seconds_per_tick
    clock = re.fullmatch(r"(\d+):(\d+):(\d+\.\d+)", stream.metadata.get("DURATION", ""))
    return int(clock[1]) * 3600.0 + int(clock[2]) * 60.0 + float(clock[3]) if clock else None


def _clockwise_deg(frame: av.VideoFrame, rotate_deg: int) -> int:
    """Turn that shows the frame upright: against its display matrix (counter-clockwise), then as configured."""
    return (rotate_deg - 90 * round(frame.rotation / 90)) % 360


def _turned_size(frame: av.VideoFrame, clockwise_deg: int) -> tuple[int, int]:
    return (frame.height, frame.width) if clockwise_deg % 180 else (frame.width, frame.height)
