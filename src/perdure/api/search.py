"""Where else was this person? A picture against everybody who was seen."""

from __future__ import annotations

from typing import Annotated

import cv2
import numpy as np
from fastapi import APIRouter, File, Form, HTTPException, UploadFile
from pydantic import BaseModel, Field

from perdure.api.auth import Operator
from perdure.api.context import Service
from perdure.api.shapes import PersonOut, person_out
from perdure.embed.crop import cut
from perdure.gallery.alike import alike
from perdure.types import Detections, Image

router = APIRouter(tags=["search"])

_MOST_PIXELS = 40_000_000
_LEAST_PX = 16
_SURE = 0.4
"""Score of a box that is taken for a person."""


class Box(BaseModel):
    """A person in the picture, px."""

    x1: float
    y1: float
    x2: float
    y2: float
    score: float


class Hit(PersonOut):
    """Somebody who may be the one on the picture."""

    similarity: float = Field(description="Cosine of the most similar kept picture, -1 to 1.")


class Searched(BaseModel):
    """Who may be on the picture."""

    boxes: list[Box] = Field(description="People found in the picture.")
    chosen: int | None = Field(description="Which of them was looked for; null: there are several, say which.")
    hits: list[Hit] = Field(description="The most similar first.")


@router.post("/search")
def search(
    user: Operator,
    service: Service,
    picture: Annotated[UploadFile, File(description="JPEG, PNG or WebP; a whole scene or one person.")],
    which: Annotated[int | None, Form(ge=0, le=1000, description="Which of the people found in it.")] = None,
    limit: Annotated[int, Form(ge=1, le=100)] = 20,
) -> Searched:
    """People whose kept pictures are most similar. Similar is not the same: nothing here says that it is them."""
    now = service.site.now()
    if (pause_s := service.searches.wait_s(user.name, now)) > 0:
        raise HTTPException(429, "too many searches; wait a minute", {"Retry-After": str(int(pause_s) + 1)})
    service.searches.note(user.name, now)
    image = _decoded(picture.file.read())
    found = service.site.detector.detect([image])[0]
    found = found[found.scores >= _SURE]
    boxes = [_box(found, row) for row in np.argsort(-found.scores, kind="stable")]
    if which is not None and which >= len(boxes):
        raise HTTPException(422, f"which: {which} of {len(boxes)} people found in the picture, counted from 0")
    if len(boxes) > 1 and which is None:
        return Searched(boxes=boxes, chosen=None, hits=[])
    crop = image
    if boxes:
        which = which or 0
        box = boxes[which]
        crop = cut(image, np.array([[box.x1, box.y1, box.x2, box.y2]], np.float32))[0]
    service.accounts.note(now, user.name, "searched by picture", f"{len(boxes)} people in it")
    vector = service.site.embedder.embed([crop])[0][0]
    found_alike = service.site.ask(lambda gallery, _: alike(gallery, vector, limit))
    hits = []
    for identity, similarity in found_alike:
        person = service.reader.person(identity)
        if person is not None and any(user.sees(camera) for camera in person.cameras):
            hits.append(Hit(**person_out(person, user).model_dump(), similarity=round(similarity, 4)))
    return Searched(boxes=boxes, chosen=which if boxes else None, hits=hits)


def _decoded(content: bytes) -> Image:
    """The picture.

    Raises:
        HTTPException: 422 where it is none, too small or too large.
    """
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
    if image is None:
        raise HTTPException(422, "picture: this is no JPEG, PNG or WebP picture")
    height, width = image.shape[:2]
    if min(height, width) < _LEAST_PX or height * width > _MOST_PIXELS:
        raise HTTPException(
            422, f"picture: {width} x {height} px; at least {_LEAST_PX} px a side, at most 40 megapixels"
        )
    return np.asarray(image, np.uint8)


def _box(found: Detections, row: int) -> Box:
    x1, y1, x2, y2 = (round(float(v), 1) for v in found.boxes[row])
    return Box(x1=x1, y1=y1, x2=x2, y2=y2, score=round(float(found.scores[row]), 3))
