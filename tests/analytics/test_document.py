"""Charts, tables and reports hold what they should, and nothing that runs or loads."""

from __future__ import annotations

import csv
import io
import re
from zoneinfo import ZoneInfo

import cv2
import numpy as np
import pytest

from perdure.analytics import charts, document, sheets
from perdure.analytics.figures import Column, Headline, Plot, Report
from perdure.analytics.make import Question, report
from perdure.analytics.read import Rules, Source
from tests.analytics.conftest import DAY_S, MONDAY

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture(scope="module")
def found(site):
    with Source.of_folder(site) as source:
        asked = Question.of(MONDAY, MONDAY + 2 * DAY_S, BERLIN, "Europe/Berlin", "hour", (), MONDAY - 2 * DAY_S)
        return report(source, Rules(120.0, 0.5), asked, "a <b>shop</b>")


def test_a_report_comes_back_from_json_as_it_was(found):
    assert Report.model_validate_json(found.model_dump_json()) == found


def test_the_page_is_one_file_that_loads_nothing(found):
    page = document.html(found, BERLIN)
    assert "<script" not in page
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page)
    assert "a &lt;b&gt;shop&lt;/b&gt;" in page
    assert page.count("<svg") == sum(plot.kind != "table" for plot in found.plots)
    assert "Mon 01 Jun 2026 02:00 to Wed 03 Jun 2026 02:00" in page


def test_ink_of_inline_charts_is_that_of_the_page(found):
    svg = charts.picture(found.plot("people"), "svg", "hour", BERLIN, inline=True).decode()
    assert "currentColor" in svg
    assert charts.INK not in svg


@pytest.mark.parametrize("kind", ["people", "occupancy", "week", "lengths", "cameras", "flows", "heat-door"])
def test_every_kind_of_plot_becomes_a_picture(found, kind):
    content = charts.picture(found.plot(kind), "png", "hour", BERLIN)
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape[1] > 500
    assert image.std() > 5  # something is drawn
    assert charts.picture(found.plot(kind), "svg", "hour", BERLIN) == charts.picture(
        found.plot(kind), "svg", "hour", BERLIN
    )


def test_a_pdf_has_pages_and_a_title(found):
    content = document.pdf(found, BERLIN)
    assert content.startswith(b"%PDF")
    pages = len(re.findall(rb"/Type /Page\b", content))
    assert pages == 1 + -(-(len([p for p in found.plots if p.rows]) - 2) // 3) + 1


def test_sheets_hold_every_row(found):
    rows = list(csv.reader(io.StringIO(sheets.sheet(found.plot("people"), BERLIN))))
    assert rows[0] == ["from", "people", "visits begun (visits)", "people before (people)"]
    assert rows[1][0] == "2026-06-01T02:00:00+02:00"
    assert len(rows) == 49
    whole = sheets.sheets(found, BERLIN)
    assert all(f"\n{plot.name}\r\n" in whole for plot in found.plots)


def test_a_name_is_no_formula_for_a_spreadsheet():
    plot = Plot(name="x", title="x", about="", kind="table", columns=[Column(name="camera")], rows=[["=1+1"]])
    assert "'=1+1" in sheets.sheet(plot, BERLIN)


def test_change_is_told_in_words():
    line = Headline(name="visits", value=30.0, unit="visits", before=20.0)
    assert document.change(line) == "+50 % (before: 20)"
    assert document.change(Headline(name="v", value=3.0, unit="visits", before=0.0)) == "before: 0"
    assert document.change(Headline(name="v", value=3.0, unit="visits")) == ""
    assert document.said(Headline(name="v", value=None, unit="s")) == "–"


def test_an_empty_report_is_still_a_document(site):
    with Source.of_folder(site) as source:
        asked = Question.of(MONDAY - 3 * DAY_S, MONDAY - 2 * DAY_S, BERLIN, None, "day")
        empty = report(source, Rules(120.0, 0.5), asked, "here")
    assert document.pdf(empty, BERLIN).startswith(b"%PDF")
    assert "Nobody was seen" in document.html(empty, BERLIN)
