"""Plots as pictures: SVG and PNG, and on pages of a document."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Sequence
from datetime import tzinfo
from typing import Any, Final, Literal

import numpy as np

from perdure.analytics.calendar import Bucket, label
from perdure.analytics.figures import Plot
from perdure.report.words import duration

INK: Final = "#16191d"
FAINT: Final = "#5b6470"
BLUE: Final = "#0072b2"
ORANGE: Final = "#d55e00"
SKY: Final = "#56b4e9"
COLOURS: Final = (BLUE, "#e69f00", "#009e73", "#cc79a7", SKY, ORANGE, "#8a7a2f", "#666fb3")
"""After Okabe and Ito (2008), told apart by the colour-blind; all are seen on white and on nearly black."""
_MOST_LABELS: Final = 8
_INCHES: Final = {"week": (7.2, 2.9), "heat": (6.0, 3.6), "flows": (7.2, 3.8)}
lock = threading.Lock()
"""Settings of matplotlib belong to the process."""


def picture(plot: Plot, form: Literal["svg", "png"], bucket: Bucket, where: tzinfo, *, inline: bool = False) -> bytes:
    """A plot as a file, on white; ``inline``: an SVG without ground, its ink that of the text around it."""
    from matplotlib.figure import Figure

    height = 0.9 + 0.34 * max(2, len(plot.rows)) if plot.kind == "ranges" else 2.9
    with lock, settings():
        figure = Figure(figsize=_INCHES.get(plot.kind, (7.2, min(height, 12.0))), layout="constrained")
        draw(plot, figure.subplots(), bucket, where)
        if not inline:
            figure.suptitle(plot.title, fontsize=10, color=INK)
        written = io.BytesIO()
        plain = {"Date": None, "Creator": None} if form == "svg" else {"Software": None}
        figure.savefig(written, format=form, dpi=150, metadata=plain, transparent=inline)
    content = written.getvalue()
    return (
        content.replace(INK.encode(), b"currentColor").replace(FAINT.encode(), b"currentColor") if inline else content
    )


def settings() -> Any:
    """How everything is drawn; to be entered with ``lock`` held."""
    import matplotlib as mpl

    return mpl.rc_context(
        {
            "svg.hashsalt": "perdure",
            "svg.fonttype": "none",
            "font.size": 8,
            "font.family": "sans-serif",
            "axes.edgecolor": FAINT,
            "axes.labelcolor": INK,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "text.color": INK,
            "xtick.color": INK,
            "ytick.color": INK,
            "legend.frameon": False,
        }
    )


def draw(plot: Plot, axes: Any, bucket: Bucket, where: tzinfo) -> None:
    """Draw a plot into axes."""
    if not plot.rows or plot.kind == "table":
        axes.set_axis_off()
        axes.text(0.5, 0.5, "nothing to show", ha="center", va="center", color=FAINT, transform=axes.transAxes)
        return
    drawers: dict[str, Callable[[], None]] = {
        "bars": lambda: _bars(plot, axes, bucket, where),
        "lines": lambda: _lines(plot, axes, bucket, where),
        "week": lambda: _week(plot, axes),
        "heat": lambda: _heat(plot, axes),
        "ranges": lambda: _ranges(plot, axes),
        "flows": lambda: _flows(plot, axes),
    }
    drawers[plot.kind]()


def marks(plot: Plot, bucket: Bucket, where: tzinfo) -> list[str]:
    """How the first column of each row is written."""
    if plot.columns[0].unit != "time":
        return plot.texts(0)
    written = label(bucket, where)
    return [written(at) for at in plot.numbers(0)]


def _bars(plot: Plot, axes: Any, bucket: Bucket, where: tzinfo) -> None:
    at = np.arange(len(plot.rows))
    axes.bar(at, plot.numbers(1), width=0.8, color=BLUE, label=plot.columns[1].name)
    for place, column in enumerate(plot.columns[2:], start=2):
        style = {"color": ORANGE, "linestyle": "--"} if column.name.endswith("before") else {"color": "#e69f00"}
        axes.plot(at, plot.numbers(place), marker=".", linewidth=1, label=column.name, **style)
    _finish(plot, axes, bucket, where)


def _lines(plot: Plot, axes: Any, bucket: Bucket, where: tzinfo) -> None:
    at = np.arange(len(plot.rows))
    for place, column in enumerate(plot.columns[1:], start=1):
        values = plot.numbers(place)
        if column.name == "at most":
            axes.step(at, values, where="mid", color=SKY, linewidth=1, label=column.name)
        else:
            dashed = column.name.endswith("before")
            axes.plot(
                at, values, color=ORANGE if dashed else BLUE, linestyle="--" if dashed else "-", label=column.name
            )
    _finish(plot, axes, bucket, where)


def _finish(plot: Plot, axes: Any, bucket: Bucket, where: tzinfo) -> None:
    written = marks(plot, bucket, where)
    every = max(1, -(-len(written) // _MOST_LABELS))
    axes.set_xticks(range(0, len(written), every), written[::every])
    axes.set_ylabel(plot.columns[1].unit)
    room = 1.2 if len(plot.columns) > 2 else 1.05  # the legend covers nothing
    axes.set_ylim(0, room * max(1e-6, *(max(plot.numbers(place)) for place in range(1, len(plot.columns)))))
    axes.yaxis.grid(True, color=FAINT, alpha=0.25)
    axes.set_axisbelow(True)
    if len(plot.columns) > 2:
        axes.legend(loc="upper left", ncols=3, fontsize=7)


def table(plot: Plot) -> np.ndarray[Any, np.dtype[np.float64]]:
    """(R, C) the numbers of a week or heat map; NaN where nothing is known."""
    return np.array([[np.nan if cell is None else float(cell) for cell in row[1:]] for row in plot.rows])


def _week(plot: Plot, axes: Any) -> None:
    shown = axes.imshow(table(plot), aspect="auto", cmap="Blues", vmin=0)
    axes.set_yticks(range(len(plot.rows)), plot.texts(0))
    axes.set_xticks(range(0, 24, 3), [f"{hour:02d}" for hour in range(0, 24, 3)])
    axes.figure.colorbar(shown, ax=axes, label="people", fraction=0.03)


def _heat(plot: Plot, axes: Any) -> None:
    shown = axes.imshow(np.sqrt(table(plot)), cmap="magma", vmin=0, interpolation="bilinear")
    axes.set_xticks([])
    axes.set_yticks([])
    bar = axes.figure.colorbar(shown, ax=axes, label="seconds", fraction=0.04)
    most = float(np.nanmax(table(plot)))
    ticks = np.linspace(0.0, 1.0, 4) ** 2 * most
    bar.set_ticks(np.sqrt(ticks), labels=[f"{tick:.3g}" for tick in ticks])


def _ranges(plot: Plot, axes: Any) -> None:
    at = np.arange(len(plot.rows))[::-1]
    low, middle, high = (np.array(plot.numbers(i)) for i in (1, 2, 3))
    known = np.array([row[2] is not None for row in plot.rows], bool)
    axes.barh(at[known], (high - low)[known], left=low[known], height=0.5, color=SKY)
    axes.plot(middle[known], at[known], "o", color=BLUE, markersize=5)
    for y, value, has in zip(at, middle, known, strict=True):
        axes.annotate(
            duration(value) if has else "nobody",
            (value, y),
            textcoords="offset points",
            xytext=(0, 8),
            ha="center",
            fontsize=7,
        )
    axes.set_yticks(at, plot.texts(0))
    axes.set_ylim(-0.7, len(plot.rows) - 0.2)
    axes.set_xlim(left=0)
    axes.set_xlabel("seconds")


def _flows(plot: Plot, axes: Any) -> None:
    """A band for each way, from the left to the right; as thick as it is often gone."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    axes.set_axis_off()
    sources, targets = list(dict.fromkeys(plot.texts(0))), list(dict.fromkeys(plot.texts(1)))
    counts = np.array(plot.numbers(2))
    gap = 0.04 * counts.sum()
    left, right = _stacked(sources, plot.texts(0), counts, gap), _stacked(targets, plot.texts(1), counts, gap)
    for row, count in zip(plot.rows, counts.tolist(), strict=True):
        source, target = str(row[0]), str(row[1])
        y0, y1 = left[source][1], right[target][1]
        left[source][1] += count
        right[target][1] += count
        points = [
            (0.03, y0),
            (0.5, y0),
            (0.5, y1),
            (0.97, y1),
            (0.97, y1 + count),
            (0.5, y1 + count),
            (0.5, y0 + count),
        ]
        codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3]
        colour = COLOURS[sources.index(source) % len(COLOURS)]
        axes.add_patch(PathPatch(Path([*points, (0.03, y0 + count)], codes), facecolor=colour, alpha=0.55, linewidth=0))
    for x, places, align in ((0.02, left, "right"), (0.98, right, "left")):
        for name, (begin, end) in places.items():
            axes.plot((x, x), (begin, end), color=INK, linewidth=3, solid_capstyle="butt")
            text = f"{name}  {end - begin:.0f}" if align == "right" else f"{end - begin:.0f}  {name}"
            axes.text(x + (-0.015 if align == "right" else 0.015), (begin + end) / 2, text, ha=align, va="center")
    height = max(end for places in (left, right) for _, end in places.values())
    axes.set_xlim(-0.25, 1.25)
    axes.set_ylim(height * 1.02, -0.02 * height)


def _stacked(names: Sequence[str], of_row: Sequence[str], counts: Any, gap: float) -> dict[str, list[float]]:
    """Where each name begins, one below the other; the second number is moved on as bands are drawn."""
    places, at = {}, 0.0
    for name in names:
        places[name] = [at, at]
        at += sum(count for one, count in zip(of_row, counts.tolist(), strict=True) if one == name) + gap
    return places
