"""Hours and days as people live them: buckets of time that follow the clock of a place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from perdure.errors import InputError
from perdure.types import Float64s, Ints

Bucket = Literal["minute", "hour", "day", "week"]
LENGTH_S: Final[dict[Bucket, float]] = {"minute": 60.0, "hour": 3600.0, "day": 86400.0, "week": 604800.0}
MOST_BUCKETS: Final = 2000
_UP_TO: Final[tuple[tuple[Bucket, float], ...]] = (("minute", 3 * 3600), ("hour", 5 * 86400), ("day", 200 * 86400))
WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
RECORDED_BEFORE_S: Final = 1e8
"""Times below this are seconds since the start of a recording, not UTC."""


def zone(name: str | None) -> tzinfo:
    """The time zone of an IANA name; none: of this machine.

    Raises:
        InputError: there is no such zone.
    """
    if name is None:
        return datetime.now(UTC).astimezone().tzinfo or UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError(f"there is no time zone {name!r}: give one such as Europe/Berlin or UTC") from error


def fitting(since: float, until: float) -> Bucket:
    """The longest buckets of which a period still has a good number."""
    return next((bucket for bucket, most_s in _UP_TO if until - since <= most_s), "week")


def edges(since: float, until: float, bucket: Bucket, where: tzinfo) -> Float64s:
    """(B + 1,) s, where buckets begin and end: those that the period touches, on full minutes, hours, days, Mondays.

    Days of 23 and 25 hours are what they are.

    Raises:
        InputError: there would be too many.
    """
    if (until - since) / LENGTH_S[bucket] > MOST_BUCKETS:
        raise InputError(
            f"{(until - since) / 86400:.0f} days have more than {MOST_BUCKETS} {bucket}s: choose longer buckets"
        )
    if until < RECORDED_BEFORE_S or bucket in ("minute", "hour"):
        length = LENGTH_S[bucket]
        shift = 0.0 if until < RECORDED_BEFORE_S else _offset_s(since, where) % length
        first = np.floor((since + shift) / length) * length - shift
        return np.asarray(first + length * np.arange(max(1, int(np.ceil((until - first) / length))) + 1))
    day = datetime.fromtimestamp(since, where).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if bucket == "week":
        day -= timedelta(days=day.weekday())
    found = [day.timestamp()]
    while found[-1] < until:
        day += timedelta(days=7 if bucket == "week" else 1)
        found.append(day.timestamp())
    return np.array(found)


def _offset_s(at: float, where: tzinfo) -> float:
    offset = datetime.fromtimestamp(at, where).utcoffset()
    return offset.total_seconds() if offset is not None else 0.0


def weekday_and_hour(at: Float64s, where: tzinfo) -> tuple[Ints, Ints]:
    """(N,) 0 for Monday, and (N,) hour of the day, of UTC seconds."""
    local = [datetime.fromtimestamp(t, where) for t in at.tolist()]
    return np.array([t.weekday() for t in local], np.int64), np.array([t.hour for t in local], np.int64)


def label(bucket: Bucket, where: tzinfo) -> Callable[[float], str]:
    """How the beginning of a bucket is written on an axis."""
    form = {"minute": "%H:%M", "hour": "%a %H:%M", "day": "%a %d %b", "week": "%d %b %Y"}[bucket]

    def written(at: float) -> str:
        if at < RECORDED_BEFORE_S:
            return f"{int(at) // 60}:{int(at) % 60:02d}"
        return datetime.fromtimestamp(at, where).strftime(form)

    return written


def moment(text: str, where: tzinfo) -> float:
    """UTC seconds of a date, a date and time, or a number of seconds as people type it.

    Raises:
        InputError: it is neither.
    """
    try:
        return float(text)
    except ValueError:
        pass
    try:
        given = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(
            f"{text!r} is no time: give a date (2026-05-31), a date and time (2026-05-31T14:00), or seconds"
        ) from error
    return (given if given.tzinfo else given.replace(tzinfo=where)).timestamp()
