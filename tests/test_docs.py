"""The docs are complete, and nothing they point to is missing."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re

import pytest
import typer.main

from perdure.cli import app
from tests.conftest import REPOSITORY

PAGES = [REPOSITORY / "README.md", REPOSITORY / "CHANGELOG.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
ROOMS = sorted(path.name for path in (REPOSITORY / "src" / "perdure").iterdir() if (path / "__init__.py").is_file())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if not link.startswith(("http://", "https://")):
            assert (page.parent / link).exists(), f"{page.name} points to {link}"


@pytest.mark.parametrize("room", [room for room in ROOMS if room != "cli"])
def test_every_room_is_on_the_map(room):
    assert f"`{room}/`" in (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")


def commands(command, prefix="perdure"):
    """Every command of the command line, with its parents."""
    for name, sub in getattr(command, "commands", {}).items():
        if getattr(sub, "commands", None):
            yield from commands(sub, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}", sub


COMMANDS = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_told_of_and_explains_itself(name):
    assert name in TEXT
    assert COMMANDS[name].help
    for parameter in COMMANDS[name].params:
        assert getattr(parameter, "help", None), f"{name} {parameter.name}"


def test_the_page_of_the_configuration_is_what_the_code_says():
    path = REPOSITORY / "docs" / "make_configuration.py"
    spec = importlib.util.spec_from_file_location("make_configuration", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text(encoding="utf-8") == module.page(), "run docs/make_configuration.py"


NO_FIGURES = {
    "SAID",
    "NOTHING_SAID",
    "NO_MEETING",
    "NOTHING_KNOWN",
    "NOBODY",
    "TERM",
    "VECTOR",
    "BINS",
    "EDGES_S",
    "REASON",
    "UNFITTED",
}
"""Constants of the gallery that are objects or names, not choices, or follow from others."""


def constants():
    """Module, name and value of every constant of the gallery."""
    for path in sorted((REPOSITORY / "src" / "perdure" / "gallery").glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            for target in targets:
                names = target.elts if isinstance(target, ast.Tuple) else [target]
                for name in names:
                    if isinstance(name, ast.Name) and name.id.isupper() and name.id not in NO_FIGURES:
                        yield path.stem, name.id


@pytest.mark.parametrize(("module", "name"), list(constants()))
def test_every_constant_of_the_gallery_is_listed_with_its_value(module, name):
    page = (REPOSITORY / "docs" / "how-identity-works.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| `{module}\.{name}` \| (.+?) \|", page, re.M)
    assert row, f"docs/how-identity-works.md lacks {module}.{name}"
    value = getattr(importlib.import_module(f"perdure.gallery.{module}"), name)
    assert eval(row[1], {"__builtins__": {}}) == value
