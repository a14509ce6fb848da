"""A live site that lives through a made-up day in minutes: the real gallery, visits, database and notifications.

Only the cameras are missing, and the clock is moved by hand. Tracklets are told as a live camera tells them: while they
are open, again as they go on, and when they have ended.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from perdure.config import Config, NotifyConfig
from perdure.nodes.live import DATABASE, LiveSite
from perdure.nodes.notifier import Notifier
from perdure.store.outbox import Outbox
from perdure.store.site_reader import EventFilter, SiteReader
from perdure.types import Event, Exemplars, Tracklet

FIRST_TOLD_S: Final = 2.0
"""A track is worth a decision after so long."""
AGAIN_S: Final = 20.0
TICK_S: Final = 5.0
_WAY: Final = "rehearsal"


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What came of a day."""

    notifications: list[dict[str, object]]
    """What was told, in order."""
    events: list[Event]
    """Visits that stand, the newest first."""
    told: frozenset[str]
    """Of these, whoever was notified of: by their own id, or that of a visit that was taken in since."""
    people: int


def rehearse(tracklets: Sequence[Tracklet], config: Config, folder: Path) -> Rehearsed:
    """Live through all of it, from the first tracklet until the last visit has ended.

    Args:
        tracklets: at least one; each with the exemplars of one model, as it is when it has ended.
        config: of the site; cameras are not opened.
        folder: of the site; a new one.

    Raises:
        PerdureError: a model or the folder is not usable.
    """
    steps = sorted((step for one in tracklets for step in as_told(one)), key=lambda step: step[0])
    told = folder / "told.jsonl"
    site, outbox = _Site(config.model_copy(update={"cameras": {}}), folder, steps[0][0]), Outbox(folder / "outbox.db")
    with site, SiteReader(folder / DATABASE) as reader:
        notifier = Notifier(_WAY, NotifyConfig(file=str(told)), reader, outbox, folder, site.now)
        for at, tracklet in steps:
            site.wait(at, notifier, reader)
            site.know([tracklet])
            notifier.step()
        site.wait(site.clock + 2 * config.events.visit_gap_s, notifier, reader)
        events = [event for page in _pages(reader) for event in page]
        people = reader.count_people()
        lines = told.read_text(encoding="utf-8").splitlines() if told.exists() else []
        notifications = [json.loads(line) for line in lines]
        standing = frozenset(_standing(reader, one["event"]) for one in notifications)
    outbox.close()
    return Rehearsed(notifications, events, standing & {event.id for event in events}, people)


class _Site(LiveSite):
    """Whose clock stands still until it is moved."""

    def __init__(self, config: Config, folder: Path, began: float) -> None:
        self.clock = began
        super().__init__(config, folder)

    def now(self) -> float:
        """UTC seconds."""
        return self.clock

    def know(self, tracklets: Sequence[Tracklet]) -> None:
        """As its thread does after it has seen."""
        self._know(tracklets)

    def wait(self, until: float, notifier: Notifier, reader: SiteReader) -> None:
        """Let time pass as it passes for a live site; where nobody is here, all at once."""
        while self.clock + TICK_S < until and reader.count_events(EventFilter(open=True)):
            self.clock += TICK_S
            self.know([])
            notifier.step()
        self.clock = max(self.clock, until)


def as_told(tracklet: Tracklet) -> Iterator[tuple[float, Tracklet]]:
    """(when, revision): what a tracker knows of it by then."""
    (whole,) = tracklet.exemplars
    revision = 0
    for moment in np.arange(tracklet.start + FIRST_TOLD_S, tracklet.end, AGAIN_S):
        path = tracklet.path[tracklet.path[:, 0] <= moment]
        rows = np.flatnonzero(whole.at <= moment)
        if len(rows) and len(path):
            revision += 1
            known = Exemplars(
                whole.model, whole.vectors[rows], whole.quality[rows], whole.at[rows],
                tuple(whole.pictures[row] for row in rows),
            )  # fmt: skip
            so_far = replace(
                tracklet, revision=revision, end=float(moment), path=path, exemplars=(known,), ended="open"
            )
            yield float(moment), so_far
    yield tracklet.end, replace(tracklet, revision=revision + 1)


def _standing(reader: SiteReader, id: str) -> str:
    """The event that this one went into, over any number of steps; itself where it stands."""
    event = reader.event(id)
    while event is not None and event.superseded_by and event.superseded_by != id:
        id, event = event.superseded_by, reader.event(event.superseded_by)
    return id


def _pages(reader: SiteReader) -> Iterator[list[Event]]:
    after = None
    while page := reader.events(EventFilter(), after, 500):
        yield page
        after = page[-1].start, page[-1].id
