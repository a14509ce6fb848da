"""Tells people of events, each way by a thread of its own: in order, once, again after failures and restarts."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self

from perdure.config import NotifyConfig, RuleConfig
from perdure.errors import StoreError
from perdure.events.notify import Guest, Rule, concerns, due_at, wanted
from perdure.nodes.sinks import Channel, DeliveryError, Notification, channel_of
from perdure.store.outbox import Outbox
from perdure.store.site_reader import EventFilter, SiteReader
from perdure.types import Event, Moment

_LOOK_EVERY_S: Final = 1.0
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_BACKOFF_S: Final = (1.0, 5.0, 30.0, 120.0, 600.0)
_GIVE_UP_S: Final = 86400.0
"""A day later nobody wants to know any more."""

_log = logging.getLogger(__name__)


class Notifier:
    """One way to tell somebody. Where it is in what was told, and what it told, lasts in the outbox."""

    def __init__(
        self,
        name: str,
        config: NotifyConfig,
        reader: SiteReader,
        outbox: Outbox,
        folder: Path,
        now: Callable[[], float],
        rules: Sequence[RuleConfig] = (),
    ) -> None:
        """Begins with what is told from now on, or where it was.

        Args:
            name: of the way.
            config: of the way.
            reader: of the site.
            outbox: where it is noted.
            folder: of the site, where the pictures are.
            now: UTC seconds.
            rules: what to tell; none: visits, as the way's own configuration says.

        Raises:
            ConfigError: the way is not one.
        """
        self.name, self.failures, self.last_error = name, 0, ""
        self._channel: Channel = channel_of(name, config)
        self._rules = rules_of(config, rules)
        self._reader, self._outbox, self._folder, self._now = reader, outbox, folder, now
        self._stopping = threading.Event()
        outbox.begin(name, reader.last_told())
        self._thread = threading.Thread(target=self._run, name=f"perdure notify {name}", daemon=True)

    def start(self) -> None:
        """Begin to tell."""
        self._thread.start()

    def stop(self) -> None:
        """End after what is being told."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        tries = 0
        while not self._stopping.wait(_LOOK_EVERY_S if not tries else _BACKOFF_S[min(tries - 1, len(_BACKOFF_S) - 1)]):
            try:
                self.step()
                tries = 0
            except DeliveryError as error:
                tries, self.failures, self.last_error = tries + 1, self.failures + 1, str(error)
                _log.warning("notify %s: %s; tried again later", self.name, error)
            except (StoreError, sqlite3.Error) as error:
                tries += 1
                _log.error("notify %s: %s", self.name, error)

    def step(self) -> None:
        """Take in what was told, and tell what is due.

        Raises:
            DeliveryError: something did not arrive; it is told again by the next step.
        """
        told = self._reader.told_after(self._outbox.cursor(self.name))
        for _, gone in told:
            if gone.superseded_by:  # what was told of it was told of the visit that took it in
                for before in self._outbox.told_of(self.name, gone.id):
                    self._outbox.told(self.name, gone.superseded_by, before, self._now())
        if told:
            due = {event.id: min(due) for _, event in told if (due := self._due(event))}
            self._outbox.take(self.name, told[-1][0], due)
        now = self._now()
        for id in self._outbox.due(self.name, now):
            event = self._reader.event(id)
            if event is not None and (moment := self._wanted(event, now)) is not None:
                if now - event.start < _GIVE_UP_S or event.end is None:
                    self._channel.deliver(self._notification(event, moment))
                self._outbox.told(self.name, id, moment, now)
            self._outbox.done(self.name, id)
            if event is not None and (later := [due for due in self._due(event) if due > now]):
                self._outbox.wait(self.name, id, min(later))

    def _due(self, event: Event) -> list[float]:
        """When rules that are about such an event may want it told."""
        return [due_at(event, rule) for rule in self._rules if concerns(event, rule)]

    def _wanted(self, event: Event, now: float) -> Moment | None:
        local = datetime.fromtimestamp(now).astimezone()
        local_s = local.hour * 3600 + local.minute * 60 + local.second
        told, guest = self._outbox.told_of(self.name, event.id), self._guest(event)
        ripe = (rule for rule in self._rules if due_at(event, rule) <= now)
        moments = (wanted(event, guest, rule, told, local_s, local.weekday()) for rule in ripe)
        return next((moment for moment in moments if moment is not None), None)

    def _guest(self, event: Event) -> Guest:
        person = self._reader.person(event.identity) if event.identity else None
        if person is None:
            return Guest("", event.start, event.start)
        here_since = event.start
        if event.kind != "visit":
            during = EventFilter(event.identity, (), "visit", event.start, event.start)
            here_since = min([here_since, *(visit.start for visit in self._reader.events(during, None, 1))])
        return Guest(person.name, person.first_seen, here_since, person.watched)

    def _notification(self, event: Event, moment: Moment) -> Notification:
        guest = self._guest(event)
        who = guest.name or event.identity
        content = {
            "event": event.id,
            "kind": event.kind,
            "moment": moment,
            "person": event.identity,
            "name": guest.name,
            "returning": guest.first_seen < guest.here_since,
            "watched": guest.is_watched,
            "start": event.start,
            "end": event.end,
            "cameras": list(event.cameras),
            "confidence": round(event.confidence, 3),
            "picture": event.picture,
        }
        special = {"place": event.place, "direction": event.direction, "outcome": event.outcome, "people": event.people}
        content |= {key: value for key, value in special.items() if value}
        title = title_of(event, who, is_over=moment == "closed" or event.end is not None)
        picture = self._folder / event.picture if event.picture else None
        return Notification(f"{self.name}/{event.id}/{moment}", self._now(), title, content, picture)


