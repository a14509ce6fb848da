"""Events: visits, and what happens in zones and at lines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import StreamingResponse

from perdure.api.auth import Viewer
from perdure.api.context import Context, Service
from perdure.api.shapes import After, EventOut, Limit, Page, cursor_of, event_out, next_of, visible
from perdure.store.accounts import User
from perdure.store.site_reader import EventFilter
from perdure.types import Event, EventKind

router = APIRouter(tags=["events"])

_COLUMNS = ("event", "person", "start", "end", "duration_s", "cameras", "sightings", "confidence")
Time = Annotated[float | None, Query(ge=0, le=1e11, description="UTC seconds.")]


def scoped(user: User, camera: str | None) -> tuple[str, ...]:
    """The cameras to ask for; none: all.

    Raises:
        HTTPException: 403 where the user may not look through the one that is wanted.
    """
    if camera is None:
        return user.cameras
    if not user.sees(camera):
        raise HTTPException(403, f"{user.name} may not look through {camera}")
    return (camera,)


@router.get("/events")
def events(
    user: Viewer,
    service: Service,
    person: Annotated[str | None, Query(max_length=64)] = None,
    camera: Annotated[str | None, Query(max_length=64)] = None,
    kind: EventKind | None = None,
    since: Time = None,
    until: Time = None,
    open: bool | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Page[EventOut]:
    """The newest first; one that was taken into another is left out."""
    which = EventFilter(person, scoped(user, camera), kind, since, until, open)
    found = service.reader.events(which, cursor_of(after), limit)
    following = next_of(found[-1].start, found[-1].id) if len(found) == limit else None
    return Page(items=[event_out(event, user) for event in found], next=following)


@router.get("/events/{id:path}")
def event(id: str, user: Viewer, service: Service) -> EventOut:
    """One event, its last revision."""
    found = service.reader.event(id)
    if found is None or not visible(found, user):
        raise HTTPException(404, f"there is no event {id}")
    service.accounts.note(service.site.now(), user.name, "looked at an event", f"{id} {found.identity}")
    return event_out(found, user)


@router.get("/export/events.{form}")
def export(
    form: Literal["csv", "json"],
    user: Viewer,
    service: Service,
    kind: EventKind | None = None,
    since: Time = None,
    until: Time = None,
) -> StreamingResponse:
    """All events of a time, as CSV or as one JSON object a line."""
    service.accounts.note(service.site.now(), user.name, "exported events", form)
    which = EventFilter(None, user.cameras, kind, since, until, None)
    lines = _csv(service, which, user) if form == "csv" else _json(service, which, user)
    media = "text/csv; charset=utf-8" if form == "csv" else "application/x-ndjson"
    name = f"events.{'csv' if form == 'csv' else 'jsonl'}"
    return StreamingResponse(lines, media_type=media, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _all(service: Context, which: EventFilter) -> Iterator[Event]:
    after = None
    while found := service.reader.events(which, after, 500):
        yield from found
        after = (found[-1].start, found[-1].id)


def _json(service: Context, which: EventFilter, user: User) -> Iterator[str]:
    for found in _all(service, which):
        yield json.dumps(event_out(found, user).model_dump()) + "\n"


def _csv(service: Context, which: EventFilter, user: User) -> Iterator[str]:
    yield _line([*_COLUMNS, "kind", "place", "direction", "outcome", "people"])
    for found in _all(service, which):
        event = event_out(found, user)
        end = "" if event.end is None else _iso(event.end)
        lasted = "" if event.end is None else f"{event.end - event.start:.1f}"
        cameras, count = " ".join(event.cameras), str(len(event.sightings))
        who = [event.id, event.identity, _iso(event.start), end, lasted, cameras, count, f"{event.confidence:.3f}"]
        yield _line([*who, event.kind, event.place, event.direction, event.outcome, str(event.people or "")])


def _line(cells: list[str]) -> str:
    written = io.StringIO()
    # A cell that a spreadsheet would take for a formula is not one.
    csv.writer(written).writerow([f"'{cell}" if cell[:1] in ("=", "+", "-", "@") else cell for cell in cells])
    return written.getvalue()


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
