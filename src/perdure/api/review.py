"""Review: the most informative uncertain pairs, answers, disputes, undo; the same for a live site and for runs."""

from __future__ import annotations

import math
from pathlib import PurePosixPath
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from perdure.api.auth import Operator
from perdure.api.review_room import Host, Reviewing
from perdure.gallery.verdicts import Answer
from perdure.nodes.review import Desk, Given, Refused
from perdure.nodes.review_rows import Progress, Row, progress, rows
from perdure.store.accounts import User
from perdure.types import Tracklet

router = APIRouter(prefix="/review", tags=["review"])

Id = Annotated[str, Field(min_length=1, max_length=200)]
_MOST_PICTURES = 12
"""Of one stay."""
_MOST_STAYS = 40
"""Of one side; the latest."""


def reviewing(request: Request) -> Reviewing:
    """What this service lets review."""
    found = getattr(request.app.state, "reviewing", None)
    if not isinstance(found, Reviewing):
        raise HTTPException(404, "there is nothing to review here")
    return found


Room = Annotated[Reviewing, Depends(reviewing)]


class StayOut(BaseModel):
    """One stay before one camera, with its pictures in order of time."""

    tracklet: str
    camera: str
    start: float
    end: float
    pictures: list[str] = Field(description="Paths below /api/v1/.")
    at: list[float] = Field(description="Time of each picture, as `cuts` takes it.")


class SideOut(BaseModel):
    """One of the two that are compared."""

    stands: str = Field(description="The tracklet that an answer is about.")
    identity: str
    name: str
    stays: list[StayOut] = Field(description="In order of time.")
    tracklets: list[str] = Field(description="All it stands for; give these as `leaving` with `different` of a part.")


class CandidateOut(SideOut):
    """Somebody the subject may be."""

    probability: float = Field(description="That it is one person, 0 to 1.")
    gain: float = Field(description="Expected tracklets that the answer puts right.")
    odds: float = Field(description="Nats, as the gallery sees it; give it back with the answer.")


class RowOut(BaseModel):
    """One strip against ranked candidates."""

    kind: Literal["join", "part"] = Field(description="join: two identities, one person? part: is this part of it?")
    subject: SideOut
    candidates: list[CandidateOut]


class ProgressOut(BaseModel):
    """How far a review is."""

    answered: int
    mine: int
    left: int = Field(description="Questions with a chance of 5 % or more to change something.")
    errors_left: float = Field(description="Estimated number of wrong decisions left.")
    misplaced: float = Field(description="Estimated tracklets in the wrong place.")
    tracklets: int
    people: int
    disputes: int
    looking: int = Field(description="Identities still to be looked at.")


class SetOut(BaseModel):
    """Something to review."""

    name: str
    progress: ProgressOut


class AnswerIn(BaseModel):
    """What is said about a pair."""

    first: Id
    second: Id
    said: Literal["same", "different", "unsure"]
    kind: Literal["join", "part", "split"] = "join"
    odds: float | None = Field(None, ge=-1000, le=1000)
    leaving: list[Id] = Field(default_factory=list, max_length=10_000)


class AnswersIn(BaseModel):
    """One answer, or the answers of a whole row."""

    answers: list[AnswerIn] = Field(min_length=1, max_length=200)


class AnswerOut(BaseModel):
    """An answer that counts."""

    number: int
    at: float
    by: str
    first: str
    second: str
    said: str
    kind: str
    decides: bool


class RefusedOut(BaseModel):
    """An answer that could not be taken."""

    first: str
    second: str
    reason: str
    against: list[AnswerOut] = Field(description="Answers that contradict it; take back one. Least probable first.")


class Outcome(BaseModel):
    """What became of answers."""

    taken: list[AnswerOut]
    refused: list[RefusedOut]
    progress: ProgressOut


class UndoIn(BaseModel):
    """Which answer or cut; none: the latest of one's own."""

    number: int | None = Field(None, ge=1)


class CutIn(BaseModel):
    """Where a tracklet becomes somebody else."""

    tracklet: Id
    since: float = Field(description="Time of the first picture of the other person.", allow_inf_nan=False)


