"""``review.jsonl``: what reviewers said, one entry a line, only ever appended to, each on the disk before it counts.

Beside a run it also holds what each answer changed in the gallery, so that a replay decides nothing again; a live site
keeps that in its own log and only notes where. One process holds the file at a time.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self, TypeAlias

from pydantic import TypeAdapter, ValidationError

from perdure.errors import StoreError
from perdure.gallery.verdicts import Answer, TakenBack
from perdure.store.changes import from_json, kind_of, to_json
from perdure.types import Change

FILE = "review.jsonl"


@dataclass(frozen=True, slots=True)
class Applied:
    """What an entry changed in the gallery."""

    of: int
    """Number of the entry."""
    position: int
    """Of the first of these changes in the gallery's log."""
    count: int
    changes: tuple[Change, ...]
    """Empty where the gallery's own log lasts."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A tracklet was taken apart: from this time on it is another one."""

    number: int
    at: float
    by: str
    tracklet: str
    since: float
    """Time of the first picture of the second part, as in the tracklet."""
    second: str
    """Id of the second part."""


Line: TypeAlias = Answer | TakenBack | Cut | Applied
_READERS: dict[str, TypeAdapter[Any]] = {
    "answer": TypeAdapter(Answer),
    "undo": TypeAdapter(TakenBack),
    "cut": TypeAdapter(Cut),
}
_KINDS = {Answer: "answer", TakenBack: "undo", Cut: "cut"}


class AnswerLog:
    """The file of one folder, open for appending and locked."""

    def __init__(self, folder: Path) -> None:
        """Open or create.

        Raises:
            StoreError: it cannot be written, another process holds it, or a line before the last cannot be read.
        """
        self.path = folder / FILE
        try:
            self._file = self.path.open("a+b")
        except OSError as error:
            raise StoreError(f"cannot write {self.path}: {error.strerror}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise StoreError(
                f"{folder} is being reviewed by another process (perdure review or perdure serve): use the page of "
                "that one, or end it first"
            ) from error
        try:
            self.lines = self._read()
        except StoreError:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def append(self, *lines: Line) -> None:
        """Add entries, all of them or none, and wait until the disk has them.

        Raises:
            StoreError: it cannot be written, such as on a full disk; the file is as it was before.
        """
        begin = self._file.seek(0, os.SEEK_END)
        try:
            self._file.write(b"".join(json.dumps(_plain(line)).encode() + b"\n" for line in lines))
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            self._file.truncate(begin)
            raise StoreError(f"cannot write {self.path}: {error.strerror}; the answer is not kept") from error
        self.lines += lines

    def _read(self) -> list[Line]:
        """All entries; what a crash left of the last line goes, for nobody was told that it is kept."""
        self._file.seek(0)
        content = self._file.read()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            self._file.truncate(len(whole))
        return read_lines(whole, self.path)


def read(folder: Path) -> list[Line]:
    """What is in the file of a folder, without holding it; nothing where there is none.

    Raises:
        StoreError: a line cannot be read.
    """
    path = folder / FILE
    if not path.exists():
        return []
    content = path.read_bytes()
    return read_lines(content[: content.rfind(b"\n") + 1], path)


def read_lines(content: bytes, path: Path) -> list[Line]:
    """The entries of whole lines.

    Raises:
        StoreError: says which line cannot be read.
    """
    found = []
    for number, line in enumerate(content.splitlines(), start=1):
        try:
            found.append(_line(json.loads(line)))
        except (ValueError, KeyError, TypeError, ValidationError, StoreError) as error:
            raise StoreError(f"{path}:{number} is no entry of a review; take that line out to go on") from error
    return found


def _plain(line: Line) -> dict[str, Any]:
    if isinstance(line, Applied):
        changes = [[kind_of(change), json.loads(to_json(change))] for change in line.changes]
        return {"what": "applied", "of": line.of, "position": line.position, "count": line.count, "changes": changes}
    return {"what": _KINDS[type(line)], **asdict(line)}


def _line(plain: dict[str, Any]) -> Line:
    what = plain.pop("what")
    if what == "applied":
        changes: Sequence[Change] = [from_json(kind, json.dumps(content)) for kind, content in plain["changes"]]
        return Applied(int(plain["of"]), int(plain["position"]), int(plain["count"]), tuple(changes))
    return _READERS[what].validate_python(plain)  # type: ignore[no-any-return]
