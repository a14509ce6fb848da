"""A source whose frames say where something moves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from perdure.types import Frame
from perdure.video.doze import QUIET_AFTER_S
from perdure.video.files import VideoFile
from perdure.video.motion import Background, watch
from perdure.video.source import Source


@dataclass(frozen=True)
class Watched:
    """Any source, watched for motion while it is read, in the thread that reads it.

    Of a video file only key frames are given, and decoded, while nothing moves.
    """

    source: Source

    @property
    def camera(self) -> str:
        """The camera's name."""
        return self.source.camera

    @property
    def length(self) -> int | None:
        """See ``Source``."""
        return self.source.length

    def frames(self, start: int = 0) -> Iterator[Frame]:
        """See ``Source``. What came before ``start`` is watched too, so that motion is the same as in a whole reading.

        Raises:
            SourceError: see ``Source``.
        """
        source = self.source
        frames = source.frames(quiet_after_s=QUIET_AFTER_S) if isinstance(source, VideoFile) else source.frames()
        background: Background | None = None
        for frame in frames:
            background, motion = watch(background, frame)
            if frame.index >= start:
                yield replace(frame, motion=motion)
