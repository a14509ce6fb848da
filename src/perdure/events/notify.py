"""What is worth a notification: one a visit, however many cameras, re-sightings and revisions it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from perdure.types import Event, Moment


@dataclass(frozen=True, slots=True)
class Rule:
    """When somebody wants to be told."""

    on: tuple[Moment, ...] = ("opened",)
    cameras: tuple[str, ...] = ()
    """Only visits seen by one of these; none: all."""
    quiet: tuple[tuple[int, int], ...] = ()
    """Seconds of the local day from and to which nothing is told; may reach over midnight."""
    only: Literal["everybody", "strangers", "known", "returning"] = "everybody"
    """Strangers have no name; the known have one; the returning were here before this visit."""
    after_s: float = 5.0
    """A visit is told when it is this old: a person seen twice at first is often one by then."""


@dataclass(frozen=True, slots=True)
class Guest:
    """Whose visit it is."""

    name: str
    first_seen: float


def moment_of(event: Event) -> Moment:
    """What the last revision of a visit says."""
    return "opened" if event.end is None else "closed"


def due_at(event: Event, rule: Rule) -> float:
    """When this revision may be told, UTC seconds."""
    return event.start + rule.after_s if event.end is None else event.end


def wanted(event: Event, guest: Guest, rule: Rule, told: Sequence[Moment], local_s: float) -> Moment | None:
    """What to tell of a visit now; None: nothing.

    A visit that is over before it was old enough to be told is still told as opened.

    Args:
        event: its last revision.
        guest: whose visit it is.
        rule: when to tell.
        told: what was told of this visit before.
        local_s: seconds since local midnight.
    """
    if event.superseded_by or (rule.cameras and not set(rule.cameras) & set(event.cameras)):
        return None
    if is_quiet(local_s, rule) or not _is_one_of(event, guest, rule):
        return None
    moment = moment_of(event)
    if moment == "closed" and "closed" in rule.on and "closed" not in told:
        return "closed"
    return "opened" if "opened" in rule.on and not told else None


def is_quiet(local_s: float, rule: Rule) -> bool:
    """Whether nothing is told at this time of the day."""
    return any(
        begin <= local_s < end if begin <= end else local_s >= begin or local_s < end for begin, end in rule.quiet
    )


def _is_one_of(event: Event, guest: Guest, rule: Rule) -> bool:
    match rule.only:
        case "everybody":
            return True
        case "strangers":
            return not guest.name
        case "known":
            return bool(guest.name)
        case "returning":
            return guest.first_seen < event.start
