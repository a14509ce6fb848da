"""``report.html``: one file with everything in it, to look at, to mail, to keep."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import jinja2

from perdure.report.colours import Colour, colour_of, hex_of, ink_on
from perdure.report.decisions import Teller
from perdure.report.pictures import Album, Picture, by_camera
from perdure.report.result import CameraRun, RunResult
from perdure.report.timeline import Bar, Span, bars
from perdure.report.words import LIVE_FROM_S, clock, count, duration, listed, percent
from perdure.types import Event, Identity

MAX_PEOPLE: Final = 1000
MAX_VISITS: Final = 2000
MAX_DECISIONS: Final = 500
OPEN_DECISIONS: Final = 12
"""So many are shown before one has to ask for more."""
_PICTURES: Final = 900
"""About so many large pictures in all: 4 MB."""
_PICTURES_EACH: Final = 8
_PICTURE_PX: Final = 160
_THUMBNAIL_PX: Final = 56
_SMALL_PICTURES: Final = 600


@dataclass(frozen=True, slots=True)
class Chip:
    """The colour of a person."""

    fill: str
    ink: str


@dataclass(frozen=True, slots=True)
class Person:
    """One card."""

    anchor: str
    identity: Identity
    visits: int
    seen_s: float
    shots: tuple[tuple[str, tuple[Picture, ...]], ...]
    """Pictures by camera."""
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Visit:
    """One line of the table of visits."""

    event: Event
    seen_s: float
    picture: Picture | None


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a part of the time went."""

    name: str
    seconds: float
    ms_per_frame: float
    share: float
    """Percent of the stages together."""


@dataclass(frozen=True, slots=True)
class Watched:
    """One camera in the statistics."""

    run: CameraRun
    people: int
    visits: int


def page(result: RunResult, out: Path) -> str:
    """The page of a run whose pictures lie under ``out``. Needs nothing else: no file, no network, no script.

    Its size is bounded: of very many people, visits or decisions the page shows a part and says so.
    """
    album = Album(out)
    people = _people(result, album)
    return _template().render(
        run=result,
        people=people,
        anchors={person.identity.id: person.anchor for person in people},
        visits=_visits(result, album),
        decisions=Teller(result, album).tell(MAX_DECISIONS),
        watched=_watched(result),
        broken=[camera for camera in result.cameras if camera.broken],
        span=_span(result),
        stages=_stages(result),
        looked_at=sum(camera.looked_at for camera in result.cameras),
        footage_s=sum(camera.footage_s for camera in result.cameras),
        open_decisions=OPEN_DECISIONS,
    )


def _people(result: RunResult, album: Album) -> list[Person]:
    shown = result.identities[:MAX_PEOPLE]
    each = max(1, min(_PICTURES_EACH, _PICTURES // max(len(shown), 1)))
    span, names = _span(result), [camera.name for camera in result.cameras]
    visits = Counter(event.identity for event in result.visits)
    people = []
    for number, identity in enumerate(shown, 1):
        shots = []
        for camera, references in by_camera(identity, result.tracklets, each):
            found = (album.get(reference, _PICTURE_PX) for reference in references)
            shots.append((camera, tuple(picture for picture in found if picture is not None)))
        seen_s = sum(s.end - s.start for s in identity.sightings)
        lanes = tuple(bars(identity, span, names))
        people.append(Person(f"person-{number}", identity, visits[identity.id], seen_s, tuple(shots), lanes))
    return people


def _visits(result: RunResult, album: Album) -> list[Visit]:
    visits = []
    for place, event in enumerate(result.visits[:MAX_VISITS]):
        end = max(s.end for s in event.sightings) if event.end is None else event.end
        picture = album.get(event.picture, _THUMBNAIL_PX) if place < _SMALL_PICTURES else None
        visits.append(Visit(event, end - event.start, picture))
    return visits


def _watched(result: RunResult) -> list[Watched]:
    return [
        Watched(
            camera,
            sum(camera.name in identity.cameras for identity in result.identities),
            sum(camera.name in event.cameras for event in result.visits),
        )
        for camera in result.cameras
    ]


def _stages(result: RunResult) -> list[Stage]:
    stages = result.cost.stages_s
    total, frames = sum(stages.values()) or 1.0, max(sum(camera.looked_at for camera in result.cameras), 1)
    return [Stage(name, s, 1000 * s / frames, round(100 * s / total, 1)) for name, s in stages.items()]


def _span(result: RunResult) -> Span:
    """From the recording's start (live: the first sighting) to the last sighting or frame."""
    seen = [sighting for identity in result.identities for sighting in identity.sightings]
    first = min((s.start for s in seen), default=0.0)
    start = first if first >= LIVE_FROM_S else min(first, 0.0)
    footage_s = max((camera.footage_s for camera in result.cameras), default=0.0)
    return Span(start, max([start + footage_s, *(s.end for s in seen)]))


def chip(identity: str) -> Chip:
    """The colour that this person has in the video too."""
    colour: Colour = colour_of(identity)
    return Chip(hex_of(colour), hex_of(ink_on(colour)))


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("perdure.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(clock=clock, duration=duration, percent=percent, listed=listed)
    environment.globals.update(count=count, chip=chip)
    return environment.get_template("report.html.j2")
