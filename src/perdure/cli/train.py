"""``perdure train``: our own weights, from your own data. Needs the extra ``perdure[train]``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Train a detector, an embedder or the association (needs perdure[train]).")

ConfigFile = Annotated[Path, typer.Option("--config", help="YAML of the run; those of our weights are in the package.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint.")]


@app.command()
def detector(config: ConfigFile, resume: Resume = False) -> None:
    """Train a one-class person detector of the YOLOX-Nano family (docs/detector.md)."""
    _need_torch()
    from perdure.train.detector.train import train_detector

    train_detector(config, resume)


@app.command()
def teach(config: ConfigFile) -> None:
    """Let a detector's parent, at several sizes and mirrored, tell what it sees in the training pictures."""
    _need_torch()
    from perdure.train.detector.config import read_config
    from perdure.train.detector.distill import teach

    teach(read_config(config))


@app.command()
def embedder(config: ConfigFile, resume: Resume = False) -> None:
    """Train an embedder on labelled people, then from a teacher (docs/embedder.md)."""
    _need_torch()
    from perdure.train.embedder.train import train_embedder

    train_embedder(config, resume)


@app.command()
def search(config: ConfigFile) -> None:
    """Find the network shape that learns most within a time per crop, measured here (docs/embedder.md)."""
    _need_torch()
    from rich.console import Console
    from rich.table import Table

    from perdure.train.embedder.search import search as search_shapes

    table = Table("shape", "ms", "parameters", "rank-1", "mAP", title="Candidates, best first")
    for c in search_shapes(config):
        shape = f"{c.shape.blocks} {c.shape.stem} {list(c.shape.widths)} {list(c.shape.depths)} parts {c.shape.parts}"
        learned = ("over the budget", "") if c.mean_ap is None else (f"{c.rank1:.3f}", f"{c.mean_ap:.3f}")
        table.add_row(shape, f"{c.milliseconds:.2f}", f"{c.parameters:,}", *learned)
    Console().print(table)


@app.command()
def adapt(config: ConfigFile) -> None:
    """Get an embedder used to a site by its unlabelled tracklets (docs/embedder.md)."""
    _need_torch()
    from perdure.train.embedder.adapt import adapt as adapt_to_site

    adapt_to_site(config)


@app.command()
def association(config: ConfigFile, resume: Resume = False) -> None:
    """Train the tracker's association: a pair scorer from labels, then a policy by its rewards (docs/track.md)."""
    _need_torch()
    from perdure.train.association.train import train_association

    train_association(config, resume)


def _need_torch() -> None:
    """Say how to get torch where it is missing; from here on the run tells its progress on stderr."""
    import importlib.util
    import logging

    from perdure.errors import ConfigError

    if importlib.util.find_spec("torch") is None:
        raise ConfigError("training needs torch: pip install 'perdure[train]'")
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("perdure").setLevel(logging.INFO)
