"""``perdure eval``: how good is a result? Every command prints a table, or with ``--json`` the exact figures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from perdure.cli.eval_options import HtmlOption, JsonOption, tell
from perdure.cli.eval_retrieval import openset, retrieval, simulator
from perdure.cli.eval_stream import ablate, cascade, stream

app = typer.Typer(help="Measure a result against the truth.", no_args_is_help=True)
app.command()(retrieval)
app.command()(openset)
app.command()(simulator)
app.command()(stream)
app.command()(ablate)
app.command()(cascade)


@app.command()
def tracking(
    truth: Annotated[Path, typer.Option(help="Folder of <sequence>/gt/gt.txt, or one file.")],
    result: Annotated[Path, typer.Option(help="Folder of <sequence>.txt, or one file.")],
    protocol: Annotated[str, typer.Option(help="auto, mot15 (no classes), mot17 (also MOT16) or mot20.")] = "auto",
    as_json: JsonOption = False,
    html: HtmlOption = None,
) -> None:
    """HOTA, IDF1 and MOTA of tracks in MOTChallenge text, each sequence and all together."""
    from perdure.evaluate.motfiles import named_protocol, read_sequences
    from perdure.evaluate.tracking import combined, score, tracking_report

    scores = {s.name: score(s.truth, s.result) for s in read_sequences(truth, result, named_protocol(protocol))}
    figures = {"sequences": {n: s.figures() for n, s in scores.items()}, "combined": combined(scores).figures()}
    tell(tracking_report(scores), figures, as_json, html)


@app.command()
def multicamera(
    truth: Annotated[Path, typer.Option(help="Folder with one file a camera, or an AI City file.")],
    result: Annotated[Path, typer.Option(help="The same kind, or a run folder.")],
    events: Annotated[Path | None, typer.Option(help="events.jsonl; found by itself in a run folder.")] = None,
    visit_gap_s: Annotated[float, typer.Option(min=0.001, help="A visit ends when unseen for longer.")] = 120.0,
    fps: Annotated[float, typer.Option(min=0.001, help="Of cameras without seqinfo.ini.")] = 30.0,
    config: Annotated[Path | None, typer.Option(help="perdure.yaml: offset_s and rate_fps of the cameras.")] = None,
    homographies: Annotated[Path | None, typer.Option(help="JSON: camera to 3 x 3, image to metres.")] = None,
    as_json: JsonOption = False,
    html: HtmlOption = None,
) -> None:
    """Global identities over all cameras at once: HOTA, IDF1, B-cubed, fragments, false tracks, events per visit."""
    from perdure.config import load
    from perdure.evaluate.camerafiles import on_floor, read_cameras, read_homographies, with_clocks
    from perdure.evaluate.eventfile import read_events
    from perdure.evaluate.footage import has_database, worst_of_run
    from perdure.evaluate.mistakes_page import figures as mistake_figures
    from perdure.evaluate.mistakes_page import section
    from perdure.evaluate.multicamera import multicamera_report, score_cameras

    cameras = with_clocks(read_cameras(truth, result, fps), load(config))
    if homographies is not None:
        cameras = on_floor(cameras, read_homographies(homographies))
    found = events or (result / "events.jsonl")
    scores = score_cameras(cameras, visit_gap_s, read_events(found) if events or found.is_file() else None)
    report, figures = multicamera_report(scores), scores.figures()
    if has_database(result):
        mistakes = worst_of_run(result, truth, fps)
        report = replace(report, sections={"Worst mistakes": section(mistakes, result)})
        figures = figures | {"worst_mistakes": mistake_figures(mistakes)}
    tell(report, figures, as_json, html)
