"""``perdure search``: who looks like the person on a picture, and where they were."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perdure.cli.embed import embedded
from perdure.cli.eval_options import Device, DeviceOption, HtmlOption, JsonOption

if TYPE_CHECKING:
    from perdure.evaluate.embeddings import Embeddings
    from perdure.models.card import Calibration


def search(
    picture: Annotated[Path, typer.Argument(metavar="IMAGE", help="A picture of the person, cut out.")],
    among: Annotated[
        Path, typer.Option("--in", help="Pictures, an npz of perdure embed, or the folder of a run or site.")
    ],
    top: Annotated[int, typer.Option("--top", min=1, max=1000, help="How many to show.")] = 10,
    embedder: Annotated[
        str | None, typer.Option("--embedder", help="Model (default: auto, or that of the npz).")
    ] = None,
    camera: Annotated[list[str] | None, typer.Option("--camera", help="Run or site: seen by this one.")] = None,
    begin: Annotated[str | None, typer.Option("--from", help="Run or site: seen after this time.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Run or site: seen before this time.")] = None,
    device: DeviceOption = Device.AUTO,
    as_json: JsonOption = False,
    html: HtmlOption = None,
) -> None:
    """Who looks most like the person on a picture, and how probably it is the same person.

    In the folder of a run or a site: people, with their journeys over the cameras. Else: the pictures most like it.
    """
    from perdure.cli.search_journeys import database_in, journeys
    from perdure.errors import InputError

    if (database := database_in(among)) is not None:
        journeys(picture, database, embedder, (camera or [], begin, end), top, device.value, as_json, html)
        return
    if camera or begin or end:
        raise InputError(f"--camera, --from and --to are for the folder of a run or a site, which {among} is not")
    _pictures(picture, among, top, embedder, device, as_json, html)


def _pictures(
    picture: Path, among: Path, top: int, embedder: str | None, device: Device, as_json: bool, html: Path | None
) -> None:
    """Among pictures that nobody has grouped."""
    from dataclasses import asdict

    from perdure.cli.eval_options import tell
    from perdure.embed.open import open_embedder
    from perdure.errors import InputError
    from perdure.evaluate import nearest as nearby
    from perdure.evaluate.embeddings import picture as read_picture
    from perdure.evaluate.report import Report

    crop = read_picture(picture)
    found, broken = _searched(among, embedder, device)
    opened = open_embedder(embedder or found.model, device.value)
    if opened.name != found.model:
        raise InputError(f"{among} is of {found.model}, not of {opened.name}: vectors of two models cannot be compared")
    vectors, quality = opened.embed([crop])
    if quality[0] == 0:
        raise InputError(f"{picture} shows nobody that can be embedded: it is {crop.shape[1]}x{crop.shape[0]} px")
    hits = nearby.nearest(vectors[0], found, top, _calibration(opened.name), leave_out=picture)
    notes = (f"{opened.name}; searched among {len(found):,} pictures; quality of the picture {quality[0]:.2f}.",)
    report = Report("perdure search", (nearby.table(picture, hits),), notes=notes)
    if html is not None:
        report = Report(report.title, report.tables, notes=notes, sections={"Pictures": nearby.sheet(picture, hits)})
    figures = {"model": opened.name, "searched": len(found), "quality": float(quality[0])}
    tell(report, {**figures, "hits": [asdict(hit) for hit in hits]}, as_json, html)
    if broken:
        raise typer.Exit(2)


def _searched(among: Path, embedder: str | None, device: Device) -> tuple[Embeddings, int]:
    """Embeddings made now or before, and how many pictures could not be read."""
    from perdure.evaluate.embeddings import load

    if among.suffix.lower() == ".npz":
        return load(among), 0
    return embedded(among, embedder or "auto", None, device)


def _calibration(model: str) -> Calibration | None:
    """Of the model's card; None where it has none."""
    from perdure.models.catalogue import cards

    return next((card.calibration for card in cards() if card.name == model), None)
