"""A source whose frames say where something moves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from perdure.types import Frame
from perdure.video.motion import Background, watch
from perdure.video.source import Source


@dataclass(frozen=True)
class Watched:
    """Any source, watched for motion while it is read, in the thread that reads it."""

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
        background: Background | None = None
        for frame in self.source.frames():
            background, motion = watch(background, frame)
            if frame.index >= start:
                yield replace(frame, motion=motion)
