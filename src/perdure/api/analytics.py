"""How many people, when, for how long, from where to where: figures, plots and reports."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Response

from perdure.analytics import calendar, charts, document, make, sheets
from perdure.analytics.calendar import Bucket
from perdure.analytics.figures import Report
from perdure.analytics.read import Rules
from perdure.api.auth import Viewer
from perdure.api.context import Service
from perdure.api.events import Time, scoped
from perdure.errors import InputError

router = APIRouter(prefix="/analytics", tags=["analytics"])

_MEDIA = {"html": "text/html; charset=utf-8", "pdf": "application/pdf", "csv": "text/csv; charset=utf-8"}
_PICTURES = {"svg": "image/svg+xml", "png": "image/png"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What every question here says."""

    question: make.Question
    zone: tzinfo


def asked(
    user: Viewer,
    service: Service,
    since: Time = None,
    until: Time = None,
    bucket: Annotated[Bucket | None, Query(description="Bars of plots over time; none: what fits.")] = None,
    camera: Annotated[list[str] | None, Query(max_length=100, description="Only these; none: all.")] = None,
    compare: Annotated[bool, Query(description="With as long a time before.")] = False,
    compare_since: Annotated[float | None, Query(ge=0, le=1e11, description="With as long a time from then.")] = None,
    time_zone: Annotated[str | None, Query(max_length=64, description="IANA name; none: of the service.")] = None,
    heat: Annotated[bool, Query(description="Heat maps too: they take longest.")] = True,
) -> Asked:
    """The question; without times: the last seven days."""
    cameras = [name for one in camera for name in scoped(user, one)] if camera else list(user.cameras)
    try:
        zone = calendar.zone(time_zone)
        now = service.site.now()
        begin, end, before = make.usual_period(service.figures, since, until, compare=compare, now=now)
        other = compare_since if compare_since is not None else before
        question = make.Question.of(begin, end, zone, time_zone, bucket, cameras, other, heat=heat)
        calendar.edges(begin, end, question.bucket, zone)
    except InputError as error:
        raise HTTPException(422, str(error)) from error
    return Asked(question, zone)


Question = Annotated[Asked, Depends(asked)]


@router.get("")
def figures(given: Question, service: Service) -> Report:
    """All figures of a time, as tables with the way they are best drawn. Without times: the last seven days."""
    return _report(service, given)


@router.get("/plots/{name}.{form}", response_class=Response)
def plot(name: str, form: Literal["csv", "svg", "png"], given: Question, service: Service) -> Response:
    """One plot, as numbers or as a picture."""
    found = _report(service, given)
    chosen = found.plot(name)
    if chosen is None:
        raise HTTPException(404, f"there is no plot {name}; there are {', '.join(p.name for p in found.plots)}")
    if form == "csv":
        return _file(sheets.sheet(chosen, given.zone).encode(), _MEDIA["csv"], f"{name}.csv")
    return _file(charts.picture(chosen, form, found.bucket, given.zone), _PICTURES[form], f"{name}.{form}")


@router.get("/report.{form}", response_class=Response)
def report(form: Literal["html", "pdf", "csv"], given: Question, user: Viewer, service: Service) -> Response:
    """Everything in one file."""
    found = _report(service, given)
    service.accounts.note(service.site.now(), user.name, "made a report", document.period(found, given.zone))
    content = {
        "html": lambda: document.html(found, given.zone).encode(),
        "pdf": lambda: document.pdf(found, given.zone),
        "csv": lambda: sheets.sheets(found, given.zone).encode(),
    }[form]()
    return _file(content, _MEDIA[form], f"report.{form}")


def _report(service: Service, given: Asked) -> Report:
    rules = service.site.config.events
    place = service.site.folder.resolve().name
    return service.reports.report(Rules(rules.visit_gap_s, rules.min_visit_s), given.question, place)


def _file(content: bytes, media: str, name: str) -> Response:
    safe = "".join(c if c.isalnum() or c in "-._" else "_" for c in name)
    return Response(content, media_type=media, headers={"Content-Disposition": f'attachment; filename="{safe}"'})
