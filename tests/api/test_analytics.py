"""Figures by the API: what they count, in which form, and for whom."""

from __future__ import annotations

import pytest

from perdure.analytics.figures import Report

API = "/api/v1"


def test_figures_of_the_last_week(service):
    answer = service.log_in("vera").get(f"{API}/analytics", params={"time_zone": "Europe/Berlin"})
    assert answer.status_code == 200, answer.text
    found = Report.model_validate_json(answer.content)
    numbers = {line.name: line.value for line in found.headlines}
    assert (numbers["different people"], numbers["visits"]) == (3, 3)
    assert found.time_zone == "Europe/Berlin"
    assert {"people", "occupancy", "week", "cameras", "flows", "heat-door"} <= {plot.name for plot in found.plots}


def test_who_sees_one_camera_gets_its_figures_only(service):
    client = service.log_in("door")
    found = Report.model_validate_json(client.get(f"{API}/analytics").content)
    assert found.cameras == ["door"]
    assert {row[0] for row in found.plot("cameras").rows} == {"door"}
    assert all("yard" not in plot.name for plot in found.plots)
    assert {cell for row in found.plot("flows").rows for cell in row[:2]} == {"comes in", "door", "leaves"}
    assert client.get(f"{API}/analytics", params={"camera": "yard"}).status_code == 403


@pytest.mark.parametrize(("form", "begins"), [("csv", b"from,people"), ("svg", b"<?xml"), ("png", b"\x89PNG")])
def test_every_plot_is_a_file_too(service, form, begins):
    answer = service.log_in("vera").get(f"{API}/analytics/plots/people.{form}")
    assert answer.status_code == 200
    assert answer.content.startswith(begins)
    assert answer.headers["content-disposition"] == f'attachment; filename="people.{form}"'


@pytest.mark.parametrize(("form", "begins"), [("csv", b"figure,value"), ("html", b"<!doctype html>"), ("pdf", b"%PDF")])
def test_a_report_is_one_file(service, form, begins):
    client = service.log_in()
    assert client.get(f"{API}/analytics/report.{form}", params={"compare": True}).content.startswith(begins)
    assert client.get(f"{API}/audit").json()[0]["action"] == "made a report"


@pytest.mark.parametrize(
    ("query", "status", "why"),
    [
        ({"since": 10, "until": 10}, 422, "empty"),
        ({"since": 1e9, "until": 1.9e9, "bucket": "minute"}, 422, "longer buckets"),
        ({"time_zone": "Mars/Base"}, 422, "no time zone"),
        ({"bucket": "year"}, 422, "bucket"),
    ],
)
def test_what_cannot_be_counted_is_said(service, query, status, why):
    answer = service.log_in("vera").get(f"{API}/analytics", params=query)
    assert answer.status_code == status
    assert why in answer.json()["detail"]


def test_a_plot_that_is_not_there_is_said(service):
    answer = service.log_in("vera").get(f"{API}/analytics/plots/none.csv")
    assert answer.status_code == 404
    assert "people, occupancy" in answer.json()["detail"]


def test_nobody_in_a_time_is_said(service):
    found = service.log_in("vera").get(f"{API}/analytics", params={"since": 1e9, "until": 1e9 + 3600}).json()
    assert found["notes"] == ["Nobody was seen in this time."]


def test_figures_want_a_login(service):
    assert service.client.get(f"{API}/analytics").status_code == 401
