"""The last good copy of a database, beside it: made while all is well, offered when it is not."""

from __future__ import annotations

import datetime
import os
import sqlite3
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from perdure.errors import StoreError
from perdure.store.sqlite import cause


class DamagedError(StoreError):
    """A database is broken, or is none."""


def copy_of(path: Path) -> Path:
    """Where the last good copy of a database is."""
    return path.with_name(path.name + ".good")


def check(connection: Connection, path: Path) -> None:
    """Read the whole database for damage.

    Raises:
        DamagedError: it is damaged: says what, and from which copy to go on.
    """
    try:
        found = [str(row[0]) for row in connection.execute(text("PRAGMA quick_check(1)"))]
        connection.rollback()  # a reader that stays would keep the write-ahead log from being written back
    except SQLAlchemyError as error:
        found = [cause(error)]
    if found != ["ok"]:
        raise DamagedError(damaged(path, found[0].strip().splitlines()[-1]))


def is_damage(error: SQLAlchemyError) -> bool:
    """Whether SQLite found the file itself broken, or not its own, not merely out of reach."""
    return type(getattr(error, "orig", None)) is sqlite3.DatabaseError


def damaged(path: Path, what: str) -> str:
    """What to tell of a damaged database."""
    good = copy_of(path)
    if not good.exists():
        return f"{path} is damaged ({what}) and there is no good copy: move it away to begin anew"
    at = datetime.datetime.fromtimestamp(good.stat().st_mtime, datetime.UTC)
    return (
        f"{path} is damaged ({what}); the last good copy is {good} of {at:%Y-%m-%d %H:%M} UTC: "
        "`perdure serve --go-back` goes on from there and keeps the damaged one"
    )


def copy(connection: Connection, path: Path) -> None:
    """Replace the last good copy by what is committed now, if that is sound.

    Raises:
        StoreError: the database is damaged, or the copy cannot be written; the old copy stays as it is.
    """
    check(connection, path)
    part = copy_of(path).with_suffix(".part")
    try:
        part.unlink(missing_ok=True)
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        raw.execute("VACUUM INTO ?", (str(part),))
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(copy_of(path))
    except (OSError, sqlite3.Error) as error:
        part.unlink(missing_ok=True)
        raise StoreError(f"cannot copy {path} to {copy_of(path)}: {error}") from error


def go_back(path: Path) -> Path:
    """Put the last good copy in the place of a damaged database; where that one is kept.

    Raises:
        StoreError: there is no good copy, or it cannot be put there.
    """
    good, number = copy_of(path), 1
    if not good.exists():
        raise StoreError(f"there is no good copy of {path}")
    while (kept := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(good.read_bytes())
        path.replace(kept)
        for suffix in ("-wal", "-shm"):  # of the damaged one: never to be replayed into the copy
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        part.replace(path)
    except OSError as error:
        raise StoreError(f"cannot put {good} in the place of {path}: {error.strerror}") from error
    return kept
