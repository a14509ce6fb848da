"""Users, keys of programs, and who looked at whom."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import BaseModel, Field

from perdure.api.auth import Admin, Viewer
from perdure.api.context import Service
from perdure.api.shapes import Limit
from perdure.store.accounts import Role

router = APIRouter(tags=["accounts"])


class UserOut(BaseModel):
    """Somebody who may use the service."""

    name: str
    role: Role
    cameras: list[str] = Field(description="Only these; none: all.")


class NewUser(UserOut):
    """Somebody new."""

    password: str = Field(max_length=1000)
    cameras: list[str] = Field(default_factory=list, max_length=1000)


class NewPassword(BaseModel):
    """Another password; all log-ins of that user end."""

    password: str = Field(max_length=1000)


class TokenOut(BaseModel):
    """A key for a program."""

    id: int
    user: str
    label: str
    created: float
    expires: float | None


class NewToken(BaseModel):
    """A key to be made; it may do what its user may."""

    label: str = Field(min_length=1, max_length=200)
    days: float | None = Field(None, gt=0, le=3650, description="Valid so long; null: until it is taken back.")


class MadeToken(TokenOut):
    """With the secret, which is shown this once."""

    secret: str


class AuditOut(BaseModel):
    """Who did what with whose data."""

    id: int
    at: float
    user: str
    action: str
    subject: str


@router.get("/users")
def users(_: Admin, service: Service) -> list[UserOut]:
    """Everybody, by name."""
    return [UserOut(name=u.name, role=u.role, cameras=list(u.cameras)) for u in service.accounts.users()]


@router.post("/users", status_code=201)
def add_user(given: NewUser, user: Admin, service: Service) -> UserOut:
    """Somebody new."""
    now = service.site.now()
    made = service.accounts.add_user(now, given.name, given.role, given.password, given.cameras)
    service.accounts.note(now, user.name, "added a user", made.name)
    return UserOut(name=made.name, role=made.role, cameras=list(made.cameras))


@router.put("/users/{name}/password", status_code=204)
def set_password(name: str, given: NewPassword, user: Viewer, service: Service) -> None:
    """One's own; an admin anybody's."""
    if name != user.name and not user.may("admin"):
        raise HTTPException(403, "only an admin sets the password of somebody else")
    service.accounts.set_password(name, given.password)
    service.accounts.note(service.site.now(), user.name, "set a password", name)


@router.delete("/users/{name}", status_code=204)
def remove_user(name: str, user: Admin, service: Service) -> None:
    """With all log-ins and keys."""
    service.accounts.remove_user(name)
    service.accounts.note(service.site.now(), user.name, "removed a user", name)


@router.get("/tokens")
def tokens(user: Viewer, service: Service) -> list[TokenOut]:
    """One's own keys; an admin sees all."""
    found = service.accounts.tokens(None if user.may("admin") else user.name)
    return [TokenOut(id=t.id, user=t.user, label=t.label, created=t.created, expires=t.expires) for t in found]


@router.post("/tokens", status_code=201)
def add_token(given: NewToken, user: Viewer, service: Service) -> MadeToken:
    """A key for a program that acts as this user."""
    now = service.site.now()
    expires = None if given.days is None else now + 86400 * given.days
    secret, made = service.accounts.add_token(now, user, given.label, expires)
    service.accounts.note(now, user.name, "made a key", made.label)
    return MadeToken(
        id=made.id, user=made.user, label=made.label, created=made.created, expires=made.expires, secret=secret
    )


@router.delete("/tokens/{id}", status_code=204)
def remove_token(id: Annotated[int, Path(ge=0, le=2**53)], user: Viewer, service: Service) -> None:
    """Take a key back."""
    own = {token.id for token in service.accounts.tokens(None if user.may("admin") else user.name)}
    if id not in own or not service.accounts.remove_token(id):
        raise HTTPException(404, f"there is no key {id}")
    service.accounts.note(service.site.now(), user.name, "took a key back", str(id))


@router.get("/audit")
def audit(
    _: Admin, service: Service, before: Annotated[int | None, Query(ge=0, le=2**53)] = None, limit: Limit = 100
) -> list[AuditOut]:
    """The newest notes first; `before`: older than that note."""
    found = service.accounts.noted(before, limit)
    return [AuditOut(id=n.id, at=n.at, user=n.user, action=n.action, subject=n.subject) for n in found]
