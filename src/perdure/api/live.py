"""Live events as server-sent events, and who is here now."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, HTTPException, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from perdure.api.auth import Viewer
from perdure.api.context import Context, Service
from perdure.api.shapes import event_out, visible
from perdure.store.accounts import User
from perdure.store.site_reader import EventFilter

router = APIRouter(tags=["live"])

BEAT_S = 15.0
"""A comment is sent this often, so that no proxy takes the silence for the end."""


class Here(BaseModel):
    """Somebody who is before a camera now."""

    person: str
    name: str
    cameras: list[str]
    since: float | None
    picture: str


@router.get("/live", response_class=StreamingResponse)
async def live(
    request: Request,
    user: Viewer,
    service: Service,
    last_event_id: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    """Every revision of every event from now on, or after `Last-Event-ID`, so that a lost connection loses nothing."""
    if last_event_id is not None and not (last_event_id.isascii() and last_event_id.isdigit()):
        raise HTTPException(422, "Last-Event-ID is a number that was given out here")
    begin = service.broadcast.last if last_event_id is None else int(last_event_id)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_stream(request, service, user, begin), media_type="text/event-stream", headers=headers)


async def _stream(request: Request, service: Context, user: User, seq: int) -> AsyncIterator[str]:
    yield "retry: 2000\n\n"
    while not service.broadcast.closing and not await request.is_disconnected():
        told = await service.broadcast.after(seq, BEAT_S)
        if not told:
            yield ": still here\n\n"
        for seq, event in told:
            if visible(event, user):
                content = json.dumps(event_out(event, user).model_dump(), separators=(",", ":"))
                yield f"id: {seq}\nevent: event\ndata: {content}\n\n"


@router.get("/here")
def here(user: Viewer, service: Service) -> list[Here]:
    """Who is before a camera now, as far as they are known."""
    cameras: dict[str, list[str]] = {}
    for name, view in sorted(service.site.views.items()):
        for person in view.people:
            if person and user.sees(name):
                cameras.setdefault(person, []).append(name)
    found = []
    for person, seen_by in cameras.items():
        known = service.reader.person(person)
        visits = service.reader.events(EventFilter(person, user.cameras, "visit", open=True), None, 1)
        found.append(
            Here(
                person=person,
                name=known.name if known else "",
                cameras=list(dict.fromkeys(seen_by)),
                since=visits[0].start if visits else None,
                picture=event_out(visits[0], user).picture if visits else "",
            )
        )
    return found
