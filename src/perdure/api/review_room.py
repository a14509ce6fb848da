"""What can be reviewed here, and where it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from perdure.nodes.answer_log import AnswerLog
from perdure.nodes.live import LiveSite
from perdure.nodes.review import Desk
from perdure.store.accounts import User

Answered = TypeVar("Answered")


class Host(Protocol):
    """Where a desk is, and how to work at it."""

    @property
    def folder(self) -> Path:
        """Where the pictures lie."""

    def ask(self, work: Callable[[Desk, float], Answered]) -> Answered:
        """Do something at the desk, at a time (UTC seconds), and keep what it changed."""


@dataclass(slots=True)
class Reviewing:
    """All that can be reviewed here."""

    hosts: Mapping[str, Host]
    note: Callable[[User, str, str], None] = lambda _user, _action, _subject: None
    """(who, did what, to whom) -> the audit."""
    decides: Callable[[User], bool] = lambda user: user.role == "admin"
    """Who may decide what others dispute."""


@dataclass(slots=True)
class SiteHost:
    """The desk of a live site, in the thread of the site."""

    site: LiveSite
    desk: Desk

    @property
    def folder(self) -> Path:
        """Of the site."""
        return self.site.folder

    def ask(self, work: Callable[[Desk, float], Answered]) -> Answered:
        """See ``Host``."""

        def at_desk(_: object, at: float) -> Answered:
            self.desk.hold(at)
            answer = work(self.desk, at)
            if revised := self.desk.take_revised():
                self.site.remember(revised)
            return answer

        return self.site.ask(at_desk)


def of_site(site: LiveSite, log: AnswerLog) -> Reviewing:
    """Reviewing a live site, before it runs; what was answered while it was not served is followed now."""
    desk = Desk("site", site.site.gallery, log, "own")
    if revised := desk.take_revised():
        site.remember(revised)
    return Reviewing({desk.name: SiteHost(site, desk)})
