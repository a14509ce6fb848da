"""The whole HTTP service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles

from perdure import __version__
from perdure.api import (
    accounts,
    analytics,
    auth,
    cameras,
    enrolment,
    events,
    live,
    map,
    people,
    places,
    problems,
    review,
    search,
    system,
)
from perdure.api.context import Context

PREFIX: Final = "/api/v1"
MOST_UPLOAD_BYTES: Final = 20 * 2**20
STATIC: Final = Path(__file__).parent / "static"
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def create_app(context: Context) -> FastAPI:
    """The service around a site; only health, log-in and the page's own files are open to everybody."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        context.broadcast.start()
        yield
        context.broadcast.close()
        context.close()

    app = FastAPI(
        title="perdure",
        version=__version__,
        summary="One lasting identity per person over all cameras, one event per visit.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=f"{PREFIX}/openapi.json",
        responses={
            code: {"description": about, "content": {"application/problem+json": {}}}
            for code, about in ((401, "Nobody is logged in."), (403, "This user may not."), (422, "Not as described."))
        },
    )
    app.state.context = context
    app.state.reviewing = context.reviewing
    problems.install(app)
    app.add_middleware(problems.SizeLimit, most_bytes=MOST_UPLOAD_BYTES)
    for room in (
        auth,
        system,
        cameras,
        live,
        events,
        places,
        people,
        enrolment,
        search,
        review,
        analytics,
        map,
        accounts,
    ):
        app.include_router(room.router, prefix=PREFIX)

    @app.middleware("http")
    async def guard(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await answer(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    if STATIC.is_dir():
        app.mount("/", StaticFiles(directory=STATIC, html=True), name="page")
    return app