class Notifiers:
    """All ways of a site."""

    def __init__(
        self,
        ways: dict[str, NotifyConfig],
        reader: SiteReader,
        folder: Path,
        now: Callable[[], float] = time.time,
        rules: Mapping[str, RuleConfig] = MappingProxyType({}),
    ) -> None:
        """Raises ConfigError where a way is not one, before any begins."""
        for name, config in ways.items():
            channel_of(name, config)
        self.outbox = Outbox(folder / "outbox.db")
        own = {name: [rule for rule in rules.values() if name in rule.tell] for name in ways}
        self.ways = [
            Notifier(name, config, reader, self.outbox, folder, now, own[name]) for name, config in ways.items()
        ]

    def __enter__(self) -> Self:
        for way in self.ways:
            way.start()
        return self

    def __exit__(self, *_: object) -> None:
        for way in self.ways:
            way.stop()
        self.outbox.close()


def rules_of(config: NotifyConfig, rules: Sequence[RuleConfig]) -> tuple[Rule, ...]:
    """When to tell, as configured; what keeps a way quiet keeps all its rules quiet."""
    quiet = _times(config.quiet)
    if not rules:
        return (Rule(config.tell, config.cameras, quiet, config.only, config.after_s),)
    return tuple(
        Rule(
            rule.moments,
            config.cameras,
            quiet,
            rule.who,
            rule.after_s,
            rule.what,
            rule.where,
            rule.direction,
            rule.names,
            _times(rule.when),
            tuple(_DAYS.index(day) for day in rule.days),
        )
        for rule in rules
    )


def title_of(event: Event, who: str, is_over: bool) -> str:
    """A line that says it."""
    place = event.place or ", ".join(event.cameras)
    match event.kind:
        case "visit":
            return f"{who} {'was' if is_over else 'is'} here: {place}"
        case "stay":
            return f"{who} {'was' if is_over else 'is'} at {place}"
        case "wait":
            return f"{who} {'waited' if is_over else 'waits'} at {place}" + (f": {event.outcome}" if is_over else "")
        case "crossing":
            return f"{who} crossed {place}: {event.direction}"
        case "loitering":
            return f"{who} {'was' if is_over else 'is'} about for long: {place}"
        case "occupancy":
            return f"{event.people} people {'were' if is_over else 'are'} at {place or 'the site'}"


def _times(clocks: Sequence[tuple[str, str]]) -> tuple[tuple[int, int], ...]:
    return tuple((_seconds(begin), _seconds(end)) for begin, end in clocks)


def _seconds(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 3600 + int(minutes) * 60
