"""Who may use the service: users, sessions, tokens of programs, and who looked at whom.

Passwords are kept as argon2id hashes (RFC 9106; argon2-cffi's defaults), session and API tokens as SHA-256: they have
256 random bits, so a slow hash would add nothing. What was given out cannot be read back from the file.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Literal, Self, get_args

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Column, Float, Integer, MetaData, String, Table, Text, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from perdure.errors import ConfigError, StoreError
from perdure.store.sqlite import cause, close, open_wal

Role = Literal["viewer", "operator", "admin"]
"""Looks; corrects identities; does everything. Each may do what those before it may."""

FILE = "accounts.db"
SESSION_S = 14 * 86400.0
"""A log-in lasts two weeks from its last use."""
MIN_PASSWORD = 10

_metadata = MetaData()
_users = Table(
    "users",
    _metadata,
    Column("name", String, primary_key=True),
    Column("role", String, nullable=False),
    Column("cameras", Text, nullable=False),
    Column("password", String, nullable=False),
    Column("created", Float, nullable=False),
)
_sessions = Table(
    "sessions",
    _metadata,
    Column("token", String, primary_key=True),
    Column("user", String, nullable=False, index=True),
    Column("csrf", String, nullable=False),
    Column("expires", Float, nullable=False),
)
_tokens = Table(
    "tokens",
    _metadata,
    Column("id", Integer, primary_key=True),
    Column("token", String, nullable=False, unique=True),
    Column("user", String, nullable=False, index=True),
    Column("label", String, nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float),
)
_audit = Table(
    "audit",
    _metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("user", String, nullable=False),
    Column("action", String, nullable=False),
    Column("subject", String, nullable=False),
)


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may use the service."""

    name: str
    role: Role
    cameras: tuple[str, ...] = ()
    """Only these; none: all."""

    def may(self, role: Role) -> bool:
        """Whether this user has at least that role."""
        order = get_args(Role)
        return order.index(self.role) >= order.index(role)

    def sees(self, camera: str) -> bool:
        """Whether this user may look through a camera."""
        return not self.cameras or camera in self.cameras


@dataclass(frozen=True, slots=True)
class Session:
    """A log-in from a browser."""

    user: User
    csrf: str
    """What a page must say with every change, to show that the change is its own."""


@dataclass(frozen=True, slots=True)
class Token:
    """A key for a program, without the secret itself."""

    id: int
    user: str
    label: str
    created: float
    expires: float | None


@dataclass(frozen=True, slots=True)
class Audited:
    """Who looked at whom, and when."""

    id: int
    at: float
    user: str
    action: str
    subject: str


