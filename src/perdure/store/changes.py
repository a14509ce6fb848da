"""A change of the gallery's log as a kind and JSON, and back, exactly."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import get_args

from pydantic import TypeAdapter, ValidationError

from perdure.errors import StoreError
from perdure.types import Change

_READERS: dict[str, TypeAdapter[Change]] = {kind.__name__: TypeAdapter(kind) for kind in get_args(Change)}


def kind_of(change: Change) -> str:
    """What the database calls this kind of change."""
    return type(change).__name__


def to_json(change: Change) -> str:
    """All of its fields; ``NaN`` stands for what was not measured."""
    return json.dumps(asdict(change))


def from_json(kind: str, content: str) -> Change:
    """The change that was written.

    Raises:
        StoreError: no such kind, or not its fields.
    """
    try:
        return _READERS[kind].validate_python(json.loads(content))
    except (KeyError, ValueError, ValidationError) as error:
        raise StoreError(f"a change of kind {kind} cannot be read: was it written by a newer version?") from error
