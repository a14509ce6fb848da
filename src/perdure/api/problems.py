"""Errors as RFC 9457 problems: what, where, and what to do; never a trace, never a secret."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from perdure.errors import ConfigError, InputError, PerdureError, SourceError, StoreError

_log = logging.getLogger(__name__)
_STATUS: dict[type[PerdureError], int] = {ConfigError: 422, InputError: 409, SourceError: 422, StoreError: 507}


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """The answer."""
    content = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JSONResponse(content, status, headers, media_type="application/problem+json")


def install(app: FastAPI) -> None:
    """Let every error of the app become a problem."""

    @app.exception_handler(HTTPException)
    async def said(_: Request, error: HTTPException) -> JSONResponse:
        headers = dict(error.headers) if error.headers else None
        return problem(error.status_code, str(error.detail), headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        parts = [f"{'.'.join(str(p) for p in e['loc'])}: {e['msg']}" for e in error.errors()]
        return problem(422, "; ".join(parts))

    @app.exception_handler(PerdureError)
    async def known(_: Request, error: PerdureError) -> JSONResponse:
        status = next((s for kind, s in _STATUS.items() if isinstance(error, kind)), 422)
        return problem(status, str(error))

    @app.exception_handler(TimeoutError)
    async def busy(_: Request, __: TimeoutError) -> JSONResponse:
        return problem(503, "the site is busy; try again", {"Retry-After": "5"})

    @app.exception_handler(Exception)
    async def unforeseen(request: Request, error: Exception) -> JSONResponse:
        _log.error("%s %s", request.method, request.url.path, exc_info=error)
        return problem(500, "something went wrong here; the log of the service says more")


class SizeLimit:
    """Refuses bodies that are larger than they may be, also those that do not say so."""

    def __init__(self, app: ASGIApp, most_bytes: int) -> None:
        self._app, self._most = app, most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        said = dict(scope["headers"]).get(b"content-length", b"0")
        too_large = problem(413, f"a request has at most {self._most // 2**20} MB")
        if said.isdigit() and int(said) > self._most:
            await too_large(scope, receive, send)
            return
        await self._app(scope, self._counted(receive), send)

    def _counted(self, receive: Receive) -> Callable[[], Awaitable[Message]]:
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._most:
                raise HTTPException(413, f"a request has at most {self._most // 2**20} MB")
            return message

        return counted
