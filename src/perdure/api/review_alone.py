"""Reviewing folders without a service: the same page and routes, on this machine only, by a link that works once."""

from __future__ import annotations

import os
import secrets
import socket
import time
import webbrowser
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Final, TypeVar

import uvicorn
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import PlainTextResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles

from perdure import __version__
from perdure.api import auth, problems, review
from perdure.api.app import HEADERS, MOST_UPLOAD_BYTES, PREFIX, STATIC
from perdure.api.review_room import Reviewing
from perdure.errors import ConfigError
from perdure.nodes.answer_log import AnswerLog
from perdure.nodes.review import Desk
from perdure.nodes.review_open import names, open_desk
from perdure.store.accounts import User

Answered = TypeVar("Answered")
COOKIE: Final = "perdure_review"
_HOSTS: Final = ("localhost", "127.0.0.1", "[::1]")


@dataclass(slots=True)
class FolderHost:
    """The desk of a folder that this process holds."""

    folder: Path
    desk: Desk
    _lock: Lock = field(default_factory=Lock)

    def ask(self, work: Callable[[Desk, float], Answered]) -> Answered:
        """See ``review.Host``."""
        with self._lock:
            return work(self.desk, time.time())


@dataclass(slots=True)
class Door:
    """Who comes in: whoever brings the link, once, and then the browser that did."""

    said: Callable[[str], None]
    """Is told the key of the next link whenever one was used."""
    key: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    inside: set[str] = field(default_factory=set)
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    def enter(self, key: str) -> str | None:
        """The cookie of a browser that brought the right key; None for a wrong or used one."""
        if not secrets.compare_digest(key.encode(), self.key.encode()):
            return None
        cookie = secrets.token_urlsafe(32)
        self.inside.add(cookie)
        self.key = secrets.token_urlsafe(24)
        self.said(self.key)
        return cookie


def open_hosts(folders: Sequence[Path], stack: ExitStack) -> dict[str, FolderHost]:
    """The desks of some folders by name; ``stack`` closes them.

    Raises:
        PerdureError: see ``open_desk``.
    """
    hosts = {}
    for folder, name in zip(folders, names(folders), strict=True):
        desk = open_desk(folder, name, stack.enter_context(AnswerLog(folder)))
        hosts[name] = FolderHost(folder, desk)
    return hosts


def create_app(hosts: dict[str, FolderHost], reviewer: str, door: Door, *, decides: bool) -> FastAPI:
    """The page and the routes of a review.

    Args:
        hosts: what is reviewed.
        reviewer: in whose name.
        door: who comes in.
        decides: what this reviewer says of a disputed pair decides.
    """
    app = FastAPI(title="perdure review", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    problems.install(app)
    app.add_middleware(problems.SizeLimit, most_bytes=MOST_UPLOAD_BYTES)
    app.state.reviewing = Reviewing(hosts, decides=lambda _: decides)
    user = User(reviewer, "operator")

    def who(request: Request) -> User:
        if request.cookies.get(COOKIE) not in door.inside:
            raise HTTPException(401, "open the link that perdure review printed")
        if request.method not in ("GET", "HEAD") and request.headers.get(auth.CSRF_HEADER) != door.csrf:
            raise HTTPException(403, f"the header {auth.CSRF_HEADER} is missing or wrong: reload the page")
        return user

    app.dependency_overrides[auth.who] = who
    app.include_router(review.router, prefix=PREFIX)

    @app.get(f"{PREFIX}/me")
    def me(_: auth.Viewer) -> auth.Me:
        """Who reviews."""
        return auth.Me(name=reviewer, role="operator", cameras=[], csrf=door.csrf, only="Review")

    @app.middleware("http")
    async def guard(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        if request.headers.get("host", "").rpartition(":")[0] not in _HOSTS:
            return PlainTextResponse("this page is for this machine only", 421)  # no name that was bent to point here
        response = _entered(request, door) or await answer(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    app.mount("/", StaticFiles(directory=STATIC, html=True), name="page")
    return app


def _entered(request: Request, door: Door) -> Response | None:
    """The answer to whoever brings a key; None where none is brought."""
    key = request.query_params.get("key")
    if request.url.path != "/" or key is None:
        return None
    cookie = door.enter(key)
    if cookie is None:
        if request.cookies.get(COOKIE) in door.inside:
            return RedirectResponse("/#/review", 303)
        return PlainTextResponse("this link was used or is wrong: perdure review printed a new one", 403)
    response = RedirectResponse("/#/review", 303)
    response.set_cookie(COOKIE, cookie, httponly=True, samesite="strict", path="/")
    return response


def run(
    hosts: dict[str, FolderHost],
    reviewer: str,
    port: int,
    said: Callable[[str], None],
    *,
    decides: bool,
    open_page: bool,
) -> None:
    """Serve the page until Ctrl-C.

    Raises:
        ConfigError: the port is taken.
    """
    try:
        listener = socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise ConfigError(f"port {port} cannot be used: {error.strerror}; choose another --port") from error
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    door = Door(lambda key: said(f"another browser: {address}/?key={key}"))
    app = create_app(hosts, reviewer, door, decides=decides)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=3))
    link = f"{address}/?key={door.key}"
    said(f"review as {reviewer}: {link}   (this link works once; Ctrl-C ends)")
    if open_page and any(name in os.environ for name in ("DISPLAY", "WAYLAND_DISPLAY")):
        webbrowser.open(link)
    with listener:
        server.run(sockets=[listener])
