"""Writes docs/configuration.md from src/perdure/config/: ``python docs/make_configuration.py``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from perdure.config import Config
from perdure.config.whole import held_by

PAGE = Path(__file__).with_name("configuration.md")
HEAD = """# Configuration

Every key of `perdure.yaml`. Unknown keys and values out of bounds are errors that name the key and what is allowed.
This page is written by `docs/make_configuration.py` from `src/perdure/config/`.

| key | default | allowed | what it does |
|---|---|---|---|
"""


def page() -> str:
    """The whole page."""
    return HEAD + "".join(
        f"| `{key}` | {_default(field)} | {_allowed(field)} | {field.description} |\n" for key, field in rows()
    )


def rows(model: type[BaseModel] = Config, prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every key that holds a value; NAME stands for any name, and a list of sections is one key."""
    for key, field in model.model_fields.items():
        held, is_many = held_by(field.annotation)
        if held is None or get_origin(field.annotation) is tuple or type(None) in get_args(field.annotation):
            yield f"{prefix}{key}", field
        else:
            yield from rows(held, f"{prefix}{key}.NAME." if is_many else f"{prefix}{key}.")


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "needed"
    if field.default is None or field.default in ((), ""):
        return "none"
    return f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"


def _allowed(field: FieldInfo) -> str:
    choices = [str(choice) for choice in get_args(field.annotation) if isinstance(choice, str | int)]
    if choices:
        return ", ".join(choices)
    signs = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
    limits = [(sign, getattr(item, name, None)) for item in field.metadata for name, sign in signs.items()]
    return " and ".join(f"{sign} {limit}" for sign, limit in limits if limit is not None)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
