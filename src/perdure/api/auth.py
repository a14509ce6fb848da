"""Who asks, and what they may: a cookie with a CSRF token for browsers, a bearer token for programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from pydantic import BaseModel, Field

from perdure.api.context import Service
from perdure.store.accounts import SESSION_S, Role, Session, User

COOKIE: Final = "perdure_session"
CSRF_HEADER: Final = "X-CSRF-Token"
_SAFE: Final = ("GET", "HEAD", "OPTIONS")

router = APIRouter(tags=["log-in"])


class Credentials(BaseModel):
    """A name and a password."""

    name: str = Field(max_length=64)
    password: str = Field(max_length=1000)


class Me(BaseModel):
    """Who is logged in."""

    name: str
    role: Role
    cameras: list[str] = Field(description="Only these; none: all.")
    only: str = Field("", description="The one view there is; empty: all.")
    csrf: str = Field(description=f"To be sent as {CSRF_HEADER} with every change; empty for a bearer token.")


def who(request: Request, service: Service) -> User:
    """The user behind a request.

    Raises:
        HTTPException: 401 where nobody is logged in, 403 where a change lacks the CSRF token.
    """
    now = service.site.now()
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and secret:
        user = service.accounts.by_token(now, secret.strip())
        if user is None:
            raise HTTPException(401, "this token is unknown or has expired", {"WWW-Authenticate": "Bearer"})
        return user
    session = _session(request, service)
    if session is None:
        raise HTTPException(401, "log in first, or send a bearer token", {"WWW-Authenticate": "Bearer"})
    if request.method not in _SAFE and request.headers.get(CSRF_HEADER) != session.csrf:
        raise HTTPException(403, f"the header {CSRF_HEADER} is missing or wrong: reload the page")
    return session.user


def _session(request: Request, service: Service) -> Session | None:
    secret = request.cookies.get(COOKIE)
    return service.accounts.session(service.site.now(), secret) if secret else None


def at_least(role: Role) -> Callable[[User], User]:
    """Only users with that role."""

    def check(user: Annotated[User, Depends(who)]) -> User:
        if not user.may(role):
            raise HTTPException(403, f"this needs the role {role}; {user.name} is {user.role}")
        return user

    return check


Viewer = Annotated[User, Depends(at_least("viewer"))]
Operator = Annotated[User, Depends(at_least("operator"))]
Admin = Annotated[User, Depends(at_least("admin"))]


@router.post("/login")
def log_in(given: Credentials, request: Request, response: Response, service: Service) -> Me:
    """Begin a session. After five failures in a minute, from one address or for one name, there is a pause."""
    now = service.site.now()
    keys = [f"from {request.client.host if request.client else ''}", f"as {given.name}"]
    pause_s = max(service.logins.wait_s(key, now) for key in keys)
    if pause_s > 0:
        raise HTTPException(429, "too many failures; wait a minute", {"Retry-After": str(int(pause_s) + 1)})
    user = service.accounts.verify(given.name, given.password)
    if user is None:
        for key in keys:
            service.logins.note(key, now)
        service.accounts.note(now, given.name, "failed to log in", "")
        raise HTTPException(401, "name or password is wrong")
    for key in keys:
        service.logins.forgive(key)
    secret, session = service.accounts.begin_session(now, user)
    secure = service.site.config.server.https
    response.set_cookie(
        COOKIE, secret, max_age=int(SESSION_S), httponly=True, samesite="strict", secure=secure, path="/"
    )
    service.accounts.note(now, user.name, "logged in", "")
    return _me(user, session.csrf)


@router.post("/logout", status_code=204)
def log_out(request: Request, response: Response, _: Viewer, service: Service) -> None:
    """End the session."""
    service.accounts.end_session(request.cookies.get(COOKIE, ""))
    response.delete_cookie(COOKIE, path="/")


@router.get("/me")
def me(request: Request, user: Viewer, service: Service) -> Me:
    """Who is logged in, and the CSRF token of the session."""
    session = _session(request, service)
    return _me(user, "" if session is None or session.user != user else session.csrf)


def _me(user: User, csrf: str) -> Me:
    return Me(name=user.name, role=user.role, cameras=list(user.cameras), csrf=csrf)
