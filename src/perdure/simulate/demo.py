"""The short three-camera visit of ``perdure demo``."""

from __future__ import annotations

from pathlib import Path

from perdure.simulate.film import Footage, Progress, film
from perdure.simulate.reading import load


def render_demo(out: Path, progress: Progress | None = None) -> Footage:
    """Film the plan ``demo`` into ``out``: four people, three cameras, under half a minute at 10 fps.

    Raises:
        StoreError: nothing can be written there.
    """
    return film(load("demo"), out, progress=progress)