class DisputeOut(BaseModel):
    """A pair on which voices are even."""

    first: SideOut
    second: SideOut
    answers: list[AnswerOut]


@router.get("")
def sets(user: Operator, room: Room) -> list[SetOut]:
    """What there is to review, and how far each is."""
    return [
        SetOut(name=name, progress=host.ask(lambda desk, _: _progress(desk, user))) for name, host in room.hosts.items()
    ]


@router.get("/{name}/rows")
def questions(
    name: str,
    user: Operator,
    room: Room,
    count: Annotated[int, Query(ge=1, le=20)] = 4,
    done: Annotated[str, Query(max_length=4000, description="Pairs on the page: first,second;first,second")] = "",
) -> list[RowOut]:
    """The most informative questions now."""
    held = [frozenset(pair.split(",", 1)) for pair in done.split(";") if "," in pair]

    def found(desk: Desk, _: float) -> list[RowOut]:
        return [_row(row, desk, name) for row in rows(desk, user.name, count, user.sees, held)]

    return _host(room, name).ask(found)


@router.post("/{name}/answers")
def say(name: str, given: AnswersIn, user: Operator, room: Room) -> Outcome:
    """Answer. What contradicts other answers is refused, with those answers."""
    said = [Given(a.first, a.second, a.said, a.kind, a.odds, tuple(a.leaving)) for a in given.answers]

    def take(desk: Desk, at: float) -> Outcome:
        for one in said:
            _visible(desk, user, one.first, one.second, *one.leaving)
        done = desk.say(at, user.name, said, decides=room.decides(user))
        desk.agenda.refresh(_AT_ONCE)
        return Outcome(
            taken=[_answer(a) for a in done if isinstance(a, Answer)],
            refused=[_refused(a) for a in done if isinstance(a, Refused)],
            progress=_progress(desk, user),
        )

    outcome = _host(room, name).ask(take)
    for answer in outcome.taken:
        room.note(user, "reviewed", f"{answer.first} and {answer.second}: {answer.said}")
    return outcome


@router.post("/{name}/undo")
def undo(name: str, given: UndoIn, user: Operator, room: Room) -> ProgressOut:
    """Take back an answer or a cut; only admins may take back what others said."""

    def take(desk: Desk, at: float) -> tuple[int, ProgressOut]:
        number = given.number if given.number is not None else desk.last_of(user.name)
        if number is None:
            raise HTTPException(404, "there is no answer of yours to take back")
        entry = desk.verdicts.answers.get(number) or desk.cuts.get(number)
        if entry is not None and entry.by != user.name and not room.decides(user):
            raise HTTPException(403, f"answer {number} is of {entry.by}; an admin may take it back")
        desk.take_back(at, user.name, number)
        desk.agenda.refresh(_AT_ONCE)
        return number, _progress(desk, user)

    number, now = _host(room, name).ask(take)
    room.note(user, "took an answer back", str(number))
    return now


@router.post("/{name}/cuts")
def cut(name: str, given: CutIn, user: Operator, room: Room) -> ProgressOut:
    """One tracklet shows two people: from that picture on it is somebody else."""

    def take(desk: Desk, at: float) -> ProgressOut:
        _visible(desk, user, given.tracklet)
        desk.cut(at, user.name, given.tracklet, given.since)
        desk.agenda.refresh(_AT_ONCE)
        return _progress(desk, user)

    now = _host(room, name).ask(take)
    room.note(user, "cut a sighting", given.tracklet)
    return now


@router.get("/{name}/answers")
def answers(name: str, _: Operator, room: Room, limit: Annotated[int, Query(ge=1, le=500)] = 50) -> list[AnswerOut]:
    """The latest answers that count, the newest first."""

    def found(desk: Desk, __: float) -> list[AnswerOut]:
        newest = sorted(desk.verdicts.answers.values(), key=lambda a: -a.number)[:limit]
        return [_answer(a) for a in newest]

    return _host(room, name).ask(found)


