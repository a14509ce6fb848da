"""Zones, queues and lines as figures."""

from __future__ import annotations

import numpy as np

from perdure.analytics.zones import Spell, plots

EDGES = np.array([0.0, 60.0, 120.0])


def made(*spells):
    return {plot.name: plot for plot in plots(spells, EDGES, 0.0, 120.0)}


def stay(place, person, start, end):
    return Spell("stay", place, person, start, end, "", "")


def wait(person, start, end, outcome):
    return Spell("wait", "till/queue", person, start, end, "", outcome)


def over(start, direction):
    return Spell("crossing", "door/sill", "P1", start, start, direction, "")


def test_stays_in_zones():
    found = made(stay("shop/fruit", "P1", 0, 10), stay("shop/fruit", "P1", 50, 70), stay("shop/milk", "P2", 0, 8))
    assert found["zones"].rows == [
        ["shop/fruit", 12.5, 15.0, 17.5, 1, 2, 0.008],
        ["shop/milk", 8.0, 8.0, 8.0, 1, 1, 0.002],
    ]
    assert set(found) == {"zones"}


def test_waits_are_stays_too_with_their_outcome():
    found = made(wait("P1", 0, 30, "served"), wait("P2", 10, 70, "left"), wait("P3", 20, 80, "served"))
    assert found["queues"].rows == [["till/queue", 45.0, 60.0, 60.0, 60.0, 3, 2, 1]]
    assert found["queue-till-queue"].rows == [[0.0, round((30 + 50 + 40) / 60, 3), 3], [60.0, 0.5, 2]]
    assert found["zones"].rows[0][:2] == ["till/queue", 45.0]


def test_lines_count_both_ways():
    found = made(over(5, "in"), over(6, "in"), over(70, "out"), over(500, "in"))
    assert found["lines"].rows == [["door/sill", 2, 1, 1]]
    assert found["line-door-sill"].rows == [[0.0, 2, 0], [60.0, 0, 1]]


def test_nothing_drawn_is_nothing_shown():
    assert made() == {}
