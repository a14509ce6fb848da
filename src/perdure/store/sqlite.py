"""SQLite as we open it: write-ahead log, clear errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, MetaData, create_engine, event, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateColumn

from perdure.errors import StoreError


def open_wal(path: Path, metadata: MetaData) -> Connection:
    """A connection to a database with these tables, made where they are not there.

    With WAL and synchronous=NORMAL a commit survives a killed process; a power cut may take the last ones, never a part
    of one (SQLite's documentation, "Write-Ahead Logging").

    Raises:
        StoreError: it cannot be written, or is no database.
    """
    engine = create_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", _use_wal)
    try:
        metadata.create_all(engine)
        connection = engine.connect()
        _add_columns(connection, metadata)
        return connection
    except SQLAlchemyError as error:
        engine.dispose()
        raise StoreError(f"cannot use the database {path}: {cause(error)}") from error


def _add_columns(connection: Connection, metadata: MetaData) -> None:
    """Columns and indices that an older version did not have yet; they hold the default, or nothing."""
    for table in metadata.sorted_tables:
        there = {str(row[1]) for row in connection.execute(text(f'PRAGMA table_info("{table.name}")'))}
        for column in table.columns:
            if column.name not in there and (column.nullable or column.server_default is not None):
                spec = CreateColumn(column).compile(dialect=connection.dialect)
                connection.execute(text(f'ALTER TABLE "{table.name}" ADD COLUMN {spec}'))
        for index in table.indexes:
            index.create(connection, checkfirst=True)
    connection.commit()


def close(connection: Connection) -> None:
    """The connection, and the file with it."""
    connection.close()
    connection.engine.dispose()


def cause(error: SQLAlchemyError) -> str:
    """What SQLite said, without SQLAlchemy's essay around it."""
    return str(getattr(error, "orig", None) or error)


def _use_wal(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA secure_delete=ON")  # what is erased is not left in free pages
