"""``perdure models``: which networks there are, what each is good for, and whether its file is sound."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from perdure.models.card import Card

app = typer.Typer(no_args_is_help=True, help="Detectors and embedders: list, add, look at, verify.")

AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """Every model of the catalogue, and whether its file is here."""
    from rich.console import Console
    from rich.table import Column, Table

    from perdure.models import catalogue

    known, broken = catalogue.read_cards()
    automatic = {("detector", catalogue.choose("auto", "detector")), ("embedder", catalogue.choose("auto", "embedder"))}
    if as_json:
        _print_json([{**card.model_dump(), "path": _where(card)} for card in known])
    else:
        table = Table(Column("model", no_wrap=True), "task", "here", "licence", title="Models (* is what 'auto' takes)")
        for card in sorted(known, key=lambda card: (card.task, card.name)):
            star = " *" if (card.task, card.name) in automatic else ""
            here = "code" if card.file is None else "yes" if _where(card) else "no"
            table.add_row(card.name + star, card.task, here, card.licence)
        Console().print(table)
    for error in broken:
        typer.echo(str(error), err=True)


@app.command()
def add(
    file: Annotated[Path, typer.Argument(help="The ONNX file.")],
    card: Annotated[Path, typer.Option("--card", help="Its card, a JSON file (docs/models.md).")],
) -> None:
    """Keep a model of your own in the user's data folder; afterwards its name works everywhere."""
    from perdure.models import catalogue

    added = catalogue.add(file, card)
    typer.echo(f"added {added.name} ({added.task}) to {catalogue.user_folder()}")


@app.command()
def info(
    name: Annotated[str, typer.Argument(help="Name in the catalogue, or an ONNX file with a card.")],
    as_json: AsJson = False,
) -> None:
    """Everything the card of a model says."""
    cards = _named(name)
    if as_json:
        _print_json([{**card.model_dump(), "path": _where(card)} for card in cards])
        return
    from rich.console import Console
    from rich.table import Column, Table

    for card in cards:
        table = Table(Column(), Column(overflow="fold"), show_header=False, title=f"{card.name} ({card.task})")
        for key, value in card.model_dump(exclude={"name", "task"}, exclude_none=True).items():
            table.add_row(key, _told(value))
        table.add_row("path", _where(card) or "not here")
        Console().print(table)


@app.command()
def verify(
    names: Annotated[list[str] | None, typer.Argument(help="Models (default: every one whose file is here).")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare files with the size and sha256 of their cards; exit code 2 if one differs or a named one is missing."""
    from perdure.errors import ModelError
    from perdure.models import catalogue

    told: dict[str, str] = {}
    broken = False
    cards = [card for name in names for card in _named(name)] if names else list(catalogue.cards())
    for card in cards:
        path = catalogue.locate(card)
        if card.file is None or (path is None and not names):
            continue
        try:
            if path is None:
                raise ModelError(catalogue.missing(card))
            catalogue.verify(card, path)
            told[card.name] = "ok"
        except ModelError as error:
            told[card.name] = str(error)
            broken = True
    if as_json:
        _print_json(told)
    else:
        for name, line in told.items():
            typer.echo(f"{name}: {line}")
    if broken:
        raise typer.Exit(2)


def _named(name: str) -> list[Card]:
    """The cards of a name (``baseline`` has two), also of models whose file is missing."""
    from perdure.models import catalogue

    return [card for card in catalogue.cards() if card.name == name] or [catalogue.find(name)[0]]


def _where(card: Card) -> str | None:
    from perdure.models import catalogue

    path = catalogue.locate(card)
    return None if path is None else "in the package, as code" if card.file is None else str(path)


def _told(value: object) -> str:
    """A value of a card as a person reads it."""
    if isinstance(value, dict):
        return "\n".join(f"{key}: {_told(part)}" for key, part in value.items() if part is not None)
    if isinstance(value, list | tuple):
        flat = all(isinstance(part, int | float) for part in value)
        return (", " if flat else "\n").join(_told(part) for part in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _print_json(content: object) -> None:
    import json

    typer.echo(json.dumps(content, indent=2, ensure_ascii=False))
