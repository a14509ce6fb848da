"""``events.jsonl`` of a run folder, read back to be scored."""

from __future__ import annotations

import json
import math
from pathlib import Path

from perdure.errors import InputError
from perdure.evaluate.visits import Told, identity_number


def read_events(path: Path) -> tuple[Told, ...]:
    """The events of a file of one JSON object a line.

    Raises:
        InputError: cannot be read, a line is not JSON or lacks a key; names file:line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the events {path}: {error}") from error
    return tuple(_event(line, path, number) for number, line in enumerate(lines, start=1) if line.strip())


def _event(line: str, path: Path, number: int) -> Told:
    try:
        row = json.loads(line)
        return Told(
            identity=identity_number(str(row["identity"])),
            start_s=float(row["start"]),
            end_s=math.inf if row["end"] is None else float(row["end"]),
        )
    except KeyError as error:
        raise InputError(f"{path}:{number}: the event has no {error}") from error
    except (ValueError, TypeError) as error:
        raise InputError(f"{path}:{number}: not an event: {line.strip()[:80]!r}") from error
