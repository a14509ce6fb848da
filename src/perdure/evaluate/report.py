"""Tables for the terminal and one self-contained page with plots, for every ``perdure eval`` command."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from perdure.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Console

Cell: TypeAlias = str | int | float | None

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ report.title }}</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: #1b1f24 }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse; margin: .5rem 0 } .wide { overflow-x: auto }
th, td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid #e2e5e9 }
td { font-variant-numeric: tabular-nums }
th:first-child, td:first-child { text-align: left } th { border-bottom: 2px solid #8b949e }
p.note { color: #57606a; max-width: 50rem } svg { max-width: 100%; height: auto }
</style></head><body>
<h1>{{ report.title }}</h1>
{% for line in report.notes %}<p class="note">{{ line }}</p>
{% endfor %}{% for table in report.tables %}<h2>{{ table.title }}</h2>
<div class="wide"><table><thead><tr>{% for name in table.columns %}<th>{{ name }}</th>{% endfor %}</tr></thead><tbody>
{% for row in table.rows %}<tr>{% for cell in row %}<td>{{ shown(cell) }}</td>{% endfor %}</tr>
{% endfor %}</tbody></table></div>
{% if table.note %}<p class="note">{{ table.note }}</p>{% endif %}
{% endfor %}{% for name, svg in plots %}<h2>{{ name }}</h2>
{{ svg | safe }}
{% endfor %}{% for name, part in report.sections.items() %}<h2>{{ name }}</h2>
{{ part | safe }}
{% endfor %}</body></html>
"""


@dataclass(frozen=True, slots=True)
class Table:
    """A titled table; numbers are rounded only when shown."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    """One or two sentences below it: how to read it."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a command found: tables for people, plots for the page."""

    title: str
    tables: tuple[Table, ...]
    plots: Mapping[str, Figure] = field(default_factory=dict)
    """matplotlib figures by title."""
    notes: tuple[str, ...] = ()
    sections: Mapping[str, str] = field(default_factory=dict)
    """Further parts of the page by title, HTML with everything escaped."""


def table_of(title: str, rows: Mapping[str, Mapping[str, Cell]], columns: Sequence[str], note: str = "") -> Table:
    """A table with one row per key; ``columns`` picks from the figures of a row, a missing one is left empty."""
    body = tuple((name, *(figures.get(column) for column in columns)) for name, figures in rows.items())
    return Table(title, ("", *columns), body, note)


def shown(cell: Cell) -> str:
    """A cell as people read it: floats with three decimals, counts with thousands apart."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int):
        return f"{cell:,}"
    return f"{cell:.3f}" if abs(cell) < 100 else f"{cell:,.1f}"


def print_report(report: Report, console: Console) -> None:
    """All tables, readable, to a terminal or a pipe."""
    from rich.table import Table as RichTable

    for note in report.notes:
        console.print(note, style="dim", markup=False, highlight=False)
    for table in report.tables:
        grid = RichTable(
            title=table.title,
            title_justify="left",
            caption=table.note or None,
            caption_justify="left",
            padding=(0, 0, 0, 1),
        )
        for position, name in enumerate(table.columns):
            grid.add_column(name, justify="right" if position else "left", no_wrap=position > 0, overflow="fold")
        for row in table.rows:
            grid.add_row(*(shown(cell) for cell in row))
        console.print(grid)


def to_json(figures: Mapping[str, object]) -> str:
    """Exact JSON: floats keep every digit, what is not a number is null."""
    return json.dumps(_plain(figures), indent=2, ensure_ascii=False, allow_nan=False)


def _plain(value: object) -> object:
    """The value in types that JSON has; numpy scalars and arrays become numbers and lists."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float) and value - value != 0.0:
        return None
    return value


def to_html(report: Report) -> str:
    """One page that needs nothing else: tables, and the plots as inline SVG."""
    from jinja2 import Environment

    page = Environment(autoescape=True).from_string(_PAGE)
    plots = [(name, to_svg(figure)) for name, figure in report.plots.items()]
    return page.render(report=report, shown=shown, plots=plots)


def to_svg(figure: Figure) -> str:
    """The figure as an ``<svg>`` element, the same text for the same figure."""
    import matplotlib as mpl

    with mpl.rc_context({"svg.hashsalt": "perdure", "svg.fonttype": "none"}):
        buffer = StringIO()
        figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def new_figure(width_in: float = 6.0, height_in: float = 4.0) -> Figure:
    """An empty matplotlib figure, made without a display and without global state."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width_in, height_in), layout="constrained")


def write_html(report: Report, path: Path) -> None:
    """``to_html`` into a file.

    Raises:
        InputError: the file cannot be written.
    """
    try:
        path.write_text(to_html(report), encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write the report {path}: {error.strerror}") from error
