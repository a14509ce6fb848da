"""The command line. Commands import what they use when they run, so that ``--help`` stays quick."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from perdure import __version__
from perdure.cli import eval as evaluation
from perdure.cli import export, models, train
from perdure.cli.demo import demo
from perdure.cli.doctor import doctor
from perdure.cli.embed import embed
from perdure.cli.enrol import enrol
from perdure.cli.report import report
from perdure.cli.review import review
from perdure.cli.run import run
from perdure.cli.search import search
from perdure.cli.serve import camera_app, serve
from perdure.cli.simulate import simulate
from perdure.cli.track import track
from perdure.errors import PerdureError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Multi-camera person re-identification: one lasting identity per person, one event per visit.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"perdure {__version__}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Options of every command."""


app.command()(demo)
app.command()(run)
app.command()(serve)
app.command()(enrol)
app.command()(track)
app.command()(embed)
app.command()(search)
app.command()(report)
app.command()(review)
app.command()(simulate)
app.command()(doctor)
app.add_typer(camera_app, name="camera")
app.add_typer(export.app, name="export")
app.add_typer(models.app, name="models")
app.add_typer(evaluation.app, name="eval")
app.add_typer(train.app, name="train")


def main() -> None:
    """Run the command line; a user's mistake is one sentence on stderr and exit code 2, never a traceback."""
    try:
        app()
    except PerdureError as error:
        typer.echo(f"perdure: {error}", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        typer.echo("perdure: interrupted", err=True)
        sys.exit(130)
