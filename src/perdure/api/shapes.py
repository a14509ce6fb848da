"""What the API says, as documented types; times are UTC seconds."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Annotated, Generic, TypeVar

from fastapi import HTTPException, Query
from pydantic import BaseModel, Field

from perdure import types
from perdure.nodes import enrolment
from perdure.store.accounts import User
from perdure.store.changes import kind_of
from perdure.store.site_reader import Cursor, Person

Item = TypeVar("Item")

Limit = Annotated[int, Query(ge=1, le=200, description="Rows of a page.")]
After = Annotated[str | None, Query(max_length=400, description="`next` of the page before.")]


class Page(BaseModel, Generic[Item]):
    """Some rows, and where the next ones begin."""

    items: list[Item]
    next: str | None = Field(None, description="Give this as `after` for the next page; null: that was all.")


class SightingOut(BaseModel):
    """One stay before one camera."""

    tracklet: str
    camera: str
    start: float
    end: float
    picture: str = Field(description="Path below /api/v1/pictures/; empty where none was kept.")


class EventOut(BaseModel):
    """One thing that happened, however many cameras saw it."""

    id: str
    kind: types.EventKind
    identity: str = Field(description="Empty for an occupancy: it is nobody's.")
    start: float
    end: float | None = Field(description="Null while it is open.")
    cameras: list[str]
    sightings: list[SightingOut]
    picture: str
    confidence: float
    revision: int
    superseded_by: str = Field(description="The event that took this one in; empty: it stands.")
    place: str = Field(description="camera/zone, camera/line or a camera; empty: anywhere on the site.")
    direction: str = Field(description="Of a crossing: in or out.")
    outcome: str = Field(description="Of a wait: served or left, once it is known.")
    people: int = Field(description="Of an occupancy: the most at once.")


class PersonOut(BaseModel):
    """Somebody, as a list shows them."""

    id: str
    name: str
    first_seen: float | None = Field(description="Null for somebody enrolled whom no camera has seen.")
    last_seen: float | None
    confidence: float = Field(description="That all sightings show one person, 0 to 1.")
    sightings: int
    cameras: list[str]
    picture: str
    enrolled: int = Field(description="Pictures that somebody gave by hand; 0: only cameras know them.")
    watched: bool = Field(description="Whether they are on the watch list.")


class Reason(BaseModel):
    """Why a sighting is this person."""

    at: float
    what: str
    probability: float | None
    best: str | None
    second: str | None
    terms: dict[str, float] = Field(description="Terms of the log odds, in nats.")
    vetoes: list[str]


class StayOut(SightingOut):
    """One stay before one camera, with what was decided about it."""

    pictures: list[str]
    reasons: list[Reason]


class PersonDetails(PersonOut):
    """Somebody, with everything."""

    stays: list[StayOut]
    visits: list[EventOut]


class ChangeOut(BaseModel):
    """One entry of the gallery's log."""

    position: int
    kind: str
    at: float
    about: dict[str, object]
    stands: bool = Field(description="False: it was taken back.")


def event_out(event: types.Event, user: User) -> EventOut:
    """As this user may see it: without cameras that are not theirs."""
    sightings = [sighting_out(s) for s in event.sightings if user.sees(s.camera)]
    cameras = [camera for camera in event.cameras if user.sees(camera)]
    best = max((s for s in event.sightings if user.sees(s.camera)), key=lambda s: s.quality, default=None)
    return EventOut(
        id=event.id,
        kind=event.kind,
        identity=event.identity,
        start=event.start,
        end=event.end,
        cameras=cameras,
        sightings=sightings,
        picture="" if best is None else best.picture,
        confidence=event.confidence,
        revision=event.revision,
        superseded_by=event.superseded_by,
        place=event.place,
        direction=event.direction,
        outcome=event.outcome,
        people=event.people,
    )


def visible(event: types.Event, user: User) -> bool:
    """Whether a user may know of it; what is about the whole site is for those who see all of it."""
    return not user.cameras or any(user.sees(camera) for camera in event.cameras)


def sighting_out(sighting: types.Sighting) -> SightingOut:
    """One stay."""
    return SightingOut(
        tracklet=sighting.tracklet,
        camera=sighting.camera,
        start=sighting.start,
        end=sighting.end,
        picture=sighting.picture,
    )


def person_out(person: Person, user: User) -> PersonOut:
    """As this user may see them."""
    own = [camera for camera in person.cameras if user.sees(camera)]
    return PersonOut(
        id=person.id,
        name=person.name,
        first_seen=person.first_seen if person.was_seen else None,
        last_seen=person.last_seen if person.was_seen else None,
        confidence=person.confidence,
        sightings=person.sightings,
        cameras=own,
        picture=person.picture if may_see(user, person.picture) else "",
        enrolled=person.enrolled,
        watched=person.watched,
    )


def may_know(user: User, cameras: Sequence[str]) -> bool:
    """Whether a user may know of somebody seen by these cameras; of somebody never seen only who sees all cameras."""
    return any(user.sees(camera) for camera in cameras) or not user.cameras


def may_see(user: User, picture: str) -> bool:
    """Whether a user may see a kept picture: those of their cameras; those given by hand only who sees all cameras."""
    parts = PurePosixPath(picture).parts
    if not parts or ".." in parts or not picture.endswith(".jpg"):
        return False
    if parts[0] == enrolment.FOLDER:
        return len(parts) == 3 and not user.cameras
    return parts[0] == "crops" and len(parts) == 4 and user.sees(parts[1])


def change_out(position: int, change: types.Change, stands: bool) -> ChangeOut:
    """One entry of the log; the evidence is told with the person."""
    fields = [name for name in change.__dataclass_fields__ if name not in ("at", "evidence")]
    about: dict[str, object] = {name: getattr(change, name) for name in fields}
    return ChangeOut(position=position, kind=kind_of(change), at=change.at, about=about, stands=stands)


def reason_of(at: float, what: str, evidence: types.Evidence | None) -> Reason:
    """Why, in numbers."""
    if evidence is None:
        return Reason(at=at, what=what, probability=None, best=None, second=None, terms={}, vetoes=[])
    return Reason(
        at=at,
        what=what,
        probability=finite(evidence.probability),
        best=evidence.best,
        second=evidence.second,
        terms={term.name: term.value for term in evidence.terms if math.isfinite(term.value)},
        vetoes=list(evidence.vetoes),
    )


def finite(value: float) -> float | None:
    """JSON knows no NaN."""
    return value if math.isfinite(value) else None


def cursor_of(after: str | None) -> Cursor | None:
    """What ``next`` stood for.

    Raises:
        HTTPException: 422 where it was never given out.
    """
    if after is None:
        return None
    try:
        time, id = json.loads(base64.urlsafe_b64decode(after.encode()))
        return float(time), str(id)
    except (ValueError, TypeError, binascii.Error) as error:
        raise HTTPException(422, "after is not the `next` of a page") from error


def next_of(time: float, id: str) -> str:
    """Where the next page begins."""
    return base64.urlsafe_b64encode(json.dumps([time, id]).encode()).decode()
