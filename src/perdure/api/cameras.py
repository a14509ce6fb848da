"""Cameras: what they show, how they fare, adding and testing them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from perdure.api.auth import Admin, Viewer
from perdure.api.context import Context, Service
from perdure.api.shapes import may_see
from perdure.config import CameraConfig, CameraName
from perdure.nodes import camera_book
from perdure.nodes.live import CameraStatus
from perdure.store.accounts import User
from perdure.video.live import redacted
from perdure.video.probe import probe

router = APIRouter(tags=["cameras"])


class CameraOut(BaseModel):
    """A camera and how it fares."""

    name: str
    source: str = Field(description="Without user and password.")
    state: str = Field(description="connecting, streaming, frozen or unreachable.")
    error: str
    fps: float
    frames: int
    looked_at: int = Field(description="Frames that the detector saw.")
    connections: int
    resets: int = Field(description="How often its time stamps jumped.")
    last_at: float
    people: int = Field(description="In the picture now.")


class Adding(BaseModel):
    """A new camera."""

    name: CameraName
    source: str = Field(max_length=2000)
    rotate_deg: int = Field(0, ge=0, le=270, multiple_of=90)
    moving: bool = Field(False, description="It pans, zooms or is carried.")


class Testing(BaseModel):
    """An address to try."""

    source: str = Field(max_length=2000)


class Tested(BaseModel):
    """What an address gave."""

    width: int
    height: int
    fps: float
    codec: str


@router.get("/cameras")
def cameras(user: Viewer, service: Service) -> list[CameraOut]:
    """All that this user may look through, by name."""
    sources = service.site.cameras
    return [_camera(s, sources[s.name].source) for s in service.site.status() if user.sees(s.name)]


@router.post("/cameras", status_code=201)
def add(given: Adding, user: Admin, service: Service) -> CameraOut:
    """Watch one more camera, from now on and after a restart."""
    if given.name in service.site.cameras:
        raise HTTPException(409, f"there is a camera {given.name} already")
    config = CameraConfig.model_validate(given.model_dump(exclude={"name"}))
    book = camera_book.read(service.site.folder)
    service.site.ask(lambda _, __: service.site.add_camera(given.name, config))
    camera_book.write(service.site.folder, book | {given.name: config})
    service.accounts.note(service.site.now(), user.name, "added a camera", given.name)
    return next(_camera(s, given.source) for s in service.site.status() if s.name == given.name)


@router.delete("/cameras/{name}", status_code=204)
def remove(name: str, user: Admin, service: Service) -> None:
    """Stop to watch a camera; whom it saw stays known."""
    if name not in service.site.cameras:
        raise HTTPException(404, f"there is no camera {name}")
    book = camera_book.read(service.site.folder)
    if name not in book:
        raise HTTPException(409, f"{name} is declared in perdure.yaml: take it out there, and restart")
    service.site.ask(lambda _, __: service.site.remove_camera(name))
    camera_book.write(service.site.folder, {k: v for k, v in book.items() if k != name})
    drawn = camera_book.read_drawn(service.site.folder)
    if drawn.pop(name, None) is not None:
        camera_book.write_drawn(service.site.folder, drawn)
    service.accounts.note(service.site.now(), user.name, "removed a camera", name)


@router.post("/cameras/test")
def test(given: Testing, _: Admin) -> Tested:
    """Try an address for some seconds; 422 says what is wrong with it."""
    found = probe(given.source)
    return Tested(width=found.width, height=found.height, fps=found.fps, codec=found.codec)


@router.get("/cameras/{name}/picture.jpg", response_class=Response)
def picture(
    name: str,
    user: Viewer,
    service: Service,
    boxes: bool = True,
    width: Annotated[int, Query(ge=16, le=3840)] = 960,
) -> Response:
    """What it shows now, with whom."""
    if not user.sees(name) or name not in service.site.cameras:
        raise HTTPException(404, f"there is no camera {name}")
    view = service.site.views.get(name)
    if view is None:
        raise HTTPException(503, f"{name} has shown no picture yet", {"Retry-After": "2"})
    content = view.jpeg(service.site.names(), boxes=boxes, max_width_px=width)
    headers = {"Cache-Control": "no-store", "X-Captured-At": f"{view.frame.at:.3f}"}
    return Response(content, media_type="image/jpeg", headers=headers)


@router.get("/pictures/{reference:path}", response_class=FileResponse)
def kept(reference: str, user: Viewer, service: Service) -> FileResponse:
    """A kept picture of somebody."""
    path = kept_picture(service, user, reference)
    return FileResponse(path, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})


def kept_picture(service: Context, user: User, reference: str) -> Path:
    """Where a kept picture is that this user may see.

    Raises:
        HTTPException: 404.
    """
    path = service.site.folder / reference
    if not may_see(user, reference) or not path.is_file():
        raise HTTPException(404, "there is no such picture")
    return path


def _camera(status: CameraStatus, source: str) -> CameraOut:
    health = status.health
    return CameraOut(
        name=status.name,
        source=redacted(source),
        state=health.state,
        error=health.error,
        fps=round(health.fps, 2),
        frames=health.frames,
        looked_at=status.looked_at,
        connections=health.connections,
        resets=health.resets,
        last_at=health.last_at,
        people=status.people,
    )