class Accounts:
    """The file of the accounts (SQLite, WAL). Times are UTC seconds, given by the caller. Safe between threads."""

    def __init__(self, path: Path, hasher: PasswordHasher | None = None) -> None:
        """Opens it, or begins it. Another ``hasher`` is for tests: the default one is slow, as it should be.

        Raises:
            StoreError: it cannot be opened.
        """
        self.path = path
        self._connection = open_wal(path, _metadata)
        self._lock = Lock()
        self._hasher = hasher or PasswordHasher()
        self._nobody = self._hasher.hash(secrets.token_urlsafe())
        """Verified where there is no such user, so that the time taken tells nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing can be asked any more."""
        with self._lock:
            close(self._connection)

    def users(self) -> list[User]:
        """Everybody, by name."""
        with self._lock:
            rows = self._connection.execute(select(_users).order_by(_users.c.name)).all()
        return [_user(row) for row in rows]

    def add_user(self, at: float, name: str, role: Role, password: str, cameras: Sequence[str] = ()) -> User:
        """Somebody new.

        Raises:
            ConfigError: the name is taken or not usable, the role unknown, or the password too short.
        """
        if not name or len(name) > 64 or not name.isprintable() or name != name.strip():
            raise ConfigError("a user's name has 1 to 64 printable characters and no space around it")
        if role not in get_args(Role):
            raise ConfigError(f"no role {role!r}: one of {', '.join(get_args(Role))}")
        row = {
            "name": name,
            "role": role,
            "cameras": "\n".join(cameras),
            "password": self._hashed(password),
            "created": at,
        }
        with self._lock:
            try:
                self._connection.execute(insert(_users), [row])
                self._connection.commit()
            except IntegrityError as error:
                self._connection.rollback()
                raise ConfigError(f"there is a user {name!r} already") from error
            except SQLAlchemyError as error:
                self._connection.rollback()
                raise StoreError(f"cannot write to {self.path}: {cause(error)}") from error
        return User(name, role, tuple(cameras))

    def set_password(self, name: str, password: str) -> None:
        """Another password; all log-ins of that user end.

        Raises:
            ConfigError: no such user, or the password is too short.
        """
        hashed = self._hashed(password)
        with self._lock:
            changed = self._connection.execute(update(_users).where(_users.c.name == name).values(password=hashed))
            self._connection.execute(delete(_sessions).where(_sessions.c.user == name))
            self._connection.commit()
        if not changed.rowcount:
            raise ConfigError(f"there is no user {name!r}")

    def remove_user(self, name: str) -> None:
        """The user, all log-ins and all keys.

        Raises:
            ConfigError: no such user, or the last admin.
        """
        admins = [user.name for user in self.users() if user.role == "admin"]
        if admins == [name]:
            raise ConfigError(f"{name!r} is the last admin: make another one first")
        with self._lock:
            gone = self._connection.execute(delete(_users).where(_users.c.name == name))
            self._connection.execute(delete(_sessions).where(_sessions.c.user == name))
            self._connection.execute(delete(_tokens).where(_tokens.c.user == name))
            self._connection.commit()
        if not gone.rowcount:
            raise ConfigError(f"there is no user {name!r}")

    def verify(self, name: str, password: str) -> User | None:
        """The user whose password this is; takes as long where there is none."""
        with self._lock:
            row = self._connection.execute(select(_users).where(_users.c.name == name)).one_or_none()
        try:
            self._hasher.verify(self._nobody if row is None else row.password, password)
        except (VerificationError, InvalidHashError):
            return None
        return None if row is None else _user(row)

    def begin_session(self, at: float, user: User) -> tuple[str, Session]:
        """A log-in: the secret for the cookie, which is kept nowhere else, and what it stands for."""
        secret, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        row = {"token": _digest(secret), "user": user.name, "csrf": csrf, "expires": at + SESSION_S}
        with self._lock:
            self._connection.execute(delete(_sessions).where(_sessions.c.expires < at))
            self._connection.execute(insert(_sessions), [row])
            self._connection.commit()
        return secret, Session(user, csrf)

    def session(self, at: float, secret: str) -> Session | None:
        """The log-in of a cookie; it lasts longer for having been used."""
        joined = select(_users, _sessions.c.csrf, _sessions.c.expires).join(_users, _users.c.name == _sessions.c.user)
        digest = _digest(secret)
        with self._lock:
            row = self._connection.execute(joined.where(_sessions.c.token == digest)).one_or_none()
            if row is None or row.expires < at:
                return None
            if row.expires < at + SESSION_S - 3600:
                renewed = update(_sessions).where(_sessions.c.token == digest).values(expires=at + SESSION_S)
                self._connection.execute(renewed)
                self._connection.commit()
        return Session(_user(row), row.csrf)

    def end_session(self, secret: str) -> None:
        """Log out."""
        with self._lock:
            self._connection.execute(delete(_sessions).where(_sessions.c.token == _digest(secret)))
            self._connection.commit()

    def add_token(self, at: float, user: User, label: str, expires: float | None = None) -> tuple[str, Token]:
        """A key for a program: the secret, shown once, and what is kept."""
        secret = f"prd_{secrets.token_urlsafe(32)}"
        row = {"token": _digest(secret), "user": user.name, "label": label, "created": at, "expires": expires}
        with self._lock:
            made = self._connection.execute(insert(_tokens).values(row))
            self._connection.commit()
        assert made.inserted_primary_key is not None
        return secret, Token(int(made.inserted_primary_key[0]), user.name, label, at, expires)

    def tokens(self, user: str | None = None) -> list[Token]:
        """The keys of a user, or all."""
        chosen = select(_tokens).order_by(_tokens.c.id)
        with self._lock:
            rows = self._connection.execute(chosen if user is None else chosen.where(_tokens.c.user == user)).all()
        return [Token(row.id, row.user, row.label, row.created, row.expires) for row in rows]

    def remove_token(self, id: int) -> bool:
        """Whether there was such a key."""
        with self._lock:
            gone = self._connection.execute(delete(_tokens).where(_tokens.c.id == id))
            self._connection.commit()
        return bool(gone.rowcount)

    def by_token(self, at: float, secret: str) -> User | None:
        """Whose key this is; None where it is unknown or too old."""
        joined = select(_users, _tokens.c.expires).join(_users, _users.c.name == _tokens.c.user)
        with self._lock:
            row = self._connection.execute(joined.where(_tokens.c.token == _digest(secret))).one_or_none()
        return None if row is None or (row.expires is not None and row.expires < at) else _user(row)

    def note(self, at: float, user: str, action: str, subject: str) -> None:
        """Keep for good that a user did something with somebody's data."""
        with self._lock:
            self._connection.execute(insert(_audit), [{"at": at, "user": user, "action": action, "subject": subject}])
            self._connection.commit()

    def noted(self, before: int | None = None, limit: int = 100) -> list[Audited]:
        """The newest notes first, those older than note ``before``."""
        chosen = select(_audit).order_by(_audit.c.id.desc()).limit(limit)
        with self._lock:
            rows = self._connection.execute(chosen if before is None else chosen.where(_audit.c.id < before)).all()
        return [Audited(row.id, row.at, row.user, row.action, row.subject) for row in rows]

    def is_empty(self) -> bool:
        """Whether nobody has an account yet."""
        with self._lock:
            return not self._connection.execute(select(func.count()).select_from(_users)).scalar_one()

    def _hashed(self, password: str) -> str:
        if len(password) < MIN_PASSWORD:
            raise ConfigError(f"a password has at least {MIN_PASSWORD} characters")
        if len(password) > 1000:
            raise ConfigError("a password has at most 1,000 characters")
        return self._hasher.hash(password)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _user(row: object) -> User:
    name, role, cameras = row.name, row.role, row.cameras  # type: ignore[attr-defined]
    return User(name, role, tuple(cameras.split("\n")) if cameras else ())
