"""What ``perdure eval cascade`` prints, writes as JSON and draws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from perdure.evaluate.cascade import FAULTS, Damage, Fault, of_fault
from perdure.evaluate.report import Cell, Report, Table, new_figure
from perdure.types import Bools, Float64s

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = (
    "fault",
    "places",
    "any",
    "moved",
    "bystanders",
    "IDF1 lost",
    "more errors",
    "lasts",
    "pictures right",
    "left",
)
BINS = 20
"""Of the curves over the tracklets after the fault."""


def report(damages: Sequence[Damage], notes: Sequence[str] = ()) -> Report:
    """One row per fault, and the damage by how long ago the fault was."""
    rows = tuple(_row(fault, of_fault(damages, fault)) for fault in _met(damages))
    note = (
        "Means ± 95 % over places. Any: places with any damage at all. Moved: later tracklets in other company than "
        "without the fault; bystanders: those that show nobody who took part in it. IDF1 lost: over the later "
        "tracklets; more errors: the same as a share of 1 - IDF1 without the fault. "
        "Lasts: the last one moved is the so-many-th after the fault (median where there is any). Right: of the "
        "pictures of the two tracklets of a swap, those that are with their own person in the end. Left: "
        "moved after both looked at everything again."
    )
    table = Table("Damage of one error", COLUMNS, rows, note)
    plots = {
        "Tracklets moved, by how long ago the fault was": _curves(damages, "share moved", lambda d: d.moved),
        "B-cubed F lost, by how long ago the fault was": _curves(damages, "B-cubed F lost", lambda d: d.lost),
    }
    return Report("perdure eval cascade", (table,), plots, tuple(notes))


def figures(damages: Sequence[Damage]) -> dict[str, object]:
    """Every fault at every place, exact."""
    return {
        fault: [
            {
                "place": damage.place,
                "later": len(damage.moved),
                "moved": damage.count,
                "moved_bystanders": int((damage.moved & ~damage.involved).sum()),
                "b_cubed_f_lost": float(damage.lost.mean()) if len(damage.lost) else 0.0,
                "idf1_lost": damage.idf1_lost,
                "errors_without": damage.errors,
                "lasts": damage.lasts,
                "pictures_right": damage.right if fault == "swap" else None,
                "taken_apart": damage.apart,
                "moved_after_second_look": None if damage.left is None else int(damage.left.sum()),
            }
            for damage in of_fault(damages, fault)
        ]
        for fault in _met(damages)
    }


def _met(damages: Sequence[Damage]) -> list[Fault]:
    """The faults that were looked at."""
    return [fault for fault in FAULTS if of_fault(damages, fault)]


def _row(fault: Fault, found: Sequence[Damage]) -> tuple[Cell, ...]:
    moved = np.array([damage.count for damage in found])
    left = [float(damage.left.sum()) for damage in found if damage.left is not None]
    lasting = [damage.lasts for damage in found if damage.count]
    return (
        fault,
        len(found),
        f"{100 * np.mean(moved > 0):.0f} %",
        _mean(moved.astype(np.float64)),
        _mean(np.array([float((damage.moved & ~damage.involved).sum()) for damage in found])),
        _mean(np.array([damage.idf1_lost for damage in found]), digits=4),
        _more_errors(found),
        int(np.median(lasting)) if lasting else None,
        f"{100 * np.mean([damage.right for damage in found]):.0f} %" if fault == "swap" else None,
        _mean(np.array(left)) if left else None,
    )


def _mean(values: Float64s, digits: int = 1) -> str:
    """Mean with a normal 95 % interval over places."""
    if len(values) < 2:
        return f"{values.mean():.{digits}f}"
    return f"{values.mean():.{digits}f} ±{1.96 * values.std(ddof=1) / np.sqrt(len(values)):.{digits}f}"


def _more_errors(found: Sequence[Damage]) -> str:
    """Errors added over errors there are anyhow, %, with a normal 95 % interval of the ratio (delta method)."""
    lost, errors = (np.array(values) for values in ([d.idf1_lost for d in found], [d.errors for d in found]))
    if errors.mean() <= 0:
        return "-"
    ratio = float(lost.mean() / errors.mean())
    if len(found) < 2:
        return f"{100 * ratio:+.1f} %"
    spread = float((lost - ratio * errors).std(ddof=1)) / np.sqrt(len(found)) / float(errors.mean())
    return f"{100 * ratio:+.1f} ±{196 * spread:.1f} %"


def _curves(damages: Sequence[Damage], label: str, of: Callable[[Damage], Float64s | Bools]) -> Figure:
    figure = new_figure()
    axes = figure.add_subplot(xlabel="tracklets after the fault", ylabel=label)
    longest = max(len(damage.moved) for damage in damages)
    edges = np.linspace(0, longest, BINS + 1)
    for fault in _met(damages):
        after = np.concatenate([np.arange(len(damage.moved)) for damage in of_fault(damages, fault)])
        values = np.concatenate([of(damage) for damage in of_fault(damages, fault)]).astype(np.float64)
        counts = np.histogram(after, edges)[0]
        sums = np.histogram(after, edges, weights=values)[0]
        axes.plot((edges[1:] + edges[:-1]) / 2, sums / np.maximum(counts, 1), marker="o", markersize=3, label=fault)
    axes.legend()
    return figure
