"""``perdure embed``: a folder of pictures as vectors, and a map of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perdure.cli.eval_options import Device, DeviceOption

if TYPE_CHECKING:
    from perdure.evaluate.datasets import Layout
    from perdure.evaluate.embeddings import Embeddings

EmbedderOption = Annotated[str, typer.Option("--embedder", help="Model: a name, an ONNX file with a card, or auto.")]


def embed(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Pictures of one person each, in any subfolders.")],
    out: Annotated[Path, typer.Option("--out", help="The npz to write (docs/formats.md).")] = Path("embeddings.npz"),
    embedder: EmbedderOption = "auto",
    layout: Annotated[
        str | None,
        typer.Option("--layout", help="Who is who: market, msmt17, cameras, people or csv (default: nobody knows)."),
    ] = None,
    map_page: Annotated[Path | None, typer.Option("--map", help="Also write a page with a 2-D map of them.")] = None,
    device: DeviceOption = Device.AUTO,
) -> None:
    """Embed every picture of a folder into one npz; broken pictures are told of and left out (exit code 2)."""
    from perdure.evaluate.embeddings import save

    made, broken = embedded(folder, embedder, layout, device)
    save(made, out)
    typer.echo(f"{len(made)} pictures, {made.vectors.shape[1]} numbers each, by {made.model}: {out}")
    if map_page is not None:
        from perdure.evaluate.map_page import map_report
        from perdure.evaluate.report import write_html

        write_html(map_report(made), map_page)
        typer.echo(f"map: {map_page}")
    if broken:
        raise typer.Exit(2)


def embedded(folder: Path, embedder: str, layout: str | None, device: Device) -> tuple[Embeddings, int]:
    """The pictures of a folder through an embedder, and how many could not be read; a bar and those go to stderr."""
    from typing import cast

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from perdure.embed.open import open_embedder
    from perdure.errors import InputError
    from perdure.evaluate.folder import embed_readable, pictures_of

    pictures = pictures_of(folder, cast("Layout | None", layout))
    opened = open_embedder(embedder, device.value)
    console = Console(stderr=True)
    broken: list[InputError] = []
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(f"embedding with {opened.name}", total=len(pictures))

        def tell(error: InputError) -> None:
            broken.append(error)
            console.print(f"left out: {error}", markup=False, highlight=False, soft_wrap=True)

        made = embed_readable(pictures, opened, lambda done: bar.update(task, completed=done), tell)
    return made, len(broken)
