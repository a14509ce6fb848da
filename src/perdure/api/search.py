"""Where else was this person? A picture, a box on one, or somebody known, against everybody who is stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from fastapi import APIRouter, File, Form, HTTPException, UploadFile
from pydantic import BaseModel, Field

from perdure.api.auth import Operator
from perdure.api.cameras import kept_picture
from perdure.api.context import Context, Service
from perdure.api.events import scoped
from perdure.api.people import found_by
from perdure.api.shapes import EventOut, PersonOut, event_out, person_out
from perdure.embed.crop import cut
from perdure.errors import InputError
from perdure.nodes.search_index import Found, Within
from perdure.nodes.uploads import decoded
from perdure.store.accounts import User
from perdure.types import Detections, Image

router = APIRouter(tags=["search"])

_MOST_PIXELS = 40_000_000
_LEAST_PX = 16
_SURE = 0.4
"""Score of a box that is taken for a person."""
_MOST_JOURNEYS = 50
"""Of each person, the newest."""


class Box(BaseModel):
    """A person in the picture, px."""

    x1: float
    y1: float
    x2: float
    y2: float
    score: float


class Hit(PersonOut):
    """Somebody who may be the one who is looked for, and where they were."""

    probability: float | None = Field(
        description="That it is the same person, by looks alone; null where the model's card is not calibrated."
    )
    nearest: str = Field(description="The sighting most like it; empty for the person who was asked for.")
    journeys: list[EventOut] = Field(description="Visits within the time and cameras asked for, the newest first.")


class Searched(BaseModel):
    """Who may be the one who is looked for."""

    boxes: list[Box] = Field(description="People found in the picture.")
    chosen: int | None = Field(description="Which of them was looked for; null: none of these, or say which.")
    hits: list[Hit] = Field(description="The most probable first.")
    said: str = Field(description="What there is to know, such as that nobody was found; empty: nothing.")


@router.post("/search")
def search(
    user: Operator,
    service: Service,
    picture: Annotated[UploadFile | None, File(description="JPEG, PNG or WebP; a scene or one person.")] = None,
    kept: Annotated[
        str | None, Form(max_length=300, description="Instead: a kept picture (`picture` of others).")
    ] = None,
    person: Annotated[str | None, Form(max_length=200, description="Instead: somebody known.")] = None,
    which: Annotated[int | None, Form(ge=0, le=1000, description="Which of the people found in the picture.")] = None,
    box: Annotated[str | None, Form(max_length=100, description="x1,y1,x2,y2 px: this part of the picture.")] = None,
    camera: Annotated[list[str] | None, Form(max_length=100, description="Seen by one of these; none: any.")] = None,
    since: Annotated[float | None, Form(ge=0, le=1e11, description="UTC seconds.")] = None,
    until: Annotated[float | None, Form(ge=0, le=1e11, description="UTC seconds.")] = None,
    limit: Annotated[int, Form(ge=1, le=100)] = 20,
) -> Searched:
    """People who may be the one who is looked for, and their journeys over the cameras. Alike is not the same."""
    if sum(given is not None for given in (picture, kept, person)) != 1:
        raise HTTPException(422, "give one of: picture, kept, person")
    if since is not None and until is not None and since >= until:
        raise HTTPException(422, "the time is empty: until has to be after since")
    cameras = [name for one in camera for name in scoped(user, one)] if camera else list(user.cameras)
    within = Within(tuple(cameras), since, until)
    slow_down(service, user)
    if person is not None:
        known = found_by(service, user, person).id
        service.accounts.note(service.site.now(), user.name, "searched for a person", known)
        hits = _hits(service, user, service.everybody.by_person(known, within, limit))
        return Searched(boxes=[], chosen=None, hits=hits, said=_nobody(hits, within))
    if kept is not None:
        image = _decoded(kept_picture(service, user, kept).read_bytes())
        box = box or f"0,0,{image.shape[1]},{image.shape[0]}"
    else:
        assert picture is not None
        image = _decoded(picture.file.read())
    boxes = [] if box else _people_on(service, image)
    service.accounts.note(service.site.now(), user.name, "searched by picture", kept or f"{len(boxes)} people in it")
    crop, chosen, said = _chosen(image, boxes, which, box, service.site.embedder.border)
    if crop is None:
        return Searched(boxes=boxes, chosen=None, hits=[], said=said)
    vectors, quality = service.site.embedder.embed([crop])
    if quality[0] <= 0:
        return Searched(boxes=boxes, chosen=chosen, hits=[], said="That part is too small or too blurred to compare.")
    hits = _hits(service, user, service.everybody.by_pictures(vectors, quality, within, limit))
    return Searched(boxes=boxes, chosen=chosen, hits=hits, said=" ".join(filter(None, [said, _nobody(hits, within)])))


def slow_down(service: Context, user: User) -> None:
    """A search costs more than a look.

    Raises:
        HTTPException: 429 after too many.
    """
    now = service.site.now()
    if (pause_s := service.searches.wait_s(user.name, now)) > 0:
        raise HTTPException(429, "too many searches; wait a minute", {"Retry-After": str(int(pause_s) + 1)})
    service.searches.note(user.name, now)


def _people_on(service: Context, image: Image) -> list[Box]:
    """The people on a picture, the surest first."""
    found = service.site.detector.detect([image])[0]
    found = found[found.scores >= _SURE]
    return [_box(found, row) for row in np.argsort(-found.scores, kind="stable")]


def _chosen(
    image: Image, boxes: Sequence[Box], which: int | None, box: str | None, border: float
) -> tuple[Image | None, int | None, str]:
    """The part to look for, which person that is, and what there is to say; no part: somebody has to choose first.

    Raises:
        HTTPException: 422 where there is no such box or person.
    """
    if box is not None:
        return cut(image, _given(box, image), border)[0], None, ""
    if which is not None and which >= len(boxes):
        raise HTTPException(422, f"which: {which} of {len(boxes)} people found in the picture, counted from 0")
    if len(boxes) > 1 and which is None:
        return None, None, f"There are {len(boxes)} people on this picture: choose one."
    if boxes:
        chosen = boxes[which or 0]
        edges = np.array([[chosen.x1, chosen.y1, chosen.x2, chosen.y2]], np.float32)
        return cut(image, edges, border)[0], which or 0, ""
    if image.shape[0] < image.shape[1]:
        return None, None, "No person was found on it: draw a box around the one you mean."
    return image, None, "No person was found on it; the whole picture was compared."


def _given(box: str, image: Image) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """(1, 4) what was drawn, within the picture.

    Raises:
        HTTPException: 422 where these are no four numbers, or the box is too small.
    """
    try:
        x1, y1, x2, y2 = (float(part) for part in box.split(","))
    except ValueError as error:
        raise HTTPException(422, f"box: {box!r} are not four numbers x1,y1,x2,y2") from error
    height, width = image.shape[:2]
    drawn = np.clip(np.array([[x1, y1, x2, y2]], np.float32), 0, [width, height, width, height]).astype(np.float32)
    if not np.isfinite(drawn).all() or (drawn[0, 2:] - drawn[0, :2] < _LEAST_PX / 2).any():
        raise HTTPException(422, f"box: it needs at least {_LEAST_PX // 2} px a side within {width} x {height} px")
    return drawn


def _hits(service: Context, user: User, found: Sequence[Found]) -> list[Hit]:
    hits = []
    for one in found:
        person = service.reader.person(one.identity)
        journeys = [event for event in one.journeys if any(user.sees(camera) for camera in event.cameras)]
        if person is not None and journeys:
            sure = None if one.probability is None else round(one.probability, 4)
            told = [event_out(event, user) for event in journeys[:_MOST_JOURNEYS]]
            shown = person_out(person, user).model_dump()
            hits.append(Hit(**shown, probability=sure, nearest=one.nearest, journeys=told))
    return hits


def _nobody(hits: Sequence[Hit], within: Within) -> str:
    if hits:
        return ""
    filtered = within.since is not None or within.until is not None or within.cameras
    return "Nobody was seen in that time by these cameras." if filtered else "Nobody is known yet."


def _decoded(content: bytes) -> Image:
    """The picture.

    Raises:
        HTTPException: 422 where it is none, too small or too large.
    """
    try:
        return decoded(content, "picture", _LEAST_PX, _MOST_PIXELS)
    except InputError as error:
        raise HTTPException(422, str(error)) from error


def _box(found: Detections, row: int) -> Box:
    x1, y1, x2, y2 = (round(float(v), 1) for v in found.boxes[row])
    return Box(x1=x1, y1=y1, x2=x2, y2=y2, score=round(float(found.scores[row]), 3))
