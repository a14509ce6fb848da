"""``perdure export``: recordings with their corrected identities, for training and for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from perdure.nodes.export import Corrected

app = typer.Typer(help="Recordings with their corrected identities: training sets, annotations.", no_args_is_help=True)

PathsArgument = Annotated[
    list[Path],
    typer.Argument(metavar="PATH...", help="Run folders, a folder of runs; for market1501 also a site."),
]
OutOption = Annotated[Path, typer.Option("--out", help="Folder to write; must be empty or not there.")]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace an earlier export in --out.")]


@app.command()
def market1501(
    paths: PathsArgument,
    out: OutOption,
    hold_out: Annotated[
        float, typer.Option("--hold-out", min=0, max=0.9, help="Share of the people kept for query and gallery.")
    ] = 0.0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the draw of the people held out.")] = 0,
    least_pictures: Annotated[
        int, typer.Option("--least-pictures", min=1, help="People with fewer pictures are left out.")
    ] = 2,
    overwrite: OverwriteOption = False,
) -> None:
    """Crops in the layout of Market-1501, as perdure train embedder and perdure eval retrieval read it."""
    from perdure.nodes.export import to_market1501

    recordings = _prepared(paths, out, overwrite)
    counts = to_market1501(recordings, out, hold_out=hold_out, least_pictures=least_pictures, seed=seed)
    _tell(recordings, out, counts, "pictures")
    if hold_out:
        typer.echo(f"held out by identity: {hold_out:.0%} of the people, seed {seed}; labels.json says who")


@app.command()
def cvat(paths: PathsArgument, out: OutOption, overwrite: OverwriteOption = False) -> None:
    """CVAT for video 1.1: an XML file for each camera, a track for each person."""
    from perdure.nodes.export import to_cvat

    recordings = _prepared(paths, out, overwrite)
    _tell(recordings, out, to_cvat(recordings, out), "boxes")


@app.command()
def mot(paths: PathsArgument, out: OutOption, overwrite: OverwriteOption = False) -> None:
    """MOTChallenge ground truth with ids shared by all cameras, and the corrected people.json and events.jsonl."""
    from perdure.nodes.export import to_mot

    recordings = _prepared(paths, out, overwrite)
    _tell(recordings, out, to_mot(recordings, out), "boxes")


def _prepared(paths: list[Path], out: Path, overwrite: bool) -> list[Corrected]:
    """Everything is read before anything is written."""
    from perdure.nodes.export import corrected, prepare
    from perdure.nodes.review_open import found, names

    folders = found(paths)
    recordings = [corrected(folder, name) for folder, name in zip(folders, names(folders), strict=True)]
    prepare(out, overwrite=overwrite)
    return recordings


def _tell(recordings: list[Corrected], out: Path, counts: dict[str, int], what: str) -> None:
    people, answers = sum(len(one.identities) for one in recordings), sum(one.answers for one in recordings)
    typer.echo(f"{people} people of {len(recordings)} recordings, {answers} answers of reviewers taken into account")
    for name, count in counts.items():
        typer.echo(f"{out / name}: {count} {what}")
