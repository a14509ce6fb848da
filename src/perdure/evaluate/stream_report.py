"""What ``perdure eval stream`` prints, writes as JSON and draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from perdure.evaluate.mistakes import Mistake, worst
from perdure.evaluate.mistakes_page import figures as mistake_figures
from perdure.evaluate.mistakes_page import section
from perdure.evaluate.partition import PartitionScores
from perdure.evaluate.replay import Replay
from perdure.evaluate.report import Cell, Report, Table, new_figure
from perdure.evaluate.stream import Stream

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = ("cosine", "IDF1", "B3 F", "B3 prec", "B3 rec", "purity", "ids", "ids a person")
DRAWN = {
    "IDF1": "idf1",
    "B-cubed F": "b_cubed_f",
    "Purity": "purity",
    "Fragments per person": "fragments_per_person",
}


@dataclass(frozen=True, slots=True, eq=False)
class PolicyRun:
    """One line of the comparison."""

    name: str
    replay: Replay
    threshold: float | None = None
    """Cosine, of the policies that have one."""
    hindsight: bool = False
    """The threshold was chosen on this very stream: an upper bound, not a result."""

    def mistakes(self) -> list[Mistake]:
        """The worst ones that are left in the end."""
        return worst(self.replay.stream, (self.replay.consolidated or self.replay.online).log)

    def figures(self) -> dict[str, object]:
        """All of it by name, exact."""
        end = self.replay.end
        return {
            "policy": self.name,
            "threshold": self.threshold,
            "threshold_in_hindsight": self.hindsight,
            "online": end.online.figures(),
            "consolidated": None if end.consolidated is None else end.consolidated.figures(),
            "over_time": [
                {
                    "told": point.told,
                    "online": point.online.figures(),
                    "consolidated": None if point.consolidated is None else point.consolidated.figures(),
                }
                for point in self.replay.checkpoints
            ],
            "worst_mistakes": mistake_figures(self.mistakes()),
        }


def stream_figures(stream: Stream) -> dict[str, object]:
    """What the stream is made of."""
    rows = stream.latest(len(stream))
    return {
        "model": stream.model,
        "tracklets": len(rows),
        "crops": int(stream.crops[rows].sum()),
        "people": len(np.unique(stream.person)),
        "cameras": len({tracklet.camera for tracklet in stream.told}),
    }


def report(runs: Sequence[PolicyRun], notes: Sequence[str] = (), images: Path | None = None) -> Report:
    """One line per policy online, another where it looks at everything again, the curves over time, and the worst
    mistakes of the first policy with pictures from the folder ``images``.
    """
    stream = runs[0].replay.stream
    counted = stream_figures(stream)
    head = (
        f"{counted['model']}: {counted['tracklets']:,} tracklets of {counted['people']:,} people, "
        f"{counted['crops']:,} crops, {counted['cameras']} cameras. Scores are weighted by crops."
    )
    mistakes = {f"Worst mistakes of {runs[0].name}": section(runs[0].mistakes(), images)}
    return Report("perdure eval stream", (table(runs),), curves(runs), (head, *notes), mistakes)


def table(runs: Sequence[PolicyRun], title: str = "Open-world stream") -> Table:
    """The state at the end."""
    rows: list[tuple[Cell, ...]] = []
    for run in runs:
        threshold = "" if run.threshold is None else f"{run.threshold:.3f}{' *' if run.hindsight else ''}"
        end = run.replay.end
        rows.append(_row(run.name, threshold, end.online))
        if end.consolidated is not None:
            rows.append(_row("↳ consolidated", threshold, end.consolidated))
    starred = any(run.hindsight for run in runs)
    note = "B3: B-cubed, weighted by crops."
    if starred:
        note += " * best threshold in hindsight, chosen on this very stream: an upper bound that no system can know."
    return Table(title, ("policy", *COLUMNS), tuple(rows), note)


def _row(name: str, threshold: str, scores: PartitionScores) -> tuple[Cell, ...]:
    return (
        name,
        threshold,
        scores.idf1,
        scores.b_cubed_f,
        scores.b_cubed_precision,
        scores.b_cubed_recall,
        scores.purity,
        scores.ids,
        scores.fragments_per_person,
    )


def curves(runs: Sequence[PolicyRun]) -> Mapping[str, Figure]:
    """How the scores change while the gallery grows; identities against people last."""
    if all(len(run.replay.checkpoints) < 2 for run in runs):
        return {}
    plots = {title: _curve(runs, title, key) for title, key in DRAWN.items()}
    growth = _curve(runs, "Identities", "ids")
    points = runs[0].replay.checkpoints
    growth.axes[0].plot(
        [p.told for p in points], [p.online.people for p in points], color="0.5", linestyle=":", label="people"
    )
    growth.axes[0].legend()
    return {f"{title} over time": figure for title, figure in {**plots, "Identities": growth}.items()}


def _curve(runs: Sequence[PolicyRun], title: str, key: str) -> Figure:
    figure = new_figure()
    axes = figure.add_subplot(xlabel="tracklets told", ylabel=title)
    for number, run in enumerate(runs):
        points = run.replay.checkpoints
        told = [point.told for point in points]
        colour, name = f"C{number}", run.name + (" *" if run.hindsight else "")
        axes.plot(told, [point.online.figures()[key] for point in points], color=colour, label=name)
        again = [point.consolidated for point in points]
        if all(scores is not None for scores in again):
            values = [scores.figures()[key] for scores in again if scores is not None]
            axes.plot(told, values, color=colour, linestyle="--", label=f"{name}, consolidated")
    axes.legend()
    return figure
