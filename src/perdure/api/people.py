"""People: who they are, why, and what a person says about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, Field

from perdure.api.auth import Admin, Operator, Viewer
from perdure.api.context import Context, Service
from perdure.api.events import scoped
from perdure.api.shapes import (
    After,
    ChangeOut,
    Limit,
    Page,
    PersonDetails,
    PersonOut,
    Reason,
    StayOut,
    change_out,
    cursor_of,
    event_out,
    may_know,
    next_of,
    person_out,
    reason_of,
)
from perdure.gallery import corrections
from perdure.gallery.gallery import Gallery
from perdure.store.accounts import User
from perdure.store.site_reader import EventFilter, Person
from perdure.types import Enrolled, Forgotten, Matched, Merged, Moved, Split, Tracklet

router = APIRouter(tags=["people"])

Name = Annotated[str, Field(max_length=200)]
Id = Annotated[str, Field(max_length=200)]


class Naming(BaseModel):
    """A name for somebody; empty takes it away."""

    name: Name


class Merging(BaseModel):
    """Who else this is."""

    into: Id


class Splitting(BaseModel):
    """Which sightings are somebody else."""

    tracklets: list[Id] = Field(min_length=1, max_length=10_000)


class Moving(BaseModel):
    """Whom a sighting really shows."""

    tracklet: Id
    to: Id


class Constraining(BaseModel):
    """Whether two sightings show one person."""

    first: Id
    second: Id
    same: bool


class Forgetting(BaseModel):
    """Why somebody is erased; kept with the tombstone."""

    reason: str = Field(min_length=1, max_length=500)


@router.get("/people")
def people(
    user: Viewer,
    service: Service,
    camera: Annotated[str | None, Query(max_length=64)] = None,
    named: Annotated[str | None, Query(max_length=200, description="Whose name or id has this in it.")] = None,
    listed: Annotated[Literal["enrolled", "watched"] | None, Query(description="Only those.")] = None,
    after: After = None,
    limit: Limit = 50,
) -> Page[PersonOut]:
    """The last seen first."""
    found = service.reader.people(cursor_of(after), limit, scoped(user, camera), named, listed)
    following = next_of(found[-1].last_seen, found[-1].id) if len(found) == limit else None
    return Page(items=[person_out(person, user) for person in found], next=following)


@router.get("/people/{id}")
def person(id: str, user: Viewer, service: Service) -> PersonDetails:
    """Somebody with every stay, and why each is believed to show them."""
    found = found_by(service, user, id)
    service.accounts.note(service.site.now(), user.name, "looked at a person", found.id)
    stays = [t for t in service.reader.tracklets_of(found.id) if not t.is_by_hand and user.sees(t.camera)]
    reasons = _reasons(service, stays)
    visits = service.reader.events(EventFilter(found.id, user.cameras, "visit"), None, 200)
    return PersonDetails(
        **person_out(found, user).model_dump(),
        stays=[_stay(tracklet, reasons.get(tracklet.id, [])) for tracklet in stays],
        visits=[event_out(event, user) for event in visits],
    )


@router.patch("/people/{id}")
def rename(id: str, given: Naming, user: Operator, service: Service) -> PersonOut:
    """Give somebody a name."""
    known = found_by(service, user, id).id
    service.site.ask(lambda gallery, at: corrections.rename(gallery, at, known, given.name))
    service.accounts.note(service.site.now(), user.name, "named a person", known)
    return person_out(found_by(service, user, known), user)


@router.post("/people/{id}/merge")
def merge(id: str, given: Merging, user: Operator, service: Service) -> PersonOut:
    """They are the same person; 409 where two of their sightings cannot be."""
    source, target = found_by(service, user, id).id, found_by(service, user, given.into).id
    service.site.ask(lambda gallery, at: corrections.merge(gallery, at, source, target))
    service.accounts.note(service.site.now(), user.name, "merged people", f"{source} into {target}")
    return person_out(found_by(service, user, target), user)


@router.post("/people/{id}/split")
def split(id: str, given: Splitting, user: Operator, service: Service) -> PersonOut:
    """These sightings are somebody else, who is answered."""
    known = found_by(service, user, id).id
    _seen(service, user, given.tracklets)
    service.site.ask(lambda gallery, at: corrections.split(gallery, at, known, given.tracklets))
    service.accounts.note(service.site.now(), user.name, "split a person", known)
    return person_out(found_by(service, user, _home(service, given.tracklets[0])), user)


@router.post("/moves")
def move(given: Moving, user: Operator, service: Service) -> PersonOut:
    """One sighting is somebody else known, who is answered."""
    target = found_by(service, user, given.to).id
    _seen(service, user, [given.tracklet])
    service.site.ask(lambda gallery, at: corrections.move(gallery, at, given.tracklet, target))
    service.accounts.note(service.site.now(), user.name, "moved a sighting", f"{given.tracklet} to {target}")
    return person_out(found_by(service, user, target), user)


@router.post("/constraints", status_code=204)
def constrain(given: Constraining, user: Operator, service: Service) -> None:
    """Two sightings show one person, or do not; no later decision goes against that."""
    _seen(service, user, [given.first, given.second])
    service.site.ask(lambda gallery, at: corrections.constrain(gallery, at, given.first, given.second, same=given.same))
    said = f"{given.first} and {given.second}: {'same' if given.same else 'different'}"
    service.accounts.note(service.site.now(), user.name, "constrained", said)


@router.delete("/people/{id}")
def forget(id: str, given: Forgetting, user: Admin, service: Service) -> ChangeOut:
    """Erase somebody everywhere: evidence, pictures, visits. It cannot be taken back."""
    known = found_by(service, user, id).id
    tombstone = service.site.forget(known, given.reason)
    service.accounts.note(service.site.now(), user.name, "erased a person", known)
    return change_out(-1, tombstone, stands=True)


@router.get("/changes")
def changes(
    user: Viewer, service: Service, before: Annotated[int | None, Query(ge=0, le=2**53)] = None, limit: Limit = 50
) -> list[ChangeOut]:
    """The gallery's log, the newest first; `before`: older than that position. For users of all cameras only."""
    _sees_the_log(user)
    return [change_out(position, change, stands) for position, change, stands in service.reader.log(before, limit)]


