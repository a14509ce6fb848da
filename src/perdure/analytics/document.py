"""A report as one HTML file and as a PDF."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from datetime import datetime, tzinfo
from functools import cache
from typing import Any, Final

import jinja2

from perdure.analytics import charts
from perdure.analytics.calendar import RECORDED_BEFORE_S
from perdure.analytics.figures import Cell, Column, Headline, Plot, Report
from perdure.report.words import clock, duration, percent

_A4: Final = (8.27, 11.69)
_LINE: Final = 125
"""Small letters that fit beside one another on a page."""
_EACH_PAGE: Final = 3
"""Plots below one another."""
_MOST_ROWS: Final = 200
"""Of a table in HTML; the CSV has all."""


def html(report: Report, where: tzinfo) -> str:
    """The page: needs no file, no network and no script beside it; light and dark, and made for paper too."""
    pictures = {plot.name: _svg(plot, report, where) for plot in report.plots if plot.kind != "table"}
    return _template().render(
        report=report,
        period=period(report, where),
        compared=None if report.compared_with is None else _span(*report.compared_with, where),
        headlines=[(line.name, said(line), change(line)) for line in report.headlines],
        pictures=pictures,
        tables={plot.name: _written(plot, report, where) for plot in report.plots if plot.kind != "heat"},
        most_rows=_MOST_ROWS,
    )


def pdf(report: Report, where: tzinfo) -> bytes:
    """A4 pages: what to know first, then the plots, three on a page, then the ways and cameras as tables."""
    from matplotlib.backends.backend_pdf import PdfPages
    from matplotlib.figure import Figure

    written = io.BytesIO()
    drawn = [plot for plot in report.plots if plot.kind != "table" and plot.rows]
    with (
        charts.lock,
        charts.settings(),
        PdfPages(written, metadata={"CreationDate": None, "Title": _title(report)}) as pages,
    ):
        first, rest = drawn[: _EACH_PAGE - 1], drawn[_EACH_PAGE - 1 :]
        batches = [first, *(rest[i : i + _EACH_PAGE] for i in range(0, len(rest), _EACH_PAGE))]
        tables = [plot for plot in report.plots if plot.kind in ("ranges", "flows", "table") and plot.rows]
        count = len(batches) + bool(tables)
        for number, batch in enumerate(batches, 1):
            figure = Figure(figsize=_A4)
            _plots_page(figure, report, batch, where, is_first=number == 1)
            _footer(figure, report, where, number, count)
            pages.savefig(figure)
        if tables:
            figure = Figure(figsize=_A4)
            _tables_page(figure, report, tables, where)
            _footer(figure, report, where, count, count)
            pages.savefig(figure)
    return written.getvalue()


def period(report: Report, where: tzinfo) -> str:
    """From when until when, as people write it."""
    return _span(report.since, report.until, where)


def said(line: Headline) -> str:
    """The value of a headline with its unit."""
    return _value(line.value, line.unit)


def change(line: Headline) -> str:
    """How it differs from the period before; "" where there is none."""
    if line.before is None:
        return ""
    before = _value(line.before, line.unit)
    if line.value is None or line.unit == "share" or not line.before:
        return f"before: {before}"
    return f"{100 * (line.value / line.before - 1):+.0f} % (before: {before})"


def _value(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    if unit == "s":
        return duration(value)
    if unit == "share":
        return percent(value)
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"


def _title(report: Report) -> str:
    return f"perdure: {report.place}"


def _span(since: float, until: float, where: tzinfo) -> str:
    if until < RECORDED_BEFORE_S:
        return f"{clock(since)} to {clock(until)} of the recording"
    begin, end = (datetime.fromtimestamp(at, where).strftime("%a %d %b %Y %H:%M") for at in (since, until))
    return f"{begin} to {end}"


def _svg(plot: Plot, report: Report, where: tzinfo) -> str:
    content = charts.picture(plot, "svg", report.bucket, where, inline=True).decode()
    return content[content.index("<svg") :].replace("<svg", f'<svg aria-hidden="true" data-plot="{plot.kind}"', 1)


def _written(plot: Plot, report: Report, where: tzinfo) -> list[list[str]]:
    marks = charts.marks(plot, report.bucket, where)
    return [
        [marks[place], *(_cell(cell, column) for cell, column in zip(row[1:], plot.columns[1:], strict=True))]
        for place, row in enumerate(plot.rows)
    ]


def _cell(cell: Cell, column: Column) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, str):
        return cell
    if column.unit == "s":
        return f"{'-' if cell < 0 else ''}{duration(abs(cell))}"
    return f"{cell:,.0f}" if float(cell).is_integer() else f"{cell:,.2f}"


def _plots_page(figure: Any, report: Report, plots: Sequence[Plot], where: tzinfo, *, is_first: bool) -> None:
    top = 0.94
    if is_first:
        figure.text(0.08, 0.95, report.place, fontsize=20, weight="bold")
        figure.text(0.08, 0.925, f"{period(report, where)} ({report.time_zone})", fontsize=10)
        if report.compared_with is not None:
            figure.text(
                0.08, 0.907, f"compared with {_span(*report.compared_with, where)}", fontsize=9, color=charts.FAINT
            )
        for place, line in enumerate(report.headlines):
            x, y = 0.08 + 0.29 * (place % 3), 0.86 - 0.075 * (place // 3)
            figure.text(x, y, said(line), fontsize=17, weight="bold", color=charts.BLUE)
            figure.text(x, y - 0.018, line.name, fontsize=8)
            figure.text(x, y - 0.033, change(line), fontsize=7, color=charts.FAINT)
        for place, note in enumerate(report.notes):
            figure.text(0.08, 0.73 - 0.018 * place, note, fontsize=9, color=charts.ORANGE)
        top = 0.70
    height = (top - 0.08) / max(_EACH_PAGE - is_first, 1)
    for place, plot in enumerate(plots):
        low = top - (place + 1) * height
        figure.text(0.08, low + height - 0.025, plot.title, fontsize=11, weight="bold")
        about = textwrap.fill(plot.about, _LINE)
        figure.text(0.08, low + height - 0.032, about, fontsize=7, color=charts.FAINT, va="top")
        axes = figure.add_axes((0.16, low + 0.05, 0.74, height - 0.12))
        charts.draw(plot, axes, report.bucket, where)


def _tables_page(figure: Any, report: Report, plots: Sequence[Plot], where: tzinfo) -> None:
    at = 0.94
    for plot in plots:
        rows = _written(plot, report, where)
        shown = rows[: max(0, int((at - 0.12) / 0.017) - 3)]
        if not shown:
            break
        figure.text(0.08, at, plot.title, fontsize=11, weight="bold")
        at -= 0.03
        step = 0.84 / len(plot.columns)
        for place, column in enumerate(plot.columns):
            name = textwrap.fill(column.name, int(_LINE * step))
            figure.text(0.08 + step * place, at, name, fontsize=6, color=charts.FAINT)
        for row in shown:
            at -= 0.017
            for place, cell in enumerate(row):
                figure.text(0.08 + step * place, at, cell, fontsize=7.5)
        if len(rows) > len(shown):
            at -= 0.017
            figure.text(0.08, at, f"and {len(rows) - len(shown)} more: in the CSV", fontsize=7, color=charts.FAINT)
        at -= 0.04


def _footer(figure: Any, report: Report, where: tzinfo, number: int, count: int) -> None:
    text = f"perdure · {report.place} · {period(report, where)}"
    figure.text(0.08, 0.03, text, fontsize=7, color=charts.FAINT)
    figure.text(0.92, 0.03, f"{number} / {count}", fontsize=7, color=charts.FAINT, ha="right")


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("perdure.analytics"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("figures.html.j2")
