"""``perdure serve`` and ``perdure camera``: live cameras, events and the page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from perdure.config import Config

DataOption = Annotated[Path, typer.Option("--data", help="Folder of the site: database, pictures, accounts.")]
ConfigOption = Annotated[Path | None, typer.Option("--config", help="perdure.yaml (default: the one in --data).")]

camera_app = typer.Typer(help="The cameras of a live site.", no_args_is_help=True)

FIRST_CONFIG = """\
# perdure: every setting has a default; docs/configuration.md lists all.
#
# Cameras may stand here, or be added on the page or by: perdure camera add NAME ADDRESS
#cameras:
#  door: {source: "rtsp://user:password@192.0.2.10:554/stream2"}   # the smaller stream is enough
#  yard: {source: "rtsp://user:password@192.0.2.11:554/stream2"}

events:
  visit_gap_s: 120       # unseen for longer: the next time is another visit

live:
  retention_days: 30     # older pictures and visits are erased

server:
  host: 127.0.0.1        # 0.0.0.0: reachable from the whole network; use HTTPS then (docs/live.md)
  port: 8710
"""


def serve(
    data: DataOption = Path("perdure-site"),
    config: ConfigOption = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port; 0: any that is free.")] = None,
    go_back: Annotated[
        bool, typer.Option("--go-back", help="Put the last good copy of a damaged database in its place first.")
    ] = False,
) -> None:
    """Watch live cameras: one identity per person, one event per visit, a page and an API.

    The first start writes a commented perdure.yaml into the folder and prints an admin password, once. Ctrl-C ends
    gracefully; the next start goes on with the same people.
    """
    from perdure.api.service import serve as run

    settings = _settled(data, config, host, port)
    if go_back:
        _go_back(data)
    for warning in settings.silent_rules():
        typer.echo(f"perdure: {warning}", err=True)

    def listening(where: str) -> None:
        if password := _first_password(data):  # only now: a start that fails gives none away
            typer.echo(f"First start. Log in as admin with the password  {password}\nIt is shown this once: change it.")
        typer.echo(f"perdure is at {where}   (Ctrl-C ends)")

    run(settings, data, listening)


def _go_back(data: Path) -> None:
    """The last good copy in the place of a damaged database; one that is sound stays."""
    from perdure.nodes.live import DATABASE
    from perdure.store import last_good
    from perdure.store.lock import lock
    from perdure.store.site_store import SiteStore

    with lock(data):
        try:
            SiteStore(data / DATABASE).close()
        except last_good.DamagedError:
            kept = last_good.go_back(data / DATABASE)
            typer.echo(f"perdure: went back to the last good copy; the damaged database is kept as {kept}", err=True)
        else:
            typer.echo(f"perdure: {data / DATABASE} is sound: nothing was put in its place", err=True)


@camera_app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="Letters, digits, dots, dashes.")],
    source: Annotated[str, typer.Argument(help="rtsp://..., http://..., or a file to play.")],
    data: DataOption = Path("perdure-site"),
    rotate: Annotated[int, typer.Option(help="Turn the picture clockwise: 0, 90, 180 or 270 degrees.")] = 0,
    moving: Annotated[bool, typer.Option("--moving", help="It pans, zooms or is carried.")] = False,
    untested: Annotated[bool, typer.Option("--untested", help="Do not try the address first.")] = False,
) -> None:
    """Add a camera to the site; a running service watches it after a restart."""
    from perdure.config import parse
    from perdure.errors import ConfigError
    from perdure.nodes import camera_book

    keys = {"source": source, "rotate_deg": rotate, "moving": moving}
    made = parse({"cameras": {name: keys}}, where="command line").cameras[name]
    book = camera_book.read(data)
    if name in book:
        raise ConfigError(f"there is a camera {name!r} already: remove it first, or choose another name")
    if not untested:
        _try(source, name)
    camera_book.write(data, book | {name: made})
    typer.echo(f"{name} is in {data / camera_book.NAME}")


@camera_app.command("remove")
def remove(
    name: Annotated[str, typer.Argument(help="As perdure camera list shows it.")],
    data: DataOption = Path("perdure-site"),
) -> None:
    """Take a camera out of the site; whom it saw stays known."""
    from perdure.errors import ConfigError
    from perdure.nodes import camera_book

    book = camera_book.read(data)
    if name not in book:
        raise ConfigError(f"there is no camera {name!r} in {data / camera_book.NAME}")
    camera_book.write(data, {key: value for key, value in book.items() if key != name})
    typer.echo(f"{name} is gone")


@camera_app.command("test")
def test(source: Annotated[str, typer.Argument(help="rtsp://..., http://..., or a file.")]) -> None:
    """Try an address: open it and decode one picture."""
    _try(source, "test")


@camera_app.command("list")
def list_cameras(data: DataOption = Path("perdure-site"), config: ConfigOption = None) -> None:
    """The cameras of the site, without their passwords."""
    from perdure.config import load
    from perdure.nodes import camera_book
    from perdure.video.live import redacted

    own = data / "perdure.yaml"
    cameras = camera_book.together(load(config or (own if own.exists() else None)), data).cameras
    for name, camera in sorted(cameras.items()):
        typer.echo(f"{name:20s} {redacted(camera.source)}")
    if not cameras:
        typer.echo("no camera yet: perdure camera add NAME ADDRESS")


def _try(source: str, name: str) -> None:
    from perdure.video.probe import probe

    found = probe(source, name)
    typer.echo(f"{found.width} x {found.height}, {found.fps:g} frames a second, {found.codec}")


def _settled(data: Path, config: Path | None, host: str | None, port: int | None) -> Config:
    """The configuration with the cameras of the folder and the command line on top."""
    from perdure.config import load
    from perdure.errors import StoreError
    from perdure.nodes import camera_book

    own = data / "perdure.yaml"
    try:
        data.mkdir(parents=True, exist_ok=True)
        if config is None and not own.exists():
            own.write_text(FIRST_CONFIG, encoding="utf-8")
            typer.echo(f"wrote {own}")
    except OSError as error:
        raise StoreError(f"cannot write to {data}: {error.strerror}; choose another --data folder") from error
    settings = camera_book.together(load(config or own), data)
    chosen = {key: value for key, value in (("host", host), ("port", port)) if value is not None}
    return settings.model_copy(update={"server": settings.server.model_copy(update=chosen)})


def _first_password(data: Path) -> str:
    """Of the first admin, where there is nobody yet; else ""."""
    import secrets
    import time

    from perdure.store.accounts import FILE, Accounts

    with Accounts(data / FILE) as accounts:
        if not accounts.is_empty():
            return ""
        password = secrets.token_urlsafe(12)
        accounts.add_user(time.time(), "admin", "admin", password)
        return password
