"""What the table of tracks keeps, and where: for ``Tracks``, and for compiled code that is given whole blocks of it.

The quantities of one kind lie in one block, a row for each, so that a call of compiled code takes five arguments
instead of twenty-six: each argument costs as much as the arithmetic for several people.
"""

from __future__ import annotations

REALS = ("born", "seen", "score", "trust", "told", "pictured", "doubt", "heard", "sure", "leaving")
"""(N,) float64 each."""
WHOLES = ("number", "hits", "streak", "missed", "entry", "pictures")
"""(N,) int64 each."""
MARKS = ("confirmed", "recognisable", "news", "occluded", "adrift")
"""(N,) bool each."""
BORN, SEEN, SCORE, TRUST, TOLD, PICTURED, DOUBT, HEARD, SURE, LEAVING = range(len(REALS))
NUMBER, HITS, STREAK, MISSED, ENTRY, PICTURES = range(len(WHOLES))
CONFIRMED, RECOGNISABLE, NEWS, OCCLUDED, ADRIFT = range(len(MARKS))
