"""``perdure eval``: how good is a result? Every command prints a table, or with ``--json`` the exact figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perdure.cli.eval_retrieval import openset, retrieval

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perdure.evaluate.report import Report

app = typer.Typer(help="Measure a result against the truth.", no_args_is_help=True)
app.command()(retrieval)
app.command()(openset)

Json = Annotated[bool, typer.Option("--json", help="Print exact figures as JSON instead of tables.")]
Html = Annotated[Path | None, typer.Option("--html", help="Also write a self-contained page with plots.")]


def tell(report: Report, figures: Mapping[str, object], as_json: bool, html: Path | None) -> None:
    """Print the figures as tables or JSON, and write the page where one is asked for."""
    from perdure.evaluate.report import print_report, to_json, write_html

    if html is not None:
        write_html(report, html)
    if as_json:
        typer.echo(to_json(figures))
        return
    from rich.console import Console

    print_report(report, Console())


@app.command()
def tracking(
    truth: Annotated[Path, typer.Option(help="Folder of <sequence>/gt/gt.txt, or one file.")],
    result: Annotated[Path, typer.Option(help="Folder of <sequence>.txt, or one file.")],
    protocol: Annotated[str, typer.Option(help="auto, mot15 (no classes), mot17 (also MOT16) or mot20.")] = "auto",
    json: Json = False,
    html: Html = None,
) -> None:
    """HOTA, IDF1 and MOTA of tracks in MOTChallenge text, each sequence and all together."""
    from perdure.evaluate.motfiles import named_protocol, read_sequences
    from perdure.evaluate.tracking import combined, score, tracking_report

    scores = {s.name: score(s.truth, s.result) for s in read_sequences(truth, result, named_protocol(protocol))}
    figures = {"sequences": {n: s.figures() for n, s in scores.items()}, "combined": combined(scores).figures()}
    tell(tracking_report(scores), figures, json, html)
