"""Numbers as people read them."""

from __future__ import annotations

import math
from typing import Final

LIVE_FROM_S: Final = 1e8
"""Times from here on are UTC seconds of a live camera, smaller ones count from the recording's start."""

_STAY: Final = "\N{NO-BREAK SPACE}"


def clock(at: float) -> str:
    """Seconds since the recording's start as m:ss.d, from an hour on as h:mm:ss; live: h:mm:ss of the day, UTC."""
    if at >= LIVE_FROM_S:
        return _hours(at % 86400)
    sign, at = ("-", -at) if at <= -0.05 else ("", max(at, 0.0))
    if at >= 3600 - 0.05:
        return sign + _hours(at)
    tenths = round(at * 10)
    return f"{sign}{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


def _hours(at: float) -> str:
    seconds = round(at)
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def duration(seconds: float) -> str:
    """A length of time: 4.2 s, 1 min 5 s, 2 h 10 min; numbers stay with their units (no-break spaces)."""
    if seconds < 59.95:
        return f"{seconds:.1f}{_STAY}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}{_STAY}min {rest}{_STAY}s" if rest else f"{minutes}{_STAY}min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}{_STAY}h {minutes}{_STAY}min" if minutes else f"{hours}{_STAY}h"


def count(number: int, one: str, many: str = "") -> str:
    """1 person, 2 people; ``many`` defaults to ``one`` with an s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def percent(share: float) -> str:
    """A probability; what is not quite certain is never rounded to certain."""
    if math.isnan(share):
        return "unknown"
    if 0.995 <= share < 1:
        return f">{_STAY}{99 if share < 0.9995 else 99.9}{_STAY}%"
    if 0 < share <= 0.005:
        return f"<{_STAY}1{_STAY}%"
    return f"{100 * share:.0f}{_STAY}%"


def listed(items: list[str]) -> str:
    """a, b and c."""
    return items[0] if len(items) == 1 else " and ".join((", ".join(items[:-1]), items[-1])) if items else ""
