"""``events.jsonl`` of a run folder, read back to be scored."""

from __future__ import annotations

import json
import math
from pathlib import Path

from perdure.errors import InputError
from perdure.evaluate.visits import Told, identity_number


def read_events(path: Path) -> tuple[Told, ...]:
    """The visits of a file of one JSON object a line; of two lines with one id the higher revision counts.

    Lines of another ``kind`` are left out.

    Raises:
        InputError: cannot be read, a line is not JSON or lacks a key; names file:line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the events {path}: {error}") from error
    last: dict[str, tuple[int, Told]] = {}
    for number, line in enumerate(lines, start=1):
        if line.strip():
            kind, name, revision, told = _event(line, path, number)
            if kind == "visit" and (name not in last or last[name][0] <= revision):
                last[name] = (revision, told)
    return tuple(told for _, told in last.values())


def _event(line: str, path: Path, number: int) -> tuple[str, str, int, Told]:
    try:
        row = json.loads(line)
        kind = str(row.get("kind", "visit"))
        told = Told(
            identity=identity_number(str(row["identity"])) if row["identity"] or kind == "visit" else 0,
            start_s=float(row["start"]),
            end_s=math.inf if row["end"] is None else float(row["end"]),
        )
        return kind, str(row["id"]), int(row.get("revision", 0)), told
    except KeyError as error:
        raise InputError(f"{path}:{number}: the event has no {error}") from error
    except (ValueError, TypeError) as error:
        raise InputError(f"{path}:{number}: not an event: {line.strip()[:80]!r}") from error
