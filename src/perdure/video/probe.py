"""What a live address gives, found by trying it."""

from __future__ import annotations

from dataclasses import dataclass

import av

from perdure.config import CameraConfig
from perdure.errors import SourceError
from perdure.video.live import address
from perdure.video.live_worker import opened, reason_of

_TIMEOUT_S = 8.0


@dataclass(frozen=True, slots=True)
class Found:
    """A stream whose first frame was decoded."""

    width: int
    height: int
    fps: float
    codec: str


def probe(source: str, camera: str = "test") -> Found:
    """Open an address or a file and decode one frame; takes at most some seconds.

    Raises:
        SourceError: what is wrong, without the address, which may hold a password.
    """
    url = address(camera, CameraConfig(source=source))
    try:
        with opened(url, _TIMEOUT_S) as container:
            stream = container.streams.video[0]
            frame = next(container.decode(stream))
            rate = stream.guessed_rate or stream.average_rate
            return Found(frame.width, frame.height, float(rate or 0), stream.codec_context.name)
    except StopIteration as error:
        raise SourceError(f"camera {camera!r}: the stream holds no frame") from error
    except av.FFmpegError as error:
        raise SourceError(
            f"camera {camera!r}: {reason_of(error)}; check the address, the user and the password"
        ) from error
