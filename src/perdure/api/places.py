"""Zones and lines: drawing them, and what goes on there now and today."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from perdure.api.auth import Admin, Viewer
from perdure.api.context import Context, Service
from perdure.config import DrawnConfig
from perdure.nodes import camera_book
from perdure.store.accounts import User
from perdure.store.site_reader import EventFilter, PlaceCount

router = APIRouter(tags=["zones"])


class DrawnOut(BaseModel):
    """What is drawn on a camera's picture."""

    drawn: DrawnConfig
    editable: bool = Field(description="False: it is in perdure.yaml.")


class Waiting(BaseModel):
    """Somebody in a zone now."""

    person: str
    since: float


class PlaceOut(BaseModel):
    """A zone or line in figures; "today" is since midnight by the clock of the service."""

    place: str = Field(description="camera/name, a camera, or site.")
    camera: str
    name: str
    kind: Literal["zone", "queue", "line", "camera", "site"]
    people: list[Waiting] = Field(description="Who is there now, the longest first; of a queue: who waits.")
    count: int = Field(description="How many are there now.")
    max_people: int | None
    crossed_in: int = Field(description="Of a line, today.")
    crossed_out: int
    visitors: int = Field(description="Different people today.")
    stays: int = Field(description="Stays today.")
    mean_stay_s: float | None = Field(description="Of those that ended today; of a queue: how long people waited.")
    served: int = Field(description="Of a queue with a service line: today, before they were gone.")
    gave_up: int = Field(description="Of such a queue: left it without, today.")


@router.get("/zones")
def zones(user: Viewer, service: Service) -> list[PlaceOut]:
    """All zones, lines, and cameras or sites with a limit, with who is there now and what was today."""
    return places_now(service, user)


@router.get("/cameras/{name}/places")
def drawn(name: str, user: Viewer, service: Service) -> DrawnOut:
    """What is drawn on the picture of a camera."""
    camera = service.site.cameras.get(name)
    if camera is None or not user.sees(name):
        raise HTTPException(404, f"there is no camera {name}")
    return DrawnOut(drawn=camera.drawn, editable=_is_editable(service, name))


@router.put("/cameras/{name}/places")
def draw(name: str, given: DrawnConfig, user: Admin, service: Service) -> DrawnOut:
    """Draw anew: from now on, and after a restart. What was told before stands."""
    if name not in service.site.cameras:
        raise HTTPException(404, f"there is no camera {name}")
    if not _is_editable(service, name):
        raise HTTPException(409, f"the zones and lines of {name} are in perdure.yaml: change them there, and restart")
    site = service.site
    book = camera_book.read_drawn(site.folder)
    camera_book.write_drawn(site.folder, {**book, name: given})
    site.ask(lambda _, __: site.draw(name, given))
    service.accounts.note(site.now(), user.name, "drew zones and lines", name)
    return DrawnOut(drawn=given, editable=True)


def places_now(service: Context, user: User) -> list[PlaceOut]:
    """Every place that this user may see, in figures."""
    site, reader = service.site, service.reader
    midnight = datetime.fromtimestamp(site.now()).astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    counts: dict[str, list[PlaceCount]] = {}
    for count in reader.place_counts(midnight.timestamp()):
        counts.setdefault(count.place, []).append(count)
    visitors = reader.place_visitors(midnight.timestamp())
    there: dict[str, list[Waiting]] = {}
    for kind in ("stay", "wait"):
        for event in reader.events(EventFilter(kind=kind, open=True), None, 1000):
            there.setdefault(event.place, []).append(Waiting(person=event.identity, since=event.start))
    found = []
    for name, camera in sorted(site.cameras.items()):
        if not user.sees(name):
            continue
        for zone, config in camera.zones.items():
            here = _place(f"{name}/{zone}", name, zone, "queue" if config.queue else "zone", config.max_people)
            found.append(_filled(here, counts, there, visitors))
        for line in camera.lines:
            here = _place(f"{name}/{line}", name, line, "line", None)
            found.append(_filled(here, counts, there, visitors))
        if camera.max_people is not None:
            view = site.views.get(name)
            here = _place(name, name, name, "camera", camera.max_people)
            found.append(here.model_copy(update={"count": len(view.people) if view else 0}))
    if site.config.events.max_people is not None and not user.cameras:
        people = {person for view in list(site.views.values()) for person in view.people if person}
        here = _place("site", "", "site", "site", site.config.events.max_people)
        found.append(here.model_copy(update={"count": len(people)}))
    return found


def _is_editable(service: Context, name: str) -> bool:
    """Whether the configuration leaves drawing to the page."""
    declared = service.site.config.cameras.get(name)
    return declared is None or not declared.is_drawn or name in camera_book.read_drawn(service.site.folder)


def _place(
    place: str, camera: str, name: str, kind: Literal["zone", "queue", "line", "camera", "site"], most: int | None
) -> PlaceOut:
    return PlaceOut(
        place=place,
        camera=camera,
        name=name,
        kind=kind,
        people=[],
        count=0,
        max_people=most,
        crossed_in=0,
        crossed_out=0,
        visitors=0,
        stays=0,
        mean_stay_s=None,
        served=0,
        gave_up=0,
    )


def _filled(
    place: PlaceOut, counted: dict[str, list[PlaceCount]], now: dict[str, list[Waiting]], visitors: dict[str, int]
) -> PlaceOut:
    counts, there = counted.get(place.place, []), now.get(place.place, [])
    over = {count.how: count.count for count in counts if not count.is_open}
    stays = [count for count in counts if count.kind != "crossing"]
    ended = sum(count.count for count in stays if not count.is_open)
    seconds = sum(count.seconds for count in stays)
    return place.model_copy(
        update={
            "people": sorted(there, key=lambda one: one.since),
            "count": len(there),
            "crossed_in": over.get("in", 0),
            "crossed_out": over.get("out", 0),
            "visitors": visitors.get(place.place, 0),
            "stays": sum(count.count for count in stays),
            "mean_stay_s": round(seconds / ended, 3) if ended else None,
            "served": over.get("served", 0),
            "gave_up": over.get("left", 0),
        }
    )
