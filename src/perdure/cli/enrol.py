"""``perdure enrol``: people known by pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perdure.cli.serve import ConfigOption, DataOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perdure.nodes.enrolment import BoxXYXY, Given, Looked
    from perdure.nodes.people import People


def enrol(
    name: Annotated[str | None, typer.Argument(help="Of the person; or a number such as P7.")] = None,
    pictures: Annotated[
        list[str] | None,
        typer.Argument(metavar="PICTURE...", help="Files, folders or patterns: the person cut out, or scenes."),
    ] = None,
    data: DataOption = Path("perdure-site"),
    config: ConfigOption = None,
    server: Annotated[str | None, typer.Option(help="Address of a running perdure serve; needs --key.")] = None,
    key: Annotated[str | None, typer.Option(envvar="PERDURE_KEY", help="Key of an operator, from Settings.")] = None,
    file: Annotated[Path | None, typer.Option("--file", help="A file of people, for perdure run --people.")] = None,
    embedder: Annotated[str, typer.Option("--embedder", help="With --file: a name, or an ONNX file.")] = "auto",
    box: Annotated[
        str | None, typer.Option(help="With one picture of several people: who is meant, X1,Y1,X2,Y2 in pixels.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Also put the person on the watch list.")] = False,
    listing: Annotated[bool, typer.Option("--list", help="Who is enrolled.")] = False,
    remove: Annotated[str | None, typer.Option("--remove", metavar="NAME", help="Enrol somebody no longer.")] = None,
    export: Annotated[Path | None, typer.Option("--export", help="Write all enrolled people to a file.")] = None,
    source: Annotated[Path | None, typer.Option("--import", help="Enrol everybody in a file of people.")] = None,
) -> None:
    """Enrol a person by pictures, so that cameras know them by name: at a site, over the API, or in a file for runs.

    Each picture shows the person cut out, or a scene with one person. Of several people the boxes are listed; say which
    with --box. A broken picture is told of and the others are used (exit code 2). More pictures can be given later.
    """
    from contextlib import closing

    from perdure.errors import ConfigError

    asked = [bool(name), listing, remove is not None, export is not None, source is not None]
    if sum(asked) != 1:
        raise ConfigError("give a NAME with pictures, or one of --list, --remove, --export and --import")
    with closing(_people(data, config, server, key, file, embedder)) as people:
        if listing:
            _list(people)
        elif remove is not None:
            left = people.remove(remove)
            typer.echo(
                f"{remove} is enrolled no longer" + (f"; what cameras saw of them is {left} now" if left else "")
            )
        elif export is not None:
            people.export(export)
            typer.echo(f"{len(people.everybody())} people are in {export}")
        elif source is not None:
            for one in people.bring_in(source):
                typer.echo(f"enrolled {one}")
        else:
            _enrol(people, name or "", pictures or [], box, watch)


def _people(
    data: Path, config: Path | None, server: str | None, key: str | None, file: Path | None, embedder: str
) -> People:
    """Where the people are kept."""
    from perdure.errors import ConfigError
    from perdure.nodes import people

    if server is not None and file is not None:
        raise ConfigError("give --server or --file, not both")
    if file is not None:
        return people.InFile(file, embedder)
    if server is not None:
        if not key:
            raise ConfigError("--server needs a --key: make one on the page, Settings, or by POST tokens")
        return people.AtServer(server, key)
    return people.AtSite(data, config)


def _enrol(people: People, name: str, patterns: Sequence[str], box: str | None, watch: bool) -> None:
    given = _given(patterns, box)
    identity, looked = people.enrol(name, given)
    for one in looked:
        if one.outcome != "used":
            _tell(one)
    good = sum(one.outcome in ("used", "odd") for one in looked)
    if identity is None:
        typer.echo(f"{name} was not enrolled: none of {len(looked)} pictures can be used", err=True)
        raise typer.Exit(2)
    typer.echo(f"{name} is enrolled as {identity} with {good} of {len(looked)} pictures")
    if watch:
        people.watch(identity)
        typer.echo(f"{name} is on the watch list")
    if good < len(looked):
        raise typer.Exit(2)


def _tell(one: Looked) -> None:
    typer.echo(f"{one.label}: {one.said}", err=True)
    for x1, y1, x2, y2 in one.boxes:
        typer.echo(f"    --box {x1:.0f},{y1:.0f},{x2:.0f},{y2:.0f}", err=True)


def _list(people: People) -> None:
    from rich.console import Console
    from rich.table import Table

    found = people.everybody()
    if not found:
        typer.echo("nobody is enrolled yet: perdure enrol NAME PICTURE...")
        return
    table = Table("name", "number", "pictures", "watched", "last seen")
    for one in found:
        table.add_row(one.name, one.id, str(one.pictures), "yes" if one.watched else "", one.last_seen)
    Console().print(table)


def _given(patterns: Sequence[str], box: str | None) -> list[Given]:
    """The files behind paths, folders and patterns, each once.

    Raises:
        ConfigError: none at all, a path that is not there, or a box that is none.
    """
    from perdure.errors import ConfigError
    from perdure.nodes.enrolment import Given

    files = [path for pattern in patterns for path in _files(pattern)]
    files = list(dict.fromkeys(files))
    if not files:
        raise ConfigError("give at least one picture: files, folders or patterns such as 'ann/*.jpg'")
    if box is not None and len(files) != 1:
        raise ConfigError(f"--box is for one picture, not {len(files)}")
    where = None if box is None else _box(box)
    return [Given(str(path), _content(path), where) for path in files]


def _content(path: Path) -> bytes:
    """What is in a file; nothing where it cannot be read, which is then told like any other broken picture."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _files(pattern: str) -> list[Path]:
    from perdure.errors import ConfigError

    path = Path(pattern)
    if path.is_dir():
        return sorted(found for found in path.rglob("*") if found.is_file() and not found.name.startswith("."))
    if path.exists():
        return [path]
    below = Path(path.anchor) if path.is_absolute() else Path()
    try:
        found = sorted(one for one in below.glob(str(path.relative_to(path.anchor))) if one.is_file())
    except ValueError as error:
        raise ConfigError(f"{pattern} is no pattern: {error}") from error
    if not found:
        raise ConfigError(f"there is no file, folder or pattern {pattern}")
    return found


def _box(text: str) -> BoxXYXY:
    from perdure.errors import ConfigError

    try:
        x1, y1, x2, y2 = (float(part) for part in text.split(","))
    except ValueError as error:
        raise ConfigError(f"--box {text}: expected X1,Y1,X2,Y2 in pixels") from error
    if not (x1 < x2 and y1 < y2):
        raise ConfigError(f"--box {text}: X1 has to be left of X2 and Y1 above Y2")
    return x1, y1, x2, y2
