"""``perdure run``: recorded footage of several cameras in, people and visits out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from perdure.config import Config
    from perdure.report.result import RunResult


def run(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME=]SOURCE...",
            help="Videos, folders of pictures, or webcam numbers; a NAME for each camera if you like.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for everything that comes out.")] = Path("run"),
    config: Annotated[Path | None, typer.Option(help="perdure.yaml; its cameras are added.")] = None,
    detector: Annotated[str | None, typer.Option(help="Name in the catalogue, an ONNX file, or Darknet files.")] = None,
    detections: Annotated[
        list[str] | None,
        typer.Option(metavar="[NAME=]FILE", help="Boxes of a camera made elsewhere, MOT text or JSON (repeatable)."),
    ] = None,
    embedder: Annotated[str | None, typer.Option(help="Name in the catalogue, or an ONNX file with a card.")] = None,
    people: Annotated[Path | None, typer.Option(help="File of enrolled people (perdure enrol --file).")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu or cuda.")] = None,
    detect_every: Annotated[int | None, typer.Option(help="Look for people on every n-th frame only.")] = None,
    video: Annotated[bool, typer.Option("--video", help="Also draw annotated videos and a mosaic.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a run that is in the folder.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped or killed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON, and no progress.")] = False,
) -> None:
    """Find the people in recorded footage: one identity each over all cameras, one event per visit.

    Ctrl-C stops early and writes what was seen until then (exit code 130); --resume goes on from there. A source that
    breaks ends its camera only; everything is written, and the exit code is 2.
    """
    from perdure.cli.progress import Bars, Silent
    from perdure.nodes.recorded import Plan
    from perdure.nodes.recorded import run as run_plan

    settings = settle(sources or [], config, detector, embedder, device, detect_every, detections or [], people)
    plan = Plan(settings, out, overwrite=overwrite, resume=resume, video=video)
    if as_json:
        import json

        result = run_plan(plan, Silent())
        typer.echo(json.dumps(outcome(result, out), indent=1))
    else:
        with Bars() as bars:
            result = run_plan(plan, bars)
        tell(result, out)
    if result.interrupted:
        raise typer.Exit(130)
    if any(camera.broken for camera in result.cameras):
        raise typer.Exit(2)


def settle(
    sources: list[str],
    config: Path | None,
    detector: str | None,
    embedder: str | None,
    device: str | None,
    detect_every: int | None,
    detections: Sequence[str] = (),
    people: Path | None = None,
) -> Config:
    """The configuration file with what the command line says on top.

    Raises:
        ConfigError: a value is wrong, two cameras have one name, there is none at all, or detections belong to none.
    """
    from perdure.config import load, parse
    from perdure.errors import ConfigError

    content: dict[str, Any] = load(config).model_dump(mode="json", exclude_unset=True)
    cameras = content.setdefault("cameras", {})
    given = [name_source(text) for text in sources]
    for name, source in named_apart(given):
        if name in cameras:
            raise ConfigError(f"two sources are called {name!r}: give each its own name, NAME=SOURCE")
        cameras[name] = {"source": source}
    for camera, file in (name_source(text) for text in detections):
        if camera is None and len(given) == 1:
            camera = next(reversed(cameras))
        if camera not in cameras:
            raise ConfigError(f"--detections {file}: give the camera, NAME=FILE; cameras: {', '.join(cameras)}")
        cameras[camera]["detections"] = file
    if not cameras:
        raise ConfigError("no camera: give at least one SOURCE, or a --config with cameras")
    chosen = (
        ("detection", "model", detector),
        ("detection", "every", detect_every),
        ("embedding", "model", embedder),
        ("gallery", "people", None if people is None else str(people)),
    )
    for section, key, value in chosen:
        if value is not None:
            content.setdefault(section, {})[key] = value
    if device is not None:
        content["device"] = device
    return parse(content, where="command line" if config is None else f"{config} and command line")


def name_source(text: str) -> tuple[str | None, str]:
    """``NAME=SOURCE`` or ``SOURCE``; a path that exists is never taken apart."""
    name, sign, source = text.partition("=")
    if sign and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name) and not Path(text).exists():
        return name, source
    return None, text


def named_apart(given: list[tuple[str | None, str]]) -> list[tuple[str, str]]:
    """A name for every source: its own, else the file's; files of one name get numbers."""
    taken = {name for name, _ in given if name is not None}
    named = []
    for name, source in given:
        if name is None:
            stem = re.sub(r"[^A-Za-z0-9_.-]+", "-", Path(source).stem or source).strip("-.") or "camera"
            name = next(n for i in range(1, len(given) + 2) if (n := stem if i == 1 else f"{stem}-{i}") not in taken)
            taken.add(name)
        named.append((name, source))
    return named


def outcome(result: RunResult, out: Path) -> dict[str, object]:
    """A run as plain data, for ``--json``."""
    cost = result.cost
    frames = sum(camera.looked_at for camera in result.cameras)
    return {
        "out": str(out),
        "people": len(result.identities),
        "events": len(result.events),
        "visits": len(result.visits),
        "interrupted": result.interrupted,
        "detector": result.detector,
        "embedder": result.embedder,
        "policy": result.policy,
        "cameras": [
            {
                "name": c.name,
                "frames": c.frames,
                "looked_at": c.looked_at,
                "footage_s": round(c.footage_s, 3),
                "broken": c.broken,
                "people": sum(c.name in identity.cameras for identity in result.identities),
            }
            for c in result.cameras
        ],
        "wall_s": round(cost.wall_s, 3),
        "frames_per_s": round(frames / cost.wall_s, 2),
        "stages_ms_per_frame": {k: round(1000 * s / max(frames, 1), 3) for k, s in cost.stages_s.items()},
        "embedded": cost.embedded,
        "memory_mb": round(cost.memory_mb, 1),
        "memory_per_camera_mb": round(cost.memory_per_camera_mb, 1),
        "notes": list(result.notes),
    }


def tell(result: RunResult, out: Path) -> None:
    """The outcome for a person."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table("person", "visits", "cameras", "first seen", "last seen", "confidence")
    for identity in result.identities:
        visits = sum(event.identity == identity.id for event in result.visits)
        span = (_clock(identity.first_seen), _clock(identity.last_seen))
        table.add_row(
            identity.name or identity.id, str(visits), ", ".join(identity.cameras), *span, f"{identity.confidence:.2f}"
        )
    people, events = len(result.identities), len(result.visits)
    if people:
        console.print(table)
    console.print(f"{people} {'person' if people == 1 else 'people'}, {events} {'visit' if events == 1 else 'visits'}")
    for camera in result.cameras:
        if camera.broken:
            console.print(f"[yellow]{camera.name} ended early:[/] {camera.broken}")
    for note in result.notes:
        console.print(f"[yellow]Note:[/] {note}")
    if result.interrupted:
        console.print(f"[yellow]Stopped early.[/] Go on with: perdure run ... --out {out} --resume")
    console.print(f"Look at [bold]{out / 'report.html'}[/]", soft_wrap=True)


def _clock(at: float) -> str:
    minutes, seconds = divmod(at, 60)
    return f"{int(minutes)}:{seconds:04.1f}"
