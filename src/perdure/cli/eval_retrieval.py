"""``perdure eval retrieval``, ``openset`` and ``simulator``, from labelled pictures or their embeddings."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from perdure.cli.eval_options import (
    Device,
    DeviceOption,
    EmbeddingsOption,
    HtmlOption,
    JsonOption,
    SaveOption,
    labelled,
    tell,
)

if TYPE_CHECKING:
    from perdure.evaluate.datasets import Layout
    from perdure.evaluate.embeddings import Embeddings
    from perdure.types import Ints


class Rerank(StrEnum):
    """Re-ranking rules of the command line."""

    NONE = "none"
    K_RECIPROCAL = "k-reciprocal"
    CA_JACCARD = "ca-jaccard"
    ALL = "all"


DataOption = Annotated[Path | None, typer.Option("--data", help="Data set: a folder of pictures or a .csv.")]
EmbedderOption = Annotated[str | None, typer.Option("--embedder", help="Model that embeds --data (default: auto).")]
LayoutOption = Annotated[
    str | None, typer.Option("--layout", help="market, msmt17, cameras, people or csv (default: found by looking).")
]
LastOption = Annotated[int | None, typer.Option("--last-people", min=2, help="Only the last N people by number.")]


def retrieval(
    data: DataOption = None,
    embedder: EmbedderOption = None,
    embeddings: EmbeddingsOption = None,
    save: SaveOption = None,
    layout: LayoutOption = None,
    last_people: LastOption = None,
    rerank: Annotated[Rerank, typer.Option("--rerank", help="Re-ranking of the result.")] = Rerank.NONE,
    device: DeviceOption = Device.AUTO,
    as_json: JsonOption = False,
    html: HtmlOption = None,
) -> None:
    """CMC, mAP and mINP by the Market-1501 protocol, with or without re-ranking."""
    from perdure.evaluate.retrieval_report import RERANKINGS, figures, report, scores_of

    found, query, gallery = _material(data, embedder, embeddings, save, layout, last_people, device)
    rules = RERANKINGS if rerank is Rerank.ALL else (rerank.value,)
    runs = {rule: scores_of(found, query, gallery, rule) for rule in rules}
    counts = {"model": found.model, "queries": len(query), "gallery": len(gallery)}
    exact = {rule: {**figures(run), "queries_counted": run.counted} for rule, run in runs.items()}
    tell(report(runs, found, query, gallery), {**counts, "rerank": exact}, as_json, html)


def openset(
    data: DataOption = None,
    embedder: EmbedderOption = None,
    embeddings: EmbeddingsOption = None,
    save: SaveOption = None,
    layout: LayoutOption = None,
    last_people: LastOption = None,
    dealings: Annotated[int, typer.Option(min=1, max=1000, help="Random divisions of the people.")] = 10,
    device: DeviceOption = Device.AUTO,
    as_json: JsonOption = False,
    html: HtmlOption = None,
) -> None:
    """TPIR at FPIR, the cost of a growing gallery, and whether thresholds and probabilities keep their word."""
    from perdure.evaluate.openset_report import measure, report

    found, _, _ = _material(data, embedder, embeddings, save, layout, last_people, device)
    findings = measure(found, dealings)
    tell(report(findings, found.model), {"model": found.model, **findings.figures()}, as_json, html)


def simulator(
    data: DataOption = None,
    embedder: EmbedderOption = None,
    embeddings: EmbeddingsOption = None,
    save: SaveOption = None,
    layout: LayoutOption = None,
    last_people: LastOption = None,
    device: DeviceOption = Device.AUTO,
    as_json: JsonOption = False,
    html: HtmlOption = None,
) -> None:
    """Simulated people beside the real ones they were fitted to: score distributions and retrieval."""
    from perdure.evaluate.simulator import compare, exact, report

    found, _, _ = _material(data, embedder, embeddings, save, layout, last_people, device)
    comparison = compare(found)
    tell(report(comparison, found.model), {"model": found.model, **exact(comparison)}, as_json, html)


def _material(
    data: Path | None,
    embedder: str | None,
    embeddings: Path | None,
    save: Path | None,
    layout: str | None,
    last_people: int | None,
    device: Device,
) -> tuple[Embeddings, Ints, Ints]:
    """Embeddings with the rows to search for and among, from whichever of the options were given."""
    import numpy as np

    from perdure.errors import ConfigError
    from perdure.evaluate.datasets import query_each
    from perdure.evaluate.embeddings import people

    if embedder is not None and embeddings is not None:
        raise ConfigError("give --embedder or --embeddings, not both")
    made, found = labelled(data, embedder, embeddings, save, device, "--data", cast("Layout | None", layout))
    if found is not None:
        query, gallery = found.query, found.gallery
    else:
        query, gallery = query_each(made.person, made.camera), np.arange(len(made))
    if last_people is None:
        return made, query, gallery
    keep = np.isin(made.person, people(made)[-last_people:])
    place = np.cumsum(keep) - 1
    return made[keep], place[query[keep[query]]], place[gallery[keep[gallery]]]
