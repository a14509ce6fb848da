"""``perdure demo``: the main job on a small building that was never built, with its truth beside the answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perdure.report.result import RunResult
    from perdure.simulate.truth import TrueVisit


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the footage and the run.")] = Path("demo"),
    video: Annotated[bool, typer.Option("--video/--no-video", help="Draw annotated videos and a mosaic.")] = True,
) -> None:
    """Film four simulated people with three cameras, find them with the built-in models, compare with the truth."""
    from perdure.cli.progress import Bars
    from perdure.config import load
    from perdure.nodes.recorded import Plan, run
    from perdure.simulate.demo import render_demo

    with Bars() as bars:
        bars.say("filming a simulated shop, hall and office ...")
        footage = render_demo(out / "footage", bars.filmed)
    with Bars() as bars:
        bars.say("looking for people ...")
        result = run(Plan(load(footage.config), out / "run", overwrite=True, video=video), bars)
    compare(footage.visits, result)
    typer.echo(f"\nLook at {out / 'run' / 'report.html'}")
    if video:
        typer.echo(f"    and {out / 'run' / 'video' / 'mosaic.mp4'}")
    typer.echo("Your own cameras: perdure run door=FILE hall=FILE --out FOLDER")


def compare(visits: Sequence[TrueVisit], result: RunResult) -> None:
    """Print who came, and who was found."""
    from rich.console import Console
    from rich.table import Table

    names = {visit.person: visit.name for visit in visits}
    seen = {person: {s.camera for v in visits if v.person == person for s in v.sightings} for person in names}
    truth = Table("who came", "seen by", title="The truth")
    for person, name in names.items():
        truth.add_row(name, ", ".join(c.name for c in result.cameras if c.name in seen[person]))
    answer = Table("who was found", "seen by", "sightings", "confidence", title="The answer")
    for identity in result.identities:
        cameras = ", ".join(c.name for c in result.cameras if c.name in identity.cameras)
        answer.add_row(identity.id, cameras, str(len(identity.sightings)), f"{identity.confidence:.2f}")
    console = Console()
    console.print(truth, answer)
    for note in result.notes:
        console.print(f"[yellow]Note:[/] {note}")