@router.post("/changes/{position}/undo", status_code=204)
def undo(position: int, user: Operator, service: Service) -> None:
    """Take a change back; 409 says why not, and what to do instead. For users of all cameras only."""
    _sees_the_log(user)
    service.site.ask(lambda gallery, at: corrections.undo(gallery, at, position))
    service.accounts.note(service.site.now(), user.name, "took a change back", str(position))


def found_by(service: Context, user: User, id: str) -> Person:
    """Somebody this user may see, also by the number of an identity that was merged.

    Raises:
        HTTPException: 404, or 410 where this person was erased.
    """
    found = service.reader.person(id)
    if found is None:
        now = service.site.ask(lambda gallery, _: gallery.partition.resolve(id))
        found = service.reader.person(now)
    if found is None and (when := service.site.ask(lambda gallery, _: _erased_at(gallery, id))) is not None:
        day = datetime.fromtimestamp(when, UTC).strftime("%d %B %Y")
        raise HTTPException(410, f"{id} was erased on {day}: nothing is kept of this person")
    if found is None or not may_know(user, found.cameras):
        raise HTTPException(404, f"there is no person {id}")
    return found


def _sees_the_log(user: User) -> None:
    if user.cameras:
        raise HTTPException(403, "the log is about all cameras, and you may see some of them only")


def _seen(service: Context, user: User, tracklets: Sequence[str]) -> None:
    """404 where one of them is from a camera that this user may not see."""
    if user.cameras and (hidden := service.reader.elsewhere(tracklets, user.cameras)):
        raise HTTPException(404, f"there is no sighting {hidden[0]}")


def _erased_at(gallery: Gallery, id: str) -> float | None:
    """When somebody was erased, UTC seconds; None where they were not."""
    erased = (change.at for change in gallery.log if isinstance(change, Forgotten) and change.identity == id)
    return next(erased, None)


def _home(service: Context, tracklet: str) -> str:
    return service.reader.identity_of(tracklet) or ""


def _stay(tracklet: Tracklet, reasons: list[Reason]) -> StayOut:
    pictures = [(q, p) for e in tracklet.exemplars for q, p in zip(e.quality, e.pictures, strict=True) if p]
    best_first = [picture for _, picture in sorted(pictures, key=lambda pair: -pair[0])]
    return StayOut(
        tracklet=tracklet.id,
        camera=tracklet.camera,
        start=tracklet.start,
        end=tracklet.end,
        picture=best_first[0] if best_first else "",
        pictures=best_first,
        reasons=reasons,
    )


def _reasons(service: Context, stays: list[Tracklet]) -> dict[str, list[Reason]]:
    """What the log says of these tracklets, in order."""
    said: dict[str, list[Reason]] = {stay.id: [] for stay in stays}
    homes: dict[str, list[str]] = {}
    for id, change in service.reader.changes_about(list(said)):
        match change:
            case Enrolled(identity=who, evidence=evidence):
                said[id].append(reason_of(change.at, f"new: {who}", evidence))
                homes.setdefault(who, []).append(id)
            case Matched(identity=who, evidence=evidence):
                said[id].append(reason_of(change.at, f"matched {who}", evidence))
                homes.setdefault(who, []).append(id)
            case Moved(source=source, target=target, reason=reason):
                said[id].append(reason_of(change.at, f"moved from {source} to {target}: {reason}", None))
            case Split(source=source, target=target, reason=reason):
                said[id].append(reason_of(change.at, f"split from {source} as {target}: {reason}", None))
    for who, change in service.reader.changes_about(list(homes)):
        if isinstance(change, Merged):
            for id in homes[who]:
                said[id].append(reason_of(change.at, f"{who} merged into {change.target}", change.evidence))
    return {id: sorted(reasons, key=lambda reason: reason.at) for id, reasons in said.items()}
