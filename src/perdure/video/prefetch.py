"""Decoding ahead in a thread, so that several cameras decode while the networks run."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator, Iterator
from typing import Final

from perdure.types import Frame

AHEAD: Final = 8
_JOIN_S: Final = 5.0


def prefetch(frames: Iterator[Frame], ahead: int = AHEAD) -> Generator[Frame]:
    """The same frames in the same order, up to ``ahead`` of them decoded in advance by a thread of their own.

    An exception of ``frames`` is raised here after the frames before it. Closing the generator (or an exception in
    whoever reads it) stops the thread after the frame in hand and closes ``frames`` there.
    """
    reader = _Reader(frames, ahead)
    reader.start()
    try:
        while (item := reader.take()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        reader.stop()


class _Reader(threading.Thread):
    """Fills a bounded queue; the last thing in it is an exception or None."""

    def __init__(self, frames: Iterator[Frame], ahead: int) -> None:
        super().__init__(name="perdure-prefetch", daemon=True)
        self._frames = frames
        self._ahead = ahead
        self._queue: deque[Frame | BaseException | None] = deque()
        self._changed = threading.Condition()
        self._stopped = False

    def run(self) -> None:
        """Read until the end, an error, or ``stop``."""
        end: BaseException | None = None
        try:
            for frame in self._frames:
                if not self._put(frame):
                    break
        except BaseException as error:  # noqa: BLE001 - handed on to the reader's thread
            end = error
        finally:
            close = getattr(self._frames, "close", None)
            if close is not None:
                close()
            with self._changed:
                self._queue.append(end)
                self._changed.notify_all()

    def _put(self, frame: Frame) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or len(self._queue) < self._ahead)
            if not self._stopped:
                self._queue.append(frame)
                self._changed.notify_all()
            return not self._stopped

    def take(self) -> Frame | BaseException | None:
        """The next frame, the exception that ended them, or None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue)
            item = self._queue.popleft()
            self._changed.notify_all()
            return item

    def stop(self) -> None:
        """End the thread. A webcam that hangs in its driver is left behind (the thread is a daemon)."""
        with self._changed:
            self._stopped = True
            self._queue.clear()
            self._changed.notify_all()
        self.join(_JOIN_S)
