from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.report.words import clock, count, duration, listed, percent


@pytest.mark.parametrize(
    ("at", "told"),
    [
        (0, "0:00.0"),
        (7.34, "0:07.3"),
        (59.96, "1:00.0"),
        (754.04, "12:34.0"),
        (3599.94, "59:59.9"),
        (3599.96, "1:00:00"),
        (90061, "25:01:01"),
        (-2.5, "-0:02.5"),
        (-0.01, "0:00.0"),
        (1_800_000_000.0, "8:00:00"),
    ],
)
def test_clock(at, told):
    assert clock(at) == told


@given(st.floats(0, 3599))
def test_the_clock_can_be_read_back(at):
    minutes, seconds = clock(at).split(":")
    assert int(minutes) * 60 + float(seconds) == pytest.approx(at, abs=0.051)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(4.24, "4.2 s"), (59.97, "1 min"), (65, "1 min 5 s"), (3600, "1 h"), (3599.9, "1 h"), (7800, "2 h 10 min")],
)
def test_duration(seconds, told):
    assert duration(seconds).replace("\u00a0", " ") == told


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (0.0, "0 %"),
        (0.001, "< 1 %"),
        (0.5, "50 %"),
        (0.997, "> 99 %"),
        (0.99999, "> 99.9 %"),
        (1.0, "100 %"),
        (float("nan"), "unknown"),
    ],
)
def test_what_is_not_certain_is_never_called_certain(share, told):
    assert percent(share).replace("\u00a0", " ") == told


def test_counts_and_lists():
    assert count(1, "person", "people") == "1 person"
    assert count(0, "person", "people") == "0 people"
    assert count(2345, "frame") == "2,345 frames"
    assert [listed(x) for x in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]