@router.get("/{name}/disputes")
def disputes(name: str, user: Operator, room: Room) -> list[DisputeOut]:
    """Pairs on which reviewers differ; the gallery follows neither until most, or an admin, say one thing."""

    def found(desk: Desk, _: float) -> list[DisputeOut]:
        sides = []
        for said in desk.verdicts.disputed():
            first, second = said[0].first, said[0].second
            if all(id in desk.gallery.partition.identity_of and _sees(desk, user, id) for id in (first, second)):
                one, other = (_side(desk, name, id, (id,)) for id in (first, second))
                sides.append(DisputeOut(first=one, second=other, answers=[_answer(a) for a in said]))
        return sides

    return _host(room, name).ask(found)


@router.get("/{name}/pictures/{reference:path}", response_class=FileResponse)
def picture(name: str, reference: str, user: Operator, room: Room) -> FileResponse:
    """A kept picture of somebody."""
    parts = PurePosixPath(reference).parts
    inside = len(parts) in (3, 4) and parts[0] == "crops" and ".." not in parts and reference.endswith(".jpg")
    path = _host(room, name).folder / reference
    if not inside or not user.sees(parts[1]) or not path.is_file():
        raise HTTPException(404, "there is no such picture")
    return FileResponse(path, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})


_AT_ONCE = 40
"""Identities looked at for one request: bounded work for the thread of a site."""


def _host(room: Reviewing, name: str) -> Host:
    host = room.hosts.get(name)
    if host is None:
        raise HTTPException(404, f"there is nothing called {name} to review")
    return host


def _sees(desk: Desk, user: User, tracklet: str) -> bool:
    known = desk.gallery.evidence.get(tracklet)
    return known is None or user.sees(known.camera)


def _visible(desk: Desk, user: User, *tracklets: str) -> None:
    """Raises HTTPException 404 where one is of a camera that is not theirs."""
    for id in tracklets:
        if not _sees(desk, user, id):
            raise HTTPException(404, f"there is no tracklet {id}")


def _progress(desk: Desk, user: User) -> ProgressOut:
    desk.agenda.refresh(_AT_ONCE)
    return ProgressOut(**_fields(progress(desk, user.name)))


def _fields(found: Progress) -> dict[str, int | float]:
    return {name: getattr(found, name) for name in found.__slots__}


def _row(row: Row, desk: Desk, name: str) -> RowOut:
    candidates = [
        CandidateOut(
            **_side(desk, name, c.stands, c.shown).model_dump(),
            probability=round(c.probability, 4),
            gain=round(c.gain, 4),
            odds=c.odds,
        )
        for c in row.candidates
    ]
    kind: Literal["join", "part"] = "part" if row.kind == "part" else "join"
    return RowOut(kind=kind, subject=_side(desk, name, row.stands, row.shown), candidates=candidates)


def _side(desk: Desk, name: str, stands: str, shown: tuple[str, ...]) -> SideOut:
    identity = desk.gallery.partition.identity_of[stands]
    stays = [_stay(desk.gallery.evidence[id], name, desk.gallery.model) for id in shown[-_MOST_STAYS:]]
    known = desk.gallery.partition.names.get(identity, "")
    return SideOut(stands=stands, identity=identity, name=known, stays=stays, tracklets=list(shown))


def _stay(tracklet: Tracklet, name: str, model: str) -> StayOut:
    body = tracklet.body(model)
    kept = [] if body is None else [(float(at), ref) for at, ref in zip(body.at, body.pictures, strict=True) if ref]
    kept = sorted(kept)
    if len(kept) > _MOST_PICTURES:
        kept = [kept[math.floor(i * len(kept) / _MOST_PICTURES)] for i in range(_MOST_PICTURES)]
    return StayOut(
        tracklet=tracklet.id,
        camera=tracklet.camera,
        start=tracklet.start,
        end=tracklet.end,
        pictures=[f"review/{name}/pictures/{reference}" for _, reference in kept],
        at=[at for at, _ in kept],
    )


def _answer(answer: Answer) -> AnswerOut:
    return AnswerOut(
        number=answer.number,
        at=answer.at,
        by=answer.by,
        first=answer.first,
        second=answer.second,
        said=answer.said,
        kind=answer.kind,
        decides=answer.decides,
    )


def _refused(refused: Refused) -> RefusedOut:
    against = [_answer(a) for a in refused.against]
    return RefusedOut(first=refused.first, second=refused.second, reason=refused.reason, against=against)
