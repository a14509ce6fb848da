"""Where everything lies on the time line: shares of its width, not pixels, so that it fits any screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from perdure.report.words import clock
from perdure.types import Identity

_STEPS_S: Final = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
_MAX_TICKS: Final = 8


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the axis."""

    left: float
    """Percent of the width."""
    label: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One sighting."""

    left: float
    """Percent of the width."""
    width: float
    """Percent of the width."""
    camera: int
    """Position of its camera among the cameras of the run."""
    lane: int
    """0, or more where sightings of one person overlap."""
    name: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Span:
    """The stretch of time that is shown, s."""

    start: float
    end: float

    def percent(self, at: float) -> float:
        """Where a moment lies, 0..100."""
        share = (at - self.start) / max(self.end - self.start, 1e-9)
        return round(100 * min(max(share, 0.0), 1.0), 3)

    def ticks(self) -> list[Tick]:
        """At most nine of them, at round times."""
        length = self.end - self.start
        steps = _STEPS_S if self.end < 3600 else _STEPS_S[1:]  # from an hour on the clock shows whole seconds
        step = next((s for s in steps if length / s <= _MAX_TICKS), 86400 * -(-length // (86400 * _MAX_TICKS)))
        first = -(-self.start // step)
        numbers = range(int(first), int(self.end // step) + 1)
        return [Tick(self.percent(n * step), _label(n * step, fine=step < 1)) for n in numbers]


def bars(identity: Identity, span: Span, cameras: list[str]) -> list[Bar]:
    """The sightings of one person; those that overlap lie in different lanes."""
    lanes: list[float] = []
    found = []
    for sighting in sorted(identity.sightings, key=lambda s: (s.start, s.end)):
        lane = next((i for i, end in enumerate(lanes) if end <= sighting.start), len(lanes))
        lanes[lane : lane + 1] = [sighting.end]
        left = span.percent(sighting.start)
        width = round(span.percent(sighting.end) - left, 3)
        place = cameras.index(sighting.camera)
        found.append(Bar(left, width, place, lane, sighting.camera, sighting.start, sighting.end))
    return found


def _label(at: float, *, fine: bool) -> str:
    """The clock, without tenths where the steps are whole seconds."""
    label = clock(at)
    return label if fine else label.removesuffix(".0")
