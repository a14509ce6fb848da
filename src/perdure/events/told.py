"""What was told, revision by revision: tells only what is news, and what no longer stands."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from perdure.types import Event

NOBODY = "nobody"
"""``superseded_by`` of an event whose sightings went nowhere."""


@dataclass(slots=True)
class Told:
    """The last revision of every event that stands, by owner: an identity, or the place of an occupancy."""

    events: dict[str, Event] = field(default_factory=dict)
    """By id."""
    open: set[str] = field(default_factory=set)
    _of_owner: dict[str, set[str]] = field(default_factory=dict)
    _gone: dict[str, Event] = field(default_factory=dict)
    """The last word on events that no longer stand: one that comes back goes on counting its revisions."""

    def restore(self, events: Iterable[Event]) -> None:
        """Take up what was told before, the last revision of each event."""
        for event in events:
            if event.superseded_by:
                self._gone[event.id] = event
            else:
                self._keep(event)

    def of(self, owner: str) -> list[Event]:
        """What stands of an owner, in order of id."""
        return [self.events[id] for id in sorted(self._of_owner.get(owner, ()))]

    def revise(self, event: Event) -> Event | None:
        """Keep the event as the newest revision of its id; None where nothing about it changed."""
        before = self.events.get(event.id)
        if before is not None:
            event = replace(event, revision=before.revision)
            if event == before:
                return None
            event = replace(event, revision=before.revision + 1)
            self._of_owner[owner_of(before)].discard(event.id)
        elif (gone := self._gone.pop(event.id, None)) is not None:
            event = replace(event, revision=gone.revision + 1)
        self._keep(event)
        return event

    def settle(self, owners: Sequence[str], fresh: Sequence[Event], since: float = -math.inf) -> list[Event]:
        """Make these all the events of these owners; what is news about that.

        Args:
            owners: whose events may have changed.
            fresh: what stands now, of all of them.
            since: events that began before, UTC seconds, are left as they are.
        """
        told = [revised for event in fresh if (revised := self.revise(event)) is not None]
        standing = {event.id for event in fresh}
        for owner in owners:
            for id in sorted(self._of_owner.get(owner, set()) - standing):
                if self.events[id].start >= since:
                    before = self._remove(id)
                    home = _home(before, fresh)
                    last = replace(before, revision=before.revision + 1, superseded_by=home or NOBODY)
                    self._gone[id] = last
                    told.append(last)
        return told

    def forget(self, owner: str) -> None:
        """Drop all of an owner; nobody is told."""
        for id in list(self._of_owner.pop(owner, ())):
            self.events.pop(id, None)
            self.open.discard(id)
        for id in [id for id, event in self._gone.items() if event.identity == owner]:
            del self._gone[id]

    def drop(self, before: float) -> None:
        """What ended before this time (UTC seconds) is not kept."""
        for id in [id for id, event in self.events.items() if event.end is not None and event.end < before]:
            self._remove(id)
        for id in [id for id, event in self._gone.items() if event.start < before]:
            del self._gone[id]

    def _keep(self, event: Event) -> None:
        self.events[event.id] = event
        self._of_owner.setdefault(owner_of(event), set()).add(event.id)
        (self.open.add if event.end is None else self.open.discard)(event.id)

    def _remove(self, id: str) -> Event:
        event = self.events.pop(id)
        self._of_owner[owner_of(event)].discard(id)
        self.open.discard(id)
        return event


def owner_of(event: Event) -> str:
    """Whose it is: a person's, or a place's."""
    return event.identity or f"occupancy of {event.place}"


def _home(gone: Event, fresh: Sequence[Event]) -> str:
    """The event that tells now what one told that no longer stands; "" where none does."""
    seen_by = {s.tracklet for s in gone.sightings}
    alike = [
        event
        for event in fresh
        if (event.kind, event.place, event.direction) == (gone.kind, gone.place, gone.direction)
        and (_overlap(event, gone) if gone.kind == "occupancy" else seen_by & {s.tracklet for s in event.sightings})
    ]
    return min(alike, key=lambda event: (abs(event.start - gone.start), event.id)).id if alike else ""


def _overlap(first: Event, second: Event) -> bool:
    ends = [math.inf if event.end is None else event.end for event in (first, second)]
    return first.start <= ends[1] and second.start <= ends[0]
