"""Where the cameras are, how people get from one to the other, and who is where now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, File, HTTPException, Response, UploadFile
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from perdure.analytics.layout import place
from perdure.api.auth import Admin, Viewer
from perdure.api.context import Context, Service
from perdure.errors import InputError
from perdure.gallery.gallery import Gallery
from perdure.gallery.transitions import Link
from perdure.nodes import plan_book
from perdure.store.accounts import User

router = APIRouter(prefix="/map", tags=["map"])

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Placed(BaseModel):
    """A camera on the map."""

    name: str
    x: float = Field(description="Share of the width, from the left.")
    y: float = Field(description="Share of the height, from the top.")
    by_hand: bool = Field(description="False: nobody has placed it; drawn where its links pull it.")
    state: str = Field(description="connecting, streaming, frozen or unreachable; gone: it is watched no more.")
    people: list[str] = Field(description="Ids of the people in its picture now; unknown ones are not in it.")


class LinkOut(BaseModel):
    """A way from one camera to another, learned from people who went it."""

    source: str
    target: str
    hand_offs: float = Field(description="Weighted by how sure and how recent each is.")
    median_s: float = Field(description="From out of view to in view again; 0: most are still in view of the first.")
    low_s: float = Field(description="A quarter is quicker.")
    high_s: float = Field(description="A quarter takes longer; 4096: longer than that.")
    in_view: float = Field(description="Share that is still in view of the first camera.")


class MapOut(BaseModel):
    """The building as far as it is known."""

    plan: tuple[int, int] | None = Field(description="Width and height of the floor plan, px; null: there is none.")
    cameras: list[Placed]
    links: list[LinkOut]


class Placing(BaseModel):
    """Where a camera is on the plan."""

    x: Share
    y: Share


@router.get("")
def whole(user: Viewer, service: Service) -> MapOut:
    """Cameras, learned ways and who is where now."""
    names, links = service.site.ask(_learned)
    seen = [LinkOut(source=names[k.source], target=names[k.target], **_figures(k)) for k in links]
    links_seen = [link for link in seen if user.sees(link.source) and user.sees(link.target)]
    states = {status.name: status.health.state for status in service.site.status()}
    ours = [name for name in sorted({*states, *names}) if user.sees(name)]
    return MapOut(
        plan=plan_book.size(service.site.folder), cameras=_placed(service, ours, links_seen, states), links=links_seen
    )


def _learned(gallery: Gallery, _: float) -> tuple[list[str], list[Link]]:
    """Names by code, and what the gallery knows: it learns anew when it has grown by a twentieth."""
    return gallery.topology.cameras, gallery.topology.transitions.links()


def _figures(link: Link) -> dict[str, float]:
    named = ("hand_offs", "median_s", "low_s", "high_s", "in_view")
    return {name: round(float(getattr(link, name)), 3) for name in named}


def _placed(service: Context, names: list[str], links: list[LinkOut], states: Mapping[str, str]) -> list[Placed]:
    by_hand = plan_book.places(service.site.folder)
    code = {name: number for number, name in enumerate(names)}
    drawn = place(len(names), [(code[k.source], code[k.target], k.median_s) for k in links])
    cameras = []
    for name in names:
        x, y = by_hand.get(name, tuple(drawn[code[name]].tolist()))
        view = service.site.views.get(name)
        people = [] if view is None else sorted({person for person in view.people if person})
        state = states.get(name, "gone")
        cameras.append(
            Placed(name=name, x=round(x, 4), y=round(y, 4), by_hand=name in by_hand, state=state, people=people)
        )
    return cameras


@router.put("/cameras/{name}", status_code=204)
def put(name: str, given: Placing, user: Admin, service: Service) -> None:
    """Place a camera on the plan."""
    _known(service, user, name)
    found = plan_book.places(service.site.folder)
    plan_book.put(service.site.folder, found | {name: (given.x, given.y)})


@router.delete("/cameras/{name}", status_code=204)
def take_off(name: str, _: Admin, service: Service) -> None:
    """Let it be drawn where its links pull it."""
    found = plan_book.places(service.site.folder)
    if name not in found:
        raise HTTPException(404, f"{name} is not placed")
    plan_book.put(service.site.folder, {key: at for key, at in found.items() if key != name})


@router.put("/plan", status_code=204)
def keep_plan(
    picture: Annotated[UploadFile, File(description="The floor plan: JPEG, PNG or WebP.")],
    user: Admin,
    service: Service,
) -> None:
    """Another floor plan; cameras stay where they are on it."""
    try:
        plan_book.keep_picture(service.site.folder, picture.file.read())
    except InputError as error:
        raise HTTPException(422, str(error)) from error
    service.accounts.note(service.site.now(), user.name, "changed the floor plan", "")


@router.delete("/plan", status_code=204)
def remove_plan(user: Admin, service: Service) -> None:
    """Do without a floor plan."""
    if not plan_book.remove_picture(service.site.folder):
        raise HTTPException(404, "there is no floor plan")
    service.accounts.note(service.site.now(), user.name, "removed the floor plan", "")


@router.get("/plan.jpg", response_class=FileResponse)
def plan(_: Viewer, service: Service) -> Response:
    """The floor plan."""
    path = service.site.folder / plan_book.PICTURE
    if not path.is_file():
        raise HTTPException(404, "there is no floor plan")
    return FileResponse(path, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


def _known(service: Context, user: User, name: str) -> None:
    """Raises:
    HTTPException: 404 where there is no such camera.
    """
    names = service.site.ask(lambda gallery, _: gallery.topology.cameras)
    if not user.sees(name) or (name not in names and name not in service.site.cameras):
        raise HTTPException(404, f"there is no camera {name}")
