"""The report says what is in the database."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pytest

from perdure.analytics import make
from perdure.analytics.make import Question, report, usual_period
from perdure.analytics.read import Rules, Source
from perdure.errors import InputError, StoreError
from tests.analytics.conftest import DAY_S, HOUR_S, MONDAY, VISITS, fill, visit

UTC = ZoneInfo("UTC")
RULES = Rules(120.0, 0.5)


def made(folder, since, until, bucket="hour", cameras=(), compare=None):
    with Source.of_folder(folder) as source:
        asked = Question.of(since, until, UTC, "UTC", bucket, cameras, compare)
        return report(source, RULES, asked, "here")


def numbers(found):
    return {line.name: line.value for line in found.headlines}


def test_headlines_of_two_days(site):
    found = numbers(made(site, MONDAY, MONDAY + 2 * DAY_S))
    assert found["different people"] == 3
    assert found["visits"] == 4
    assert found["most at one time"] == 2
    assert found["median length of a visit"] == pytest.approx(50.0)  # 190, 60, 20 and 40 s
    assert found["came more than once"] == pytest.approx(1 / 3)
    assert found["present on average"] == pytest.approx(310 / (2 * DAY_S), abs=1e-3)


def test_people_by_hour(site):
    people = made(site, MONDAY, MONDAY + DAY_S).plot("people")
    counted = {int((row[0] - MONDAY) / HOUR_S): (row[1], row[2]) for row in people.rows if row[1]}
    assert counted == {9: (2, 2), 15: (1, 1)}
    assert len(people.rows) == 24


def test_one_camera_only(site):
    found = made(site, MONDAY, MONDAY + 2 * DAY_S, cameras=["hall"])
    assert numbers(found)["visits"] == 2
    assert [row[0] for row in found.plot("cameras").rows] == ["hall"]


def test_ways_are_in_through_and_out(site):
    ways = {(row[0], row[1]): (row[2], row[3]) for row in made(site, MONDAY, MONDAY + DAY_S).plot("flows").rows}
    assert ways == {
        ("comes in", "door"): (3, None),
        ("door", "hall"): (1, 10.0),
        ("door", "leaves"): (2, None),
        ("hall", "leaves"): (1, None),
    }


def test_a_period_beside_another(site):
    found = made(site, MONDAY + DAY_S, MONDAY + 2 * DAY_S, "hour", compare=MONDAY)
    assert {line.name: line.before for line in found.headlines}["visits"] == 3
    assert found.compared_with == (MONDAY, MONDAY + DAY_S)
    before = [row[3] for row in found.plot("people").rows]
    assert (before[9], before[15], sum(before)) == (2, 1, 3)


def test_weekdays_and_hours(site):
    found = made(site, MONDAY, MONDAY + 2 * DAY_S)
    week = {row[0]: row[1:] for row in found.plot("week").rows}
    assert (week["Mon"][9], week["Mon"][10], week["Tue"][10]) == (2.0, 0.0, 1.0)
    assert week["Wed"] == [None] * 24
    hours = found.plot("hours").rows
    assert (hours[9][1], hours[10][1]) == (1.0, 0.5)


def test_heat_is_where_the_feet_were(site):
    heat = made(site, MONDAY, MONDAY + DAY_S).plot("heat-hall")
    cells = np.array([row[1:] for row in heat.rows], float)
    assert cells.sum() == pytest.approx(120.0, abs=0.1)
    assert np.flatnonzero(cells.sum(axis=1)).tolist() == [17]  # the lowest box there is: nobody noted the size
    assert heat.camera == "hall"


def test_more_paths_than_are_read_are_scaled_up(site, monkeypatch):
    monkeypatch.setattr(make, "MOST_PATHS", 2)
    heat = made(site, MONDAY, MONDAY + DAY_S).plot("heat-door")
    assert "Scaled up from 2 of 3" in heat.about
    assert sum(sum(row[1:]) for row in heat.rows) == pytest.approx(
        1.5 * 120, rel=0.01
    )  # the first and the last by person


def test_nobody_is_said(site):
    found = made(site, MONDAY - 9 * DAY_S, MONDAY - 8 * DAY_S)
    assert found.notes == ["Nobody was seen in this time."]
    assert numbers(found)["different people"] == 0
    assert found.plot("flows").rows == []


def test_an_empty_time_is_refused(site):
    with pytest.raises(InputError, match="empty"):
        made(site, MONDAY, MONDAY)
    with Source.of_folder(site) as source, pytest.raises(InputError, match="empty"):
        usual_period(source, MONDAY + 5, MONDAY, compare=False)


def test_the_usual_period_is_the_last_week(site):
    with Source.of_folder(site) as source:
        since, until, before = usual_period(source, None, None, compare=True)
    assert until == MONDAY + DAY_S + 10 * HOUR_S + 40
    assert (until - since, since - before) == (7 * DAY_S, 7 * DAY_S)


def test_glimpses_that_were_never_told_do_not_count(tmp_path):
    seen, told, event = visit("P9", ("door", MONDAY + 10, MONDAY + 20))
    fill(tmp_path / "site.db", [*VISITS[:1], (seen, told, event)])
    from perdure.store.site_store import SiteStore

    with SiteStore(tmp_path / "site.db") as store:
        store.drop_events(MONDAY + 60)  # that of P9
    assert numbers(made(tmp_path, MONDAY, MONDAY + DAY_S))["different people"] == 1


def test_what_is_no_folder_of_ours_is_said(tmp_path):
    with pytest.raises(InputError, match="holds neither"):
        Source.of_folder(tmp_path)
    with pytest.raises(InputError, match="is no folder"):
        Source.of_folder(tmp_path / "none")
    (tmp_path / "site.db").write_bytes(b"no database at all, but long enough to be looked at" * 50)
    with Source.of_folder(tmp_path) as source, pytest.raises(StoreError, match="cannot read"):
        source.span()
