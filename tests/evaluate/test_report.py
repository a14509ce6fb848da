"""Tables, exact JSON and a page that needs nothing else."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from perdure.errors import InputError
from perdure.evaluate.report import (
    Report,
    new_figure,
    print_report,
    shown,
    table_of,
    to_html,
    to_json,
    to_svg,
    write_html,
)


def example() -> Report:
    """One table and one plot."""
    figure = new_figure()
    figure.add_subplot().plot([0, 1], [0, 1])
    table = table_of("Scores", {"a <b>": {"IDF1": 0.5, "FP": 1234}, "c": {"IDF1": None}}, ("IDF1", "FP"), "A note.")
    return Report("Title", (table,), {"A plot": figure}, ("Read this.",))


def test_cells_as_people_read_them() -> None:
    assert [shown(c) for c in ("x", 1234567, 0.12345, 1234.5, None)] == ["x", "1,234,567", "0.123", "1,234.5", ""]


def test_tables_print_to_a_pipe() -> None:
    text = StringIO()
    print_report(example(), Console(file=text, width=80))
    for part in ("Scores", "IDF1", "0.500", "1,234", "a <b>", "A note.", "Read this."):
        assert part in text.getvalue()


def test_json_is_exact_and_has_no_nan() -> None:
    third = 1 / 3
    text = to_json(
        {"a": third, "b": np.float64(third), "c": np.arange(2), "d": float("nan"), "e": {"f": (np.int64(3),)}}
    )
    assert json.loads(text) == {"a": third, "b": third, "c": [0, 1], "d": None, "e": {"f": [3]}}


def test_the_page_is_whole_and_escapes_names(tmp_path: Path) -> None:
    write_html(example(), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "a &lt;b&gt;" in page
    assert "<svg" in page
    assert "http" not in page.replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
        "http://creativecommons.org", ""
    ).replace("https://matplotlib.org", "")
    assert page == to_html(example())


def test_a_figure_gives_the_same_text_every_time() -> None:
    assert to_svg(example().plots["A plot"]) == to_svg(example().plots["A plot"])


def test_a_page_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot write the report"):
        write_html(example(), tmp_path / "absent" / "page.html")
