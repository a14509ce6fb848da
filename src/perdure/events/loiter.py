"""Somebody who is about for long, wherever: over cameras, zones and time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from perdure.types import Float64s

Span = tuple[float, float]
"""From when to when, UTC seconds."""
_EXACT_S = 1e-6
"""Times are floats of 1e9 s."""


@dataclass(frozen=True, slots=True)
class Loitering:
    """Somebody was seen for longer than ``after_s`` within ``within_s``."""

    start: float
    """They were first seen, within that time."""
    since: float
    """It became too long."""
    end: float
    """They were seen last before it was no longer so."""


def loitering(spans: Iterable[Span], after_s: float, within_s: float) -> list[Loitering]:
    """When somebody loitered, in order.

    The time seen within the last ``within_s`` rises by a second a second while somebody is seen and falls when that
    leaves the window. Where it reaches ``after_s`` loitering begins; where it falls below, it is over.

    Args:
        spans: when they were seen, by any cameras; may overlap.
        after_s: seconds, at most ``within_s``.
        within_s: seconds.
    """
    seen = union(spans)
    if not seen:
        return []
    edges = np.array(seen).ravel()
    total = np.cumsum(np.diff(edges, prepend=edges[0]) * (np.arange(len(edges)) % 2))
    bends = np.unique(np.concatenate([edges, edges + within_s]))
    amounts = np.interp(bends, edges, total) - np.interp(bends - within_s, edges, total)
    is_long = amounts >= after_s - _EXACT_S
    turns = np.flatnonzero(is_long[1:] != is_long[:-1])  # the first bend is the first sight, with nothing seen before
    when = [_reached(bends[i : i + 2], amounts[i : i + 2], after_s) for i in turns.tolist()]
    return [_episode(edges, since, until, within_s) for since, until in zip(when[::2], when[1::2], strict=True)]


def union(spans: Iterable[Span]) -> list[Span]:
    """Times that do not overlap, in order."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found


def _reached(times: Float64s, amounts: Float64s, level: float) -> float:
    """When a straight line from one (time, amount) to the next is at a level."""
    share = float((level - amounts[0]) / (amounts[1] - amounts[0]))
    return float(times[0] + min(1.0, max(0.0, share)) * (times[1] - times[0]))


def _episode(edges: Float64s, since: float, until: float, within_s: float) -> Loitering:
    """``edges``: starts and ends in turn."""
    starts, ends = edges[::2], edges[1::2]
    start = max(starts[np.searchsorted(ends, since - within_s, side="right")], since - within_s)
    end = min(ends[np.searchsorted(starts, until, side="right") - 1], until)
    return Loitering(float(start), since, max(float(end), since))
