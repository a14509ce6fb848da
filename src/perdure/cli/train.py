"""``perdure train``: our own weights, from your own data. Needs the extra ``perdure[train]``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Train a detector or an embedder (needs perdure[train]).")

ConfigFile = Annotated[Path, typer.Option("--config", help="YAML of the run; those of our weights are in the package.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint.")]


@app.command()
def detector(config: ConfigFile, resume: Resume = False) -> None:
    """Train a one-class person detector of the YOLOX-Nano family (docs/detector.md)."""
    _need_torch()
    from perdure.train.detector.train import train_detector

    train_detector(config, resume)


@app.command()
def embedder(config: ConfigFile, resume: Resume = False) -> None:
    """Train an embedder on labelled people, then from a teacher (docs/embedder.md)."""
    _need_torch()
    from perdure.train.embedder.train import train_embedder

    train_embedder(config, resume)


def _need_torch() -> None:
    """Say how to get torch where it is missing."""
    import importlib.util

    from perdure.errors import ConfigError

    if importlib.util.find_spec("torch") is None:
        raise ConfigError("training needs torch: pip install 'perdure[train]'")
