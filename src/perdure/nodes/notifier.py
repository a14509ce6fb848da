"""Tells people of visits, each way by a thread of its own: in order, once, again after failures and restarts."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final, Self

from perdure.config import NotifyConfig
from perdure.errors import StoreError
from perdure.events.notify import Guest, Rule, due_at, wanted
from perdure.nodes.sinks import Channel, DeliveryError, Notification, channel_of
from perdure.store.outbox import Outbox
from perdure.store.site_reader import SiteReader
from perdure.types import Event, Moment

_LOOK_EVERY_S: Final = 1.0
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
    ) -> None:
        """Begins with what is told from now on, or where it was.

        Raises:
            ConfigError: the way is not one.
        """
        self.name, self.failures, self.last_error = name, 0, ""
        self._channel: Channel = channel_of(name, config)
        self._rule = rule_of(config)
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
            self._outbox.take(self.name, told[-1][0], {event.id: due_at(event, self._rule) for _, event in told})
        now = self._now()
        for id in self._outbox.due(self.name, now):
            event = self._reader.event(id)
            if event is not None and (moment := self._wanted(event, now)) is not None:
                if now - event.start < _GIVE_UP_S or event.end is None:
                    self._channel.deliver(self._notification(event, moment))
                self._outbox.told(self.name, id, moment, now)
            self._outbox.done(self.name, id)

    def _wanted(self, event: Event, now: float) -> Moment | None:
        local = datetime.fromtimestamp(now).astimezone()
        local_s = local.hour * 3600 + local.minute * 60 + local.second
        return wanted(event, self._guest(event), self._rule, self._outbox.told_of(self.name, event.id), local_s)

    def _guest(self, event: Event) -> Guest:
        person = self._reader.person(event.identity)
        return Guest("", event.start) if person is None else Guest(person.name, person.first_seen)

    def _notification(self, event: Event, moment: Moment) -> Notification:
        guest = self._guest(event)
        who = guest.name or event.identity
        content = {
            "event": event.id,
            "moment": moment,
            "person": event.identity,
            "name": guest.name,
            "returning": guest.first_seen < event.start,
            "start": event.start,
            "end": event.end,
            "cameras": list(event.cameras),
            "confidence": round(event.confidence, 3),
            "picture": event.picture,
        }
        doing = "is here" if moment == "opened" and event.end is None else "was here"
        title = f"{who} {doing}: {', '.join(event.cameras)}"
        picture = self._folder / event.picture if event.picture else None
        return Notification(f"{self.name}/{event.id}/{moment}", self._now(), title, content, picture)


class Notifiers:
    """All ways of a site."""

    def __init__(
        self, ways: dict[str, NotifyConfig], reader: SiteReader, folder: Path, now: Callable[[], float] = time.time
    ) -> None:
        """Raises ConfigError where a way is not one, before any begins."""
        for name, config in ways.items():
            channel_of(name, config)
        self.outbox = Outbox(folder / "outbox.db")
        self.ways = [Notifier(name, config, reader, self.outbox, folder, now) for name, config in ways.items()]

    def __enter__(self) -> Self:
        for way in self.ways:
            way.start()
        return self

    def __exit__(self, *_: object) -> None:
        for way in self.ways:
            way.stop()
        self.outbox.close()


def rule_of(config: NotifyConfig) -> Rule:
    """When to tell, as configured."""
    quiet = tuple((_seconds(begin), _seconds(end)) for begin, end in config.quiet)
    return Rule(config.tell, config.cameras, quiet, config.only, config.after_s)


def _seconds(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 3600 + int(minutes) * 60
