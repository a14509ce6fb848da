"""From tracks to tracklets: what is told, when, and how a tracklet began and ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np

from perdure.config import TrackingConfig
from perdure.track.album import Album
from perdure.track.journal import Journal
from perdure.track.tracks import Tracks
from perdure.track.zones import SURE, Zones, touches_border
from perdure.types import Began, Ended, Float64s, Ints, Tracklet

_RETELL_S = 5.0
Llr: TypeAlias = Callable[[Float64s, Float64s], Float64s]
"""(cosines, quality) -> nats for one person."""


class Teller:
    """Keeps what a tracklet needs beyond its track: its journal, how it began, its revision, and the closed ones."""

    def __init__(self, camera: str, config: TrackingConfig, zones: Zones) -> None:
        self.journal, self._zones = Journal(), zones
        self._camera, self._config = camera, config
        self._size = (0, 0)
        self._began: dict[int, tuple[Began, int | None]] = {}
        self._revision: dict[int, int] = {}
        self._closed: list[Tracklet] = []

    def began(self, numbers: Ints, boxes: Float64s, size: tuple[int, int]) -> None:
        """New tracks start in these boxes."""
        self._size = size
        entered = touches_border(boxes, size) | (self._zones.entering(boxes, size) >= SURE)
        for number, at_entry in zip(numbers.tolist(), entered.tolist(), strict=True):
            self._began[number] = ("entered" if at_entry else "appeared", None)

    def closed(
        self, ended: Tracks, albums: dict[int, Album], size: tuple[int, int] | None, llr: Llr, fresh: Iterator[int]
    ) -> None:
        """These tracks are over; one never confirmed is forgotten untold. Without ``size`` the stream is over.

        One whose pictures show a second person (``llr`` says what a cosine is worth) is told as two, the second under a
        ``fresh`` number.
        """
        gone = touches_border(ended.box, size or self._size)
        gone |= self._zones.leaving(ended.box, size or self._size) >= SURE
        for row, number in enumerate(ended.number.tolist()):
            if ended.confirmed[row]:
                path = self.journal.path(int(ended.entry[row]))
                if size is not None and not ended.adrift[row]:
                    self._learn(number, path, size)
                self._close(number, path, albums[number], "left" if gone[row] else "lost", llr, fresh)
            self._forget(number)

    def _close(self, number: int, path: Float64s, album: Album, ended: Ended, llr: Llr, fresh: Iterator[int]) -> None:
        """One finished tracklet, or two where it was of two people."""
        at = album.split(llr)
        before = 0 if at is None else int(np.searchsorted(path[:, 0], at))
        if at is None or not 0 < before < len(path):
            self._closed.append(self._tracklet(number, path, album, ended))
            return
        (first, second), heir = album.parted(at), next(fresh)
        self._closed.append(self._tracklet(number, path[:before], first, "lost"))
        self._began[heir] = ("appeared", number)
        self._closed.append(self._tracklet(heir, path[before:], second, ended))
        self._forget(heir)

    def _learn(self, number: int, path: Float64s, size: tuple[int, int]) -> None:
        """One more person has come in at the first box and gone at the last."""
        self._zones.gone(path[-1:, 2:6], size)
        if self._began[number][0] != "cut":
            self._zones.came(path[:1, 2:6], size)

    def cut(self, number: int, entry: int, album: Album, heir: int) -> int:
        """A long stay goes on under the number ``heir``, from its last box on; the entry of the heir."""
        path = self.journal.path(entry)
        self._closed.append(self._tracklet(number, path[:-1], album, "cut"))
        self._forget(number)
        self._began[heir] = ("cut", number)
        last = path[-1]
        return int(self.journal.add(np.array([-1]), last[0], int(last[1]), last[None, 2:6], last[6:7])[0])

    def tell(self, tracks: Tracks, albums: dict[int, Album], at: float) -> list[Tracklet]:
        """Everything closed, and open tracks that are due, oldest first; marks these as told."""
        told, self._closed = self._closed, []
        if not tracks.news.any():
            return told
        old = tracks.confirmed & (at - tracks.born >= self._config.tell_after_s)
        for row in np.flatnonzero(old & tracks.news & (at - tracks.told >= _RETELL_S)).tolist():
            number = int(tracks.number[row])
            told.append(self._tracklet(number, self.journal.path(int(tracks.entry[row])), albums[number], "open"))
            self._revision[number] = told[-1].revision
            tracks.news[row], tracks.told[row] = False, at
        return told

    def _tracklet(self, number: int, path: Float64s, album: Album, ended: Ended) -> Tracklet:
        began, parent = self._began[number]
        return Tracklet(
            id=f"{self._camera}/{number}",
            revision=self._revision.get(number, 0) + 1,
            camera=self._camera,
            start=float(path[0, 0]),
            end=float(path[-1, 0]),
            path=path,
            exemplars=album.exemplars(),
            began=began,
            ended=ended,
            supersedes=None if parent is None else f"{self._camera}/{parent}",
            size=self._size,
        )

    def _forget(self, number: int) -> None:
        del self._began[number]
        self._revision.pop(number, None)
