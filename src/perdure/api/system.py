"""Whether it runs, how well, and figures for Prometheus."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from itertools import accumulate

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from perdure import __version__
from perdure.api.auth import Viewer
from perdure.api.context import Service
from perdure.api.places import places_now
from perdure.nodes.pace import LAG_BOUNDS_S, Lags
from perdure.store.site_reader import EventFilter

router = APIRouter(tags=["system"])

STATES = ("connecting", "streaming", "frozen", "unreachable")


class Health(BaseModel):
    """All that is open to everybody."""

    status: str = Field(description="ok, or degraded where a camera is down or something could not be kept.")


class Status(BaseModel):
    """The site in figures."""

    version: str
    now: float
    people: int
    open_visits: int
    cameras: int
    cameras_streaming: int
    detector: str
    embedder: str
    unsaved_steps: int = Field(description="Steps that could not be written, such as on a full disk.")
    disk_free_mb: float


@router.get("/health")
def health(service: Service) -> Health:
    """For watchdogs; needs no log-in and tells nothing else."""
    down = any(status.health.state != "streaming" for status in service.site.status())
    return Health(status="degraded" if down or service.site.is_behind else "ok")


@router.get("/status")
def status(_: Viewer, service: Service) -> Status:
    """The site in figures."""
    cameras = service.site.status()
    return Status(
        version=__version__,
        now=service.site.now(),
        people=service.reader.count_people(),
        open_visits=service.reader.count_events(EventFilter(kind="visit", open=True)),
        cameras=len(cameras),
        cameras_streaming=sum(c.health.state == "streaming" for c in cameras),
        detector=service.site.detector.name,
        embedder=service.site.embedder.name,
        unsaved_steps=service.site.failures,
        disk_free_mb=round(shutil.disk_usage(service.site.folder).free / 2**20, 1),
    )


@router.get("/metrics", response_class=Response)
def metrics(user: Viewer, service: Service) -> Response:
    """In Prometheus' text format."""
    site, lines = service.site, []

    def add(name: str, kind: str, about: str, values: dict[str, float]) -> None:
        lines.extend([f"# HELP perdure_{name} {about}", f"# TYPE perdure_{name} {kind}"])
        lines.extend(f"perdure_{name}{labels} {value:.15g}" for labels, value in values.items())

    cameras = site.status()
    label = {c.name: f'{{camera="{c.name}"}}' for c in cameras}
    add("people", "gauge", "People in the gallery.", {"": service.reader.count_people()})
    add(
        "visits_open",
        "gauge",
        "Visits going on.",
        {"": service.reader.count_events(EventFilter(kind="visit", open=True))},
    )
    add("events_told_total", "counter", "Revisions of events told.", {"": service.broadcast.last})
    add("unsaved_steps_total", "counter", "Steps that could not be written.", {"": site.failures})
    add("camera_up", "gauge", "Whether frames come.", {label[c.name]: c.health.state == "streaming" for c in cameras})
    add("camera_fps", "gauge", "Frames the camera gives a second.", {label[c.name]: c.health.fps for c in cameras})
    add("frames_total", "counter", "Frames the camera gave.", {label[c.name]: c.health.frames for c in cameras})
    add(
        "frames_asleep_total",
        "counter",
        "Of these, passed over while nothing moved.",
        {label[c.name]: c.health.asleep for c in cameras},
    )
    add("looked_at_total", "counter", "Frames that the detector saw.", {label[c.name]: c.looked_at for c in cameras})
    add(
        "stage_cpu_seconds_total",
        "counter",
        "Processor time of the service, without its readers.",
        {f'{{stage="{stage}"}}': used_s for stage, used_s in dict(site.pace.cpu_s).items()},
    )
    lines.extend(_lags(dict(site.pace.lags)))
    add("connections_total", "counter", "Times opened.", {label[c.name]: c.health.connections for c in cameras})
    add("camera_people", "gauge", "People in the picture.", {label[c.name]: c.people for c in cameras})
    places = [place for place in places_now(service, user) if place.kind != "site"]
    at = {p.place: f'{{place="{p.place}"}}' for p in places}
    add("place_people", "gauge", "People there now.", {at[p.place]: float(p.count) for p in places if p.kind != "line"})
    queues = [p for p in places if p.kind == "queue"]
    longest = {at[p.place]: max([0.0, *(site.now() - one.since for one in p.people)]) for p in queues}
    add("queue_longest_wait_seconds", "gauge", "Who waits longest.", longest)
    crossed = {
        f'{{place="{p.place}",direction="{direction}"}}': float(count)
        for p in places
        if p.kind == "line"
        for direction, count in (("in", p.crossed_in), ("out", p.crossed_out))
    }
    add("crossings_today", "gauge", "Crossings since midnight.", crossed)
    return Response("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4; charset=utf-8")


def _lags(lags: Mapping[str, Lags]) -> Iterator[str]:
    """A histogram by camera."""
    yield "# HELP perdure_lag_seconds From the capture of a frame until what it tells is decided and kept."
    yield "# TYPE perdure_lag_seconds histogram"
    for name, one in lags.items():
        counts = list(accumulate(one.counts))
        for bound, count in zip((*LAG_BOUNDS_S, "+Inf"), counts, strict=True):
            yield f'perdure_lag_seconds_bucket{{camera="{name}",le="{bound}"}} {count}'
        yield f'perdure_lag_seconds_sum{{camera="{name}"}} {one.sum_s:.15g}'
        yield f'perdure_lag_seconds_count{{camera="{name}"}} {counts[-1]}'
