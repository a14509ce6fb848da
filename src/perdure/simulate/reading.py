"""A plan from a YAML file or from those that come with perdure. Errors name the line."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import yaml
from pydantic import ValidationError

from perdure.errors import ConfigError
from perdure.simulate.check import check
from perdure.simulate.plan import Lines, Plan

BUILTIN = ("house", "garden", "shop", "office", "demo")
"""Plans that come with perdure; their name is enough."""


def load(name: str, minutes: float | None = None) -> Plan:
    """A plan by name (``BUILTIN``) or YAML file; ``minutes`` replaces its length.

    Raises:
        ConfigError: no such plan, not YAML, an unknown key or a value out of bounds, or a building that cannot be: each
            with its line.
    """
    if name in BUILTIN:
        text = (resources.files("perdure.simulate") / "plans" / f"{name}.yaml").read_text(encoding="utf-8")
        return _lasting(parse(text, f"the built-in plan {name!r}"), minutes)
    path = Path(name)
    if not path.is_file():
        raise ConfigError(f"no plan {name!r}: expected a YAML file or one of {', '.join(BUILTIN)}")
    try:
        return _lasting(parse(path.read_text(encoding="utf-8"), str(path)), minutes)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the plan {path}: {error}") from error


def _lasting(plan: Plan, minutes: float | None) -> Plan:
    if minutes is None:
        return plan
    if not 0 < minutes <= 1440:
        raise ConfigError(f"minutes: {minutes} is not between 0 and 1440")
    return plan.model_copy(update={"minutes": minutes})


def parse(text: str, where: str = "plan") -> Plan:
    """A plan from YAML text; ``where`` starts the error messages.

    Raises:
        ConfigError: see ``load``.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{where} is not YAML: {error}") from error
    lines = Lines(node, where)
    if not isinstance(content, dict):
        raise ConfigError(f"{where}: expected keys such as 'rooms:' at the top, found a {type(content).__name__}")
    try:
        plan = Plan.model_validate(content)
    except ValidationError as error:
        found = error.errors()
        inner = [e for e in found if not any(o["loc"][: len(e["loc"])] == e["loc"] for o in found if o is not e)]
        messages = [
            f"{lines.of(e['loc'])}: {_key(e['loc'])}: {e['msg']} (got {e['input']!r:.60})" for e in inner or found
        ]
        raise ConfigError("\n".join(messages)) from error
    check(plan, lines)
    return plan


def _key(location: tuple[str | int, ...]) -> str:
    return ".".join(str(part) for part in location)
