"""Several cameras as one stream in capture order."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence

from perdure.errors import SourceError
from perdure.types import Frame
from perdure.video.prefetch import AHEAD, prefetch
from perdure.video.source import Source


def merge(
    sources: Sequence[Source],
    starts: Mapping[str, int],
    on_broken: Callable[[str, SourceError], None],
    ahead: int = AHEAD,
) -> Generator[Frame]:
    """All cameras' frames in order of capture; of two at the same time, the camera given first comes first.

    Each camera is decoded by a thread of its own, up to ``ahead`` frames in advance. ``starts`` gives the first index
    of a camera (0 where it is silent). A source that breaks is told to ``on_broken``, once and in its place in the
    order; the others go on. Close the generator to end all threads.
    """
    streams: list[Generator[Frame]] = []
    heads: list[tuple[float, int, Frame]] = []

    def advance(place: int) -> None:
        try:
            frame = next(streams[place], None)
        except SourceError as error:
            on_broken(sources[place].camera, error)
            return
        if frame is not None:
            heapq.heappush(heads, (frame.at, place, frame))

    try:
        for place, source in enumerate(sources):
            streams.append(prefetch(source.frames(starts.get(source.camera, 0)), ahead))
            advance(place)
        while heads:
            _, place, frame = heapq.heappop(heads)
            yield frame
            advance(place)
    finally:
        for stream in streams:
            stream.close()


def batches(frames: Iterable[Frame], window_s: float) -> Iterator[list[Frame]]:
    """Consecutive frames of different cameras, at most one each, within ``window_s`` of the first: one network call.

    Depends only on the times from a batch's first frame on, so reading again from the start of any batch gives the
    same batches. Frames stay in order and none is lost.
    """
    batch: list[Frame] = []
    for frame in frames:
        if batch and (frame.at - batch[0].at > window_s or any(frame.camera == other.camera for other in batch)):
            yield batch
            batch = []
        batch.append(frame)
    if batch:
        yield batch
