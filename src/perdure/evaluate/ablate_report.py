"""What ``perdure eval ablate`` prints, writes as JSON and draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from perdure.evaluate.ablate import Ablation, Effect, interval
from perdure.evaluate.report import Cell, Report, Table, new_figure
from perdure.types import Float64s

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = ("switched off", "moved", "IDF1 online", "IDF1 second look")
NO_EFFECT = "no effect"


def report(ablations: Sequence[Ablation], notes: Sequence[str] = ()) -> Report:
    """A table and a plot per kind of stream."""
    plots = {f"{found.kind}: IDF1 that each part is worth": _bars(found) for found in ablations}
    return Report("perdure eval ablate", tuple(_table(found) for found in ablations), plots, tuple(notes))


def figures(ablations: Sequence[Ablation]) -> dict[str, object]:
    """All of it by name, exact."""
    return {
        found.kind: {
            "tracklets": list(found.tracklets),
            "idf1": {"online": found.idf1[:, 0], "consolidated": found.idf1[:, 1]},
            "b_cubed_f": {"online": found.b_cubed_f[:, 0], "consolidated": found.b_cubed_f[:, 1]},
            "worth": {effect.name: _effect(effect) for effect in found.effects},
        }
        for found in ablations
    }


def _effect(effect: Effect) -> dict[str, object]:
    return {
        "moved": effect.moved,
        "has_effect": effect.has_effect,
        "online_idf1": effect.online_idf1,
        "online_b_cubed_f": effect.online_b_cubed_f,
        "consolidated_idf1": effect.consolidated_idf1,
        "consolidated_b_cubed_f": effect.consolidated_b_cubed_f,
    }


def _table(found: Ablation) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for effect in found.effects:
        if not effect.has_effect:
            rows.append((effect.name, NO_EFFECT, None, None))
            continue
        moved = f"{100 * effect.moved.mean():.1f} %"
        rows.append((effect.name, moved, _worth(effect.online_idf1), _worth(effect.consolidated_idf1)))
    online, again = found.idf1.mean(axis=0)
    tracklets = ", ".join(f"{n:,}" for n in found.tracklets)
    note = (
        f"Everything on: IDF1 {online:.3f} online, {again:.3f} after the second look; mean of {len(found.idf1)} seeds "
        f"with {tracklets} tracklets. A figure is what the part is worth: with it less without it ± 95 % "
        "(Student's t over seeds). Moved: tracklets that end up in other company."
    )
    return Table(found.kind, COLUMNS, tuple(rows), note)


def _worth(values: Float64s) -> str | None:
    if np.isnan(values).any():
        return None
    mean, _, high = interval(values)
    return f"{mean:+.3f} ±{high - mean:.3f}" if np.isfinite(high) else f"{mean:+.3f}"


def _bars(found: Ablation) -> Figure:
    shown = [effect for effect in found.effects if effect.has_effect][::-1]
    figure = new_figure(7.0, 0.8 + 0.4 * len(shown))
    axes = figure.add_subplot(xlabel="IDF1 with the part less without it")
    place = np.arange(len(shown))
    for shift, name in ((0.15, "online"), (-0.15, "consolidated")):
        values = [effect.online_idf1 if name == "online" else effect.consolidated_idf1 for effect in shown]
        means = np.array([interval(v)[0] for v in values])
        reach = np.array([interval(v)[2] - interval(v)[0] for v in values])
        there = np.isfinite(means)
        reach = np.where(np.isfinite(reach), reach, 0.0)
        axes.errorbar(means[there], place[there] + shift, xerr=reach[there], fmt="o", label=name)
    axes.axvline(0, color="0.6", linewidth=1)
    axes.set_yticks(place, [effect.name for effect in shown])
    axes.legend()
    return figure
