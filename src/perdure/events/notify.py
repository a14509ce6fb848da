"""What is worth a notification: one thing is one, however many cameras, re-sightings and revisions it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from perdure.types import Event, EventKind, Moment


@dataclass(frozen=True, slots=True)
class Rule:
    """When somebody wants to be told."""

    on: tuple[Moment, ...] = ("opened",)
    cameras: tuple[str, ...] = ()
    """Only what is seen by one of these; none: all."""
    quiet: tuple[tuple[int, int], ...] = ()
    """Seconds of the local day from and to which nothing is told; may reach over midnight."""
    only: Literal["everybody", "strangers", "known", "returning", "new", "watched"] = "everybody"
    """Strangers have no name; the known have one; the returning were here before this visit, the new were not; the
    watched are on the watch list. A number of people is neither."""
    after_s: float = 5.0
    """It is told when it is this old: a person seen twice at first is often one by then."""
    kinds: tuple[EventKind, ...] = ("visit",)
    places: tuple[str, ...] = ()
    """Only there: cameras, or zones and lines as ``camera/zone``; none: anywhere."""
    direction: Literal["", "in", "out"] = ""
    """Of crossings; "": both."""
    names: tuple[str, ...] = ()
    """Only these people; none: whoever."""
    active: tuple[tuple[int, int], ...] = ()
    """Seconds of the local day from and to which it counts at all; none: always."""
    days: tuple[int, ...] = ()
    """Days of the week on which it counts, Monday is 0; none: all."""


@dataclass(frozen=True, slots=True)
class Guest:
    """Whose event it is."""

    name: str
    first_seen: float
    here_since: float
    """When the visit began that it belongs to."""
    is_watched: bool = False


def moment_of(event: Event) -> Moment:
    """What the last revision of a visit says."""
    return "opened" if event.end is None else "closed"


def due_at(event: Event, rule: Rule) -> float:
    """When this revision may be told, UTC seconds."""
    return event.start + rule.after_s if event.end is None else event.end


def concerns(event: Event, rule: Rule) -> bool:
    """Whether a rule is about such events, whoever it is and whenever."""
    return (
        event.kind in rule.kinds
        and (not rule.cameras or bool(set(rule.cameras) & set(event.cameras)))
        and (not rule.places or event.place in rule.places or bool(set(rule.places) & set(event.cameras)))
        and (not rule.direction or event.direction in ("", rule.direction))
    )


def wanted(
    event: Event, guest: Guest, rule: Rule, told: Sequence[Moment], local_s: float, weekday: int = 0
) -> Moment | None:
    """What to tell of an event now; None: nothing.

    One that is over before it was old enough to be told is still told as opened.

    Args:
        event: its last revision.
        guest: whose visit it is.
        rule: when to tell.
        told: what was told of this visit before.
        local_s: seconds since local midnight.
        weekday: Monday is 0.
    """
    if event.superseded_by or not concerns(event, rule) or not _is_one_of(event, guest, rule):
        return None
    if is_quiet(local_s, rule) or not is_active(local_s, weekday, rule):
        return None
    moment = moment_of(event)
    if moment == "closed" and "closed" in rule.on and "closed" not in told:
        return "closed"
    return "opened" if "opened" in rule.on and not told else None


def is_quiet(local_s: float, rule: Rule) -> bool:
    """Whether nothing is told at this time of the day."""
    return _within(local_s, rule.quiet)


def is_active(local_s: float, weekday: int, rule: Rule) -> bool:
    """Whether a rule counts at this time; what reaches over midnight belongs to the day on which it began."""
    if not rule.active:
        return not rule.days or weekday in rule.days
    for begin, end in rule.active:
        if _within(local_s, ((begin, end),)):
            began = weekday if begin <= end or local_s >= begin else (weekday - 1) % 7
            if not rule.days or began in rule.days:
                return True
    return False


def _within(local_s: float, times: Sequence[tuple[int, int]]) -> bool:
    return any(begin <= local_s < end if begin <= end else local_s >= begin or local_s < end for begin, end in times)


def _is_one_of(event: Event, guest: Guest, rule: Rule) -> bool:
    if rule.names and guest.name not in rule.names:
        return False
    if not event.identity:
        return rule.only == "everybody"
    match rule.only:
        case "everybody":
            return True
        case "strangers":
            return not guest.name
        case "known":
            return bool(guest.name)
        case "returning":
            return guest.first_seen < guest.here_since
        case "new":
            return guest.first_seen >= guest.here_since
        case "watched":
            return guest.is_watched
