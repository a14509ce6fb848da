"""Plots as CSV."""

from __future__ import annotations

import csv
import io
from datetime import datetime, tzinfo

from perdure.analytics.calendar import RECORDED_BEFORE_S
from perdure.analytics.figures import Cell, Column, Plot, Report


def sheet(plot: Plot, where: tzinfo) -> str:
    """One plot: a line of names with units, then its rows. Times are ISO 8601 with their zone."""
    written = io.StringIO()
    lines = csv.writer(written)
    lines.writerow([_named(column) for column in plot.columns])
    lines.writerows([[_cell(cell, c, where) for cell, c in zip(row, plot.columns, strict=True)] for row in plot.rows])
    return written.getvalue()


def sheets(report: Report, where: tzinfo) -> str:
    """All of a report in one file: the headlines, then every plot under its name, an empty line between."""
    written = io.StringIO()
    lines = csv.writer(written)
    lines.writerow(["figure", "value", "unit", "before"])
    for line in report.headlines:
        before = "" if line.before is None else line.before
        lines.writerow([line.name, "" if line.value is None else line.value, line.unit, before])
    for plot in report.plots:
        written.write(f"\r\n{plot.name}\r\n{sheet(plot, where)}")
    return written.getvalue()


def _named(column: Column) -> str:
    return f"{column.name} ({column.unit})" if column.unit not in ("", "time", column.name) else column.name


def _cell(cell: Cell, column: Column, where: tzinfo) -> str | float:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return f"'{cell}" if cell[:1] in ("=", "+", "-", "@") else cell  # no formula for a spreadsheet
    if column.unit == "time" and cell >= RECORDED_BEFORE_S:
        return datetime.fromtimestamp(cell, where).isoformat(timespec="seconds")
    return int(cell) if float(cell).is_integer() else cell
