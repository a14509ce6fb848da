"""People who wait: how long each of them, and whether they were served."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from perdure.events.crossing import Crossing, crossings
from perdure.events.dwell import Stay, dwell
from perdure.events.places import Line, Zone
from perdure.types import Outcome, Tracklet


@dataclass(frozen=True, slots=True)
class Wait:
    """One person waited once."""

    stay: Stay
    outcome: Outcome
    """served: over the service line before they were gone for ``gap_s``; left: gone without; "": no line is drawn."""


def queues(
    tracklets: Sequence[Tracklet], identity_of: Mapping[str, str], zone: Zone, service: Line | None, gap_s: float
) -> dict[str, list[Wait]]:
    """Per identity how they waited in a queue, by start. Arguments as for ``dwell.dwell``; ``service``: its line."""
    over = {} if service is None else crossings(tracklets, identity_of, service, gap_s)
    waited = dwell(tracklets, identity_of, zone, gap_s)
    return {
        identity: [Wait(stay, outcome(stay, over.get(identity, []), service is not None, gap_s)) for stay in own]
        for identity, own in waited.items()
    }


def outcome(stay: Stay, over: Iterable[Crossing], has_line: bool, gap_s: float) -> Outcome:
    """How a wait ended, given when the person crossed the service line, either way."""
    if not has_line:
        return ""
    return "served" if any(stay.start <= c.at <= stay.end + gap_s for c in over) else "left"
