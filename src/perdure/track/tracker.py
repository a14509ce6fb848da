"""The seam for trackers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from perdure.types import Bools, Crops, Detections, Float32s, Float64s, Ints, Tracklet


class Tracker(Protocol):
    """Follows the people of one camera. A frame is one ``propose``, one ``commit``, and then ``tell``."""

    def propose(
        self, index: int, at: float, size: tuple[int, int], detections: Detections, warp: Float64s | None = None
    ) -> Ints:
        """Take the detections of one frame; (K,) int64 rows whose embedding could change something.

        ``index`` is the frame's, ``at`` UTC seconds, ``size`` (width, height) px. Frames come in order of time.

        Raises:
            ValueError: time does not advance.
        """

    def commit(self, crops: Sequence[Crops]) -> None:
        """Finish the frame with the embedded crops of rows asked for (or of some), one ``Crops`` per model and part."""

    def tell(self) -> list[Tracklet]:
        """Tracklets that are new, or revised, since the last call."""

    def finish(self) -> list[Tracklet]:
        """The stream has ended: close every track and tell what has changed."""

    def current(self) -> tuple[Ints, Float32s]:
        """(N,) numbers and (N, 4) boxes of the people followed now, predicted to the last frame."""

    def expected(self) -> tuple[Float32s, Bools]:
        """(N, 4) boxes where people were last, and (N,) which are followed without doubt.

        In doubt are new tracks, and those missed, hidden or swapped lately; people lost for longer are not awaited.
        """
