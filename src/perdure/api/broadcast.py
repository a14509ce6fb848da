"""Live events to many at once: one thread watches the site, everybody else waits in the event loop."""

from __future__ import annotations

import asyncio
import threading

from perdure.nodes.live import LiveSite
from perdure.store.site_reader import SiteReader
from perdure.types import Event

_LOOK_EVERY_S = 1.0
"""Also without having been told: nothing is lost to a missed notice."""


class Broadcast:
    """Wakes whoever waits when events were told; what they were is read from the database, each from where it was."""

    def __init__(self, site: LiveSite, reader: SiteReader) -> None:
        self._site, self._reader = site, reader
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news = asyncio.Event()
        self._closing = threading.Event()
        self.last = reader.last_told()
        """Number of what was told last."""

    def start(self) -> None:
        """In the event loop that serves."""
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._watch, name="perdure broadcast", daemon=True).start()

    def close(self) -> None:
        """Wake everybody for the last time."""
        self._closing.set()
        self._wake()

    @property
    def closing(self) -> bool:
        """Whether the service ends."""
        return self._closing.is_set()

    async def after(self, seq: int, timeout_s: float) -> list[tuple[int, Event]]:
        """What was told after this number; waits for it at most so long."""
        if self.last <= seq and not self.closing:
            news = self._news
            try:
                async with asyncio.timeout(timeout_s):
                    await news.wait()
            except TimeoutError:
                return []
        if self.last <= seq:
            return []
        return await asyncio.to_thread(self._reader.told_after, seq)

    def _watch(self) -> None:
        while not self.closing:
            with self._site.told:
                self._site.told.wait(_LOOK_EVERY_S)
            last = self._reader.last_told()
            if last > self.last:
                self.last = last
                self._wake()

    def _wake(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._ring)

    def _ring(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()
