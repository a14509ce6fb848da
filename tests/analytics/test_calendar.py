"""Buckets follow the clock of a place."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from perdure.analytics import calendar
from perdure.errors import InputError

BERLIN = ZoneInfo("Europe/Berlin")


def at(text, where=BERLIN):
    return datetime.fromisoformat(text).replace(tzinfo=where).timestamp()


def test_days_of_23_and_25_hours_are_whole():
    spring = calendar.edges(at("2026-03-28T12:00"), at("2026-03-30T12:00"), "day", BERLIN)
    assert np.diff(spring).tolist() == [86400.0, 82800.0, 86400.0]
    autumn = calendar.edges(at("2026-10-25T00:00"), at("2026-10-26T00:00"), "day", BERLIN)
    assert np.diff(autumn).tolist() == [90000.0]


def test_weeks_begin_on_mondays():
    found = calendar.edges(at("2026-05-28"), at("2026-06-02"), "week", BERLIN)
    assert [datetime.fromtimestamp(t, BERLIN).strftime("%a %H:%M") for t in found] == ["Mon 00:00"] * 3


def test_hours_are_full_also_where_zones_are_half():
    nepal = ZoneInfo("Asia/Kathmandu")
    found = calendar.edges(at("2026-05-28T10:20", nepal), at("2026-05-28T12:00", nepal), "hour", nepal)
    assert [datetime.fromtimestamp(t, nepal).strftime("%H:%M") for t in found] == ["10:00", "11:00", "12:00"]


def test_a_recording_counts_from_its_start():
    assert calendar.edges(0.0, 150.0, "minute", BERLIN).tolist() == [0.0, 60.0, 120.0, 180.0]
    assert calendar.label("minute", BERLIN)(125.0) == "2:05"


def test_too_many_buckets_are_refused():
    with pytest.raises(InputError, match="choose longer buckets"):
        calendar.edges(at("2020-01-01"), at("2026-01-01"), "minute", BERLIN)


@pytest.mark.parametrize(("long_s", "bucket"), [(600, "minute"), (86400, "hour"), (31 * 86400, "day"), (9e7, "week")])
def test_buckets_fit_the_period(long_s, bucket):
    assert calendar.fitting(0.0, long_s) == bucket


def test_moments_as_people_type_them():
    assert calendar.moment("2026-05-31T14:00", BERLIN) == at("2026-05-31T14:00")
    assert calendar.moment("2026-05-31", BERLIN) == at("2026-05-31")
    assert calendar.moment("90", BERLIN) == 90.0
    with pytest.raises(InputError, match="is no time"):
        calendar.moment("yesterday", BERLIN)
    with pytest.raises(InputError, match="no time zone"):
        calendar.zone("Mars/Base")


def test_weekdays_and_hours_are_local():
    weekday, hour = calendar.weekday_and_hour(np.array([at("2026-05-31T23:30"), at("2026-06-01T00:30")]), BERLIN)
    assert (weekday.tolist(), hour.tolist()) == ([6, 0], [23, 0])
