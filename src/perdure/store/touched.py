"""Which days of a site somebody changed: SQLite counts on by itself, whoever writes, erasing among it.

Whoever keeps something of a site in memory (stays for figures, vectors for searches) reads the counts, which are a few
hundred rows, and then only the days that count on. A day is that of a tracklet's start, in UTC, counted from 1970.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

DAY_S: Final = 86400.0
TOLD: Final = -1
"""No day: counts changes of visits."""
PLACES: Final = -2
"""No day: counts changes of what was told of zones and lines."""
OF_DAY: Final = "start >= :first AND start < :until AND CAST(start / 86400 AS INTEGER) = :day"
"""The tracklets of a day; see ``bounds``."""
FILL: Final = (
    "INSERT INTO touched SELECT DISTINCT CAST(start / 86400 AS INTEGER), 0 FROM tracklets "
    f"UNION SELECT {TOLD}, 0 UNION SELECT {PLACES}, 0"
)
"""Begins to count in a database that was written before anybody did."""


def bounds(day: int) -> dict[str, float]:
    """Parameters of ``OF_DAY``: a little wide, so that an index is used and rounding does not matter."""
    return {"first": day * DAY_S - 1.0, "until": (day + 1) * DAY_S + 1.0, "day": day}


def versions(run: Callable[[str], Iterable[Any]]) -> dict[int, int] | None:
    """How often each day was changed, and ``TOLD`` and ``PLACES``; None: nobody counts here, as in a run's database.

    Args:
        run: executes SQL and gives its rows.
    """
    if not list(run("SELECT 1 FROM sqlite_master WHERE name = 'touched'")):
        return None
    return {row[0]: row[1] for row in run("SELECT day, version FROM touched")}


def _counting(key: str) -> str:
    """Count on at a key. (Neither an upsert nor OR REPLACE: the statement that fires a trigger overrides both.)"""
    absent = f"WHERE NOT EXISTS (SELECT 1 FROM touched WHERE day = {key})"
    return f"INSERT INTO touched SELECT {key}, 0 {absent}; UPDATE touched SET version = version + 1 WHERE day = {key};"


def _day(row: str) -> str:
    return f"CAST({row}.start / 86400 AS INTEGER)"


def _told(row: str) -> str:
    return f"CASE {row}.kind WHEN 'visit' THEN {TOLD} ELSE {PLACES} END"


_BEFORE: Final = "UPDATE touched SET version = version + 1 WHERE day = (SELECT {key} FROM {table} WHERE id = NEW.id);"
"""What a row replaces has a key of its own, and no trigger fires when it goes."""
TRIGGERS: Final = tuple(
    f"CREATE TRIGGER IF NOT EXISTS {table}_{name} {when} ON {table} BEGIN {work} END"
    for table, key in (("tracklets", _day), ("events", _told))
    for name, when, work in (
        ("come", "BEFORE INSERT", _BEFORE.format(key=key(table), table=table) + _counting(key("NEW"))),
        ("change", "AFTER UPDATE", _counting(key("OLD")) + _counting(key("NEW"))),
        ("go", "AFTER DELETE", _counting(key("OLD"))),
    )
)
