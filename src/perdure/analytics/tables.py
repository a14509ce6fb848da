"""Shapes of tables that several figures have: series over time, and how long something took."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from perdure.analytics.figures import Cell, Column
from perdure.types import Float64s, Ints

FROM = Column(name="from", unit="time")
"""Where a bucket begins."""


def over_time(edges: Float64s, *series: tuple[Column, Float64s | Ints]) -> tuple[list[Column], list[list[Cell]]]:
    """Columns and rows of (B,) series over buckets with (B + 1,) edges, to three digits."""
    columns = [edges[:-1].tolist(), *(np.round(values, 3).tolist() for _, values in series)]
    return [FROM, *(column for column, _ in series)], [list(row) for row in zip(*columns, strict=True)]


def people_there(mean: Float64s, peak: Ints) -> list[tuple[Column, Float64s | Ints]]:
    """Two series: how many are there on average, and at most at one time."""
    return [(Column(name="on average", unit="people"), mean), (Column(name="at most", unit="people"), peak)]


def spread_columns(middle: str = "median") -> list[Column]:
    """Of ``spread``, in s."""
    return [Column(name=name, unit="s") for name in ("a quarter below", middle, "a quarter above")]


def spread(seconds: npt.ArrayLike | Sequence[float]) -> list[Cell]:
    """Lower quartile, median and upper quartile, s; unknown where there is nothing."""
    values = np.asarray(seconds, np.float64)
    return [rounded(v) for v in np.quantile(values, (0.25, 0.5, 0.75)).tolist()] if len(values) else [None, None, None]


def rounded(value: float | None) -> float | None:
    """To two digits; what is not known stays so."""
    return None if value is None or np.isnan(value) else round(float(value), 2)
