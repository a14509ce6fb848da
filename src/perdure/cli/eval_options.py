"""What the commands of ``perdure eval`` share: options, labelled embeddings, and how findings are told."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perdure.evaluate.datasets import DataSet, Layout
    from perdure.evaluate.embeddings import Embeddings
    from perdure.evaluate.report import Report


class Device(StrEnum):
    """Where the embedder runs."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


EmbeddingsOption = Annotated[Path | None, typer.Option("--embeddings", help="npz of embeddings made before.")]
SaveOption = Annotated[Path | None, typer.Option("--save", help="Write the embeddings to this npz.")]
DeviceOption = Annotated[Device, typer.Option("--device", help="Where the embedder runs.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print exact figures as JSON instead of tables.")]
HtmlOption = Annotated[Path | None, typer.Option("--html", help="Also write a self-contained page with plots.")]


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


def labelled(
    pictures: Path | None,
    embedder: str | None,
    embeddings: Path | None,
    save: Path | None,
    device: Device,
    option: str,
    layout: Layout | None = None,
) -> tuple[Embeddings, DataSet | None]:
    """Embeddings of a folder, made now or before, or of an npz alone; and the data set where there is one.

    Args:
        pictures: the data set.
        embedder: the model for ``pictures`` where no embeddings are given; None: auto.
        embeddings: npz made before; rows are found by the paths of ``pictures``.
        save: where to keep them.
        device: of the embedder.
        option: what the user gives ``pictures`` with.
        layout: of ``pictures``; None: found by looking.

    Raises:
        ConfigError: neither pictures nor embeddings.
    """
    from perdure.errors import ConfigError
    from perdure.evaluate.datasets import read, without_junk
    from perdure.evaluate.embeddings import load, of_pictures
    from perdure.evaluate.embeddings import save as save_embeddings

    made = load(embeddings) if embeddings is not None else None
    found = None if pictures is None else without_junk(read(pictures, layout))
    if found is not None:
        if made is not None and embeddings is not None:
            made = of_pictures(made, found.pictures, embeddings)
        else:
            made = _embedded(found, embedder or "auto", device)
    if made is None:
        raise ConfigError(f"give {option} with labelled pictures, --embeddings with an npz file, or both")
    if save is not None:
        save_embeddings(made, save)
    return made, found


def _embedded(data: DataSet, embedder: str, device: Device) -> Embeddings:
    """The data set through an embedder, with a progress bar on stderr."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from perdure.embed.open import open_embedder
    from perdure.evaluate.embeddings import embed_pictures

    opened = open_embedder(embedder, device.value)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"embedding with {opened.name}", total=len(data.pictures))
        return embed_pictures(data.pictures, opened, lambda done: progress.update(task, completed=done))
