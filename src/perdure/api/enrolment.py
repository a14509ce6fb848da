"""People who are enrolled by pictures, and the watch list."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import APIRouter, File, Form, HTTPException, UploadFile
from pydantic import BaseModel, Field

from perdure.api.auth import Operator, Viewer
from perdure.api.context import Context, Service
from perdure.api.people import found_by
from perdure.api.search import slow_down
from perdure.api.shapes import PersonOut, finite, may_know, person_out
from perdure.gallery import corrections
from perdure.gallery.calibrate import Calibration
from perdure.gallery.gallery import Gallery
from perdure.gallery.watching import limit_of, stated_rate
from perdure.nodes import enrolment
from perdure.store.accounts import User
from perdure.store.site_reader import Person
from perdure.types import Matched, Tracklet

router = APIRouter(tags=["people"])

MOST_PICTURES = 64
_HITS = 20
"""Of each person on the watch list are told."""


class Looked(BaseModel):
    """What became of one picture."""

    file: str
    outcome: Literal["used", "odd", "several", "nobody", "unusable"] = Field(
        description="odd: used, but unlike the others; several: say which box is meant."
    )
    said: str = Field(description="What is wrong, and what to do.")
    boxes: list[tuple[float, float, float, float]] = Field(
        description="People on it, xyxy px, where one is to be said."
    )


class Enrolment(BaseModel):
    """Who was enrolled, and what became of each picture."""

    person: PersonOut | None = Field(description="Null: no picture could be used, and nobody was enrolled.")
    pictures: list[Looked]


class Hit(BaseModel):
    """One stay of somebody on the watch list."""

    tracklet: str
    camera: str
    start: float
    end: float
    picture: str
    probability: float | None
    false_match_rate: float | None = Field(description="Share of strangers who look this much like somebody listed.")


class Watched(PersonOut):
    """Somebody on the watch list, with their latest stays."""

    hits: list[Hit]


class Passers(BaseModel):
    """Stays of people who are on no list and of whom nothing was kept."""

    day: str
    camera: str
    stays: int


class WatchList(BaseModel):
    """Who is followed."""

    mode: Literal["open", "closed", "watch"]
    people: list[Watched]
    passers: list[Passers] = Field(description="Modes watch and closed only.")


class Gone(BaseModel):
    """Who is left of somebody who is enrolled no longer."""

    person: str | None = Field(description="The number of what cameras saw of them; null: nothing.")


@router.post("/people")
def enrol(
    user: Operator,
    service: Service,
    name: Annotated[str, Form(min_length=1, max_length=200)],
    pictures: Annotated[list[UploadFile], File(description="Of one person: cut out, or scenes with one person.")],
    boxes: Annotated[
        str, Form(max_length=10_000, description="JSON: for each picture null or [x1, y1, x2, y2] of who is meant.")
    ] = "[]",
) -> Enrolment:
    """Enrol somebody with a name and pictures, or give more pictures of who has that name."""
    slow_down(service, user)
    if len(pictures) > MOST_PICTURES:
        raise HTTPException(422, f"pictures: {len(pictures)} at once, at most {MOST_PICTURES}")
    wanted = _boxes(boxes, len(pictures))
    given = [
        enrolment.Given(picture.filename or f"picture {i + 1}", picture.file.read(), wanted[i])
        for i, picture in enumerate(pictures)
    ]
    site = service.site
    portraits = enrolment.look(given, site.detector, site.embedder, enrolment.calibration_at(site))
    told = [
        Looked(file=one.label, outcome=one.outcome, said=one.said, boxes=list(one.boxes)) for one in portraits.looked
    ]
    if not len(portraits.exemplars):
        return Enrolment(person=None, pictures=told)
    identity = enrolment.enrol(site, name, portraits)
    said = f"{identity}: {len(portraits.exemplars)} pictures"
    service.accounts.note(site.now(), user.name, "enrolled a person", said)
    return Enrolment(person=person_out(found_by(service, user, identity), user), pictures=told)


@router.delete("/people/{id}/enrolment")
def take_out(id: str, user: Operator, service: Service) -> Gone:
    """Enrol somebody no longer: pictures, vectors and name are erased; what cameras saw of them stays, unnamed."""
    known = found_by(service, user, id).id
    left = enrolment.take_out(service.site, known)
    service.accounts.note(service.site.now(), user.name, "took a person out of the enrolled", known)
    return Gone(person=left)


@router.post("/people/{id}/watch")
def follow(id: str, user: Operator, service: Service) -> PersonOut:
    """Put somebody on the watch list: follow them from now on."""
    return _set_watched(service, user, id, watched=True)


@router.delete("/people/{id}/watch")
def unfollow(id: str, user: Operator, service: Service) -> PersonOut:
    """Take somebody off the watch list."""
    return _set_watched(service, user, id, watched=False)


@router.get("/watch")
def watch_list(user: Viewer, service: Service) -> WatchList:
    """Who is on the watch list, with their latest stays and how often a stranger looks so much like somebody listed."""
    listed = service.reader.people(None, 1000, (), None, "watched")
    people = [person for person in listed if may_know(user, person.cameras)]
    service.accounts.note(service.site.now(), user.name, "looked at the watch list", f"{len(people)} people")
    passers = [
        Passers(day=day, camera=camera, stays=stays)
        for day, camera, stays in service.reader.passers()
        if user.sees(camera)
    ]
    watched = [Watched(**person_out(person, user).model_dump(), hits=_hits(service, user, person)) for person in people]
    return WatchList(mode=service.site.config.gallery.mode, people=watched, passers=passers)


def _set_watched(service: Context, user: User, id: str, *, watched: bool) -> PersonOut:
    known = found_by(service, user, id).id
    service.site.ask(lambda gallery, at: corrections.watch(gallery, at, known, watched=watched))
    action = "put a person on the watch list" if watched else "took a person off the watch list"
    service.accounts.note(service.site.now(), user.name, action, known)
    return person_out(found_by(service, user, known), user)


def _hits(service: Context, user: User, person: Person) -> list[Hit]:
    """The latest stays, the newest first."""
    stays = [t for t in service.reader.tracklets_of(person.id, _HITS) if not t.is_by_hand and user.sees(t.camera)]
    said = dict(service.reader.changes_about([stay.id for stay in stays]))  # the newest of each
    matched = {id: change.evidence for id, change in said.items() if isinstance(change, Matched)}
    scores = {id: evidence.best_score for id, evidence in matched.items() if finite(evidence.best_score) is not None}
    rates = service.site.ask(lambda gallery, _: _rates(gallery, enrolment.calibration_at(service.site), scores))
    return [
        _hit(stay, finite(matched[stay.id].probability) if stay.id in matched else None, rates.get(stay.id))
        for stay in stays
    ]


def _rates(gallery: Gallery, calibration: Calibration | None, scores: Mapping[str, float]) -> dict[str, float]:
    """For each similarity the share of strangers who come as near to somebody listed."""
    if calibration is None:
        return {}
    limit, listed = limit_of(gallery.rule, calibration), len(gallery.listed())
    return {id: stated_rate(limit, score, listed) for id, score in scores.items()}


def _hit(stay: Tracklet, probability: float | None, rate: float | None) -> Hit:
    pictures = [(float(q), p) for e in stay.exemplars for q, p in zip(e.quality, e.pictures, strict=True) if p]
    return Hit(
        tracklet=stay.id,
        camera=stay.camera,
        start=stay.start,
        end=stay.end,
        picture=max(pictures)[1] if pictures else "",
        probability=probability,
        false_match_rate=rate,
    )


def _boxes(text: str, pictures: int) -> list[enrolment.BoxXYXY | None]:
    """For each picture the box that is meant, or None.

    Raises:
        HTTPException: 422 where it is not that.
    """
    try:
        found = json.loads(text)
        boxes = [None if box is None else (float(box[0]), float(box[1]), float(box[2]), float(box[3])) for box in found]
    except (ValueError, TypeError, IndexError, KeyError) as error:
        raise HTTPException(422, "boxes: a JSON list with null or [x1, y1, x2, y2] for each picture") from error
    if len(boxes) > pictures:
        raise HTTPException(422, f"boxes: {len(boxes)} for {pictures} pictures")
    return [*boxes, *[None] * (pictures - len(boxes))]
