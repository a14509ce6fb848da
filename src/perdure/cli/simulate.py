"""``perdure simulate``: footage of a building that does not exist, with its truth; or a study of where cameras see."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from perdure.simulate.plan import Plan
    from perdure.simulate.truth import TrueVisit


def simulate(
    plan: Annotated[str, typer.Argument(help="house, garden, shop, office, demo, or a YAML file of your own.")],
    out: Annotated[Path, typer.Option(help="Folder for videos, truth and perdure.yaml.")] = Path("simulated"),
    minutes: Annotated[float | None, typer.Option(help="Length, instead of the plan's own.")] = None,
    seed: Annotated[int, typer.Option(help="Another number is another day with other people.", min=0)] = 0,
    study: Annotated[bool, typer.Option("--study", help="No video: what do the cameras see, and what not?")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace footage that is in the folder.")] = False,
    people: Annotated[
        int | None, typer.Option(help="No video: crops and labelled pictures of N random people, for training.", min=1)
    ] = None,
    scenes: Annotated[int, typer.Option(help="With --people: in how many scenes each of them is.", min=1)] = 4,
    rtsp: Annotated[bool, typer.Option("--rtsp", help="Then serve it as network cameras, until Ctrl-C.")] = False,
    host: Annotated[str, typer.Option(help="Address to serve at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to serve at; 0 takes a free one.", min=0, max=65535)] = 8554,
) -> None:
    """Film a simulated building: one video per camera, and what is true of them.

    Same plan, same seed: the same truth, byte for byte. With --rtsp footage that is in the folder is served as it is.
    """
    from perdure.simulate.reading import load

    settled = load(plan, minutes=minutes)
    if study:
        _study(settled, out)
        return
    if people is not None:
        _material(settled, out, people, scenes, seed, overwrite)
        return
    folder = _folders(settled, out)[0]
    if not rtsp or overwrite or not all((folder / f"{camera.name}.mp4").is_file() for camera in settled.cameras):
        _film(settled, out, seed, overwrite)
    if rtsp:
        _serve(settled, folder, host, port)


def _material(plan: Plan, out: Path, people: int, scenes: int, seed: int, overwrite: bool) -> None:
    from rich.console import Console

    from perdure.errors import StoreError
    from perdure.simulate.material import render_material

    if (out / "labels.json").exists() and not overwrite:
        raise StoreError(f"{out} holds material already: choose another --out, or say --overwrite")
    with Console(stderr=True).status("starting ...") as status:
        made = render_material(
            plan, out, people, scenes, seed, lambda done, total: status.update(f"scene {done} of {total}")
        )
    typer.echo(f"{made.crops} crops of {made.people} people in {out / 'crops'} (layout market1501)")
    typer.echo(f"{made.pictures} pictures in {out / 'pictures'}, boxes in {out / 'labels.json'} (COCO)")


def _folders(plan: Plan, out: Path) -> list[Path]:
    """One per day."""
    return [out if plan.days == 1 else out / f"day-{day:03d}" for day in range(1, plan.days + 1)]


def _serve(plan: Plan, folder: Path, host: str, port: int) -> None:
    """Until Ctrl-C or SIGTERM; repeats when the longest file is over."""
    import signal
    import threading

    from perdure.simulate.rtsp import RtspServer, cameras_of

    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with RtspServer(cameras_of(plan, folder), host=host, port=port) as server:
        for url in server.urls.values():
            typer.echo(url)
        typer.echo(f"serving {folder}, again and again; Ctrl-C ends it", err=True)
        ended.wait()


def _film(plan: Plan, out: Path, seed: int, overwrite: bool) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    from perdure.errors import StoreError
    from perdure.simulate.film import film

    folders = _folders(plan, out)
    if any((folder / "truth").exists() for folder in folders) and not overwrite:
        raise StoreError(f"{out} holds footage already: choose another --out, or say --overwrite")
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    for day, folder in enumerate(folders, start=1):
        with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
            tasks: dict[str, TaskID] = {camera.name: bars.add_task(camera.name, total=None) for camera in plan.cameras}

            def told(name: str, done: int, total: int, bars: Progress = bars, tasks: dict[str, TaskID] = tasks) -> None:
                bars.update(tasks[name], completed=done, total=total)

            footage = film(plan, folder, day=day, seed=seed, progress=told)
        _tell(footage.visits)
        typer.echo(f"videos and truth in {folder}; next: perdure run --config {footage.config} --out {folder / 'run'}")


def _tell(visits: tuple[TrueVisit, ...]) -> None:
    """Who really came."""
    from rich.console import Console
    from rich.table import Table

    table = Table("person", "from", "to", "seen by (seconds)", title="What is true")
    for visit in visits:
        seen = ", ".join(f"{s.camera} {s.start_s:.0f}-{s.end_s:.0f}" for s in visit.sightings) or "nobody"
        table.add_row(f"{visit.person} {visit.name}", f"{visit.start_s:.0f} s", f"{visit.end_s:.0f} s", seen)
    Console().print(table)


def _study(plan: Plan, out: Path) -> None:
    import numpy as np
    from rich.console import Console
    from rich.table import Table

    from perdure.simulate import study
    from perdure.simulate.workload import workload

    coverage = study.study(plan)
    console = Console()
    rooms = Table("room", "floor m2", "unseen", f">= {study.GOOD_PX:.0f} px", "median px", "cameras", title=plan.name)
    for row in study.table(plan, coverage):
        rooms.add_row(*row)
    console.print(rooms)
    names = [camera.name for camera in plan.cameras]
    gaps = Table("from / to", *names, title="Shortest hand-off, seconds (0: they overlap)")
    for name, row in zip(names, coverage.handoff_s, strict=True):
        gaps.add_row(name, *(f"{gap:.1f}" if np.isfinite(gap) else "no way" for gap in row))
    console.print(gaps)
    for x, y, area in study.blind_spots(coverage):
        console.print(f"nobody sees {area:.1f} m2 around x {x:.1f}, y {y:.1f}")
    load = workload(plan)
    costs = Table(
        "camera", "pictures/s", "people", "decode", "detect", "embed", "cores", title="What it costs, ms of a core"
    )
    for camera in load.cameras:
        stages = (f"{ms:.1f}" for ms in (camera.decode_ms, camera.detect_ms, camera.embed_ms))
        costs.add_row(camera.name, f"{camera.rate_fps:g}", f"{camera.people:.1f}", *stages, f"{camera.cores:.2f}")
    console.print(costs)
    console.print(f"{load} ({load.detector} on every picture, {load.embedder} on everybody found)")
    out.mkdir(parents=True, exist_ok=True)
    study.draw(plan, coverage, out / "coverage.png", str(load))
    console.print(f"picture: {out / 'coverage.png'}")
