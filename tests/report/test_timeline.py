from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.report.timeline import Span, bars
from perdure.types import Identity, Sighting


@given(st.floats(0.1, 4e6), st.sampled_from([0.0, -3.5, 1e4]))
def test_a_few_ticks_at_round_times(length, start):
    ticks = Span(start, start + length).ticks()
    assert len(ticks) <= 9
    assert length < 1 or len(ticks) >= 2
    assert all(0 <= tick.left <= 100 for tick in ticks)
    assert len({tick.label for tick in ticks}) == len(ticks)


@pytest.mark.parametrize(
    ("length", "labels"),
    [
        (7.3, ["0:00", "0:01", "0:02", "0:03", "0:04", "0:05", "0:06", "0:07"]),
        (2.1, ["0:00.0", "0:00.5", "0:01.0", "0:01.5", "0:02.0"]),
        (95, ["0:00", "0:15", "0:30", "0:45", "1:00", "1:15", "1:30"]),
        (7300, ["0:00", "15:00", "30:00", "45:00", "1:00:00", "1:15:00", "1:30:00", "1:45:00", "2:00:00"]),
    ],
)
def test_labels(length, labels):
    ticks = Span(0, length).ticks()
    assert [tick.label for tick in ticks] == (labels if length < 7000 else labels[::2])


def test_overlapping_sightings_lie_in_different_lanes():
    seen = [("a", 0, 4), ("b", 2, 6), ("a", 4, 5), ("c", 4.5, 8), ("b", 6, 9)]
    identity = Identity("P1", tuple(Sighting(f"{c}/{s}", c, s, e) for c, s, e in seen))
    found = bars(identity, Span(0, 10), ["a", "b", "c"])
    assert [bar.lane for bar in found] == [0, 1, 0, 2, 0]
    assert [bar.camera for bar in found] == [0, 1, 0, 2, 1]
    assert [(bar.left, bar.width) for bar in found[:2]] == [(0, 40), (20, 40)]


def test_an_empty_span_divides_by_nothing():
    assert Span(0, 0).percent(0) == 0
    assert len(Span(0, 0).ticks()) == 1
