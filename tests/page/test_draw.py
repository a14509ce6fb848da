"""Zones and lines drawn on the page, by mouse and by keys alone, and what they count."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.api.conftest import service  # noqa: F401 - a fixture
from tests.nodes.clips import write_clip
from tests.page.test_page import CHROMIUM, address, browser, logged_in, pytestmark  # noqa: F401 - fixtures


def standing(service, number, x):  # noqa: F811
    """Somebody who has been at this place of the picture for 4 s, and still is."""
    now = service.context.site.now()
    at = now - 4 + 0.1 * np.arange(41)
    ones = np.ones(41)
    path = np.column_stack(
        [at, np.arange(41), (200 * x - 10) * ones, 10 * ones, (200 * x + 10) * ones, 50 * ones, ones]
    )
    whole = service.tracklet(number, "hall", 5, float(at[0]), 4.0)
    return replace(whole, path=path, size=(200, 100), ended="open")


def test_a_zone_and_a_line_are_drawn_and_count(browser, address, service, tmp_path):  # noqa: F811
    page = logged_in(browser, address, viewport={"width": 1000, "height": 900})
    page.get_by_role("link", name="Cameras").click()
    page.get_by_label("Name", exact=True).fill("hall")
    page.get_by_label("Address").fill(str(write_clip(tmp_path / "hall.mp4", {})))
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("button", name="zones and lines of hall").click()
    expect(page.get_by_role("heading", name="Zones and lines of hall")).to_be_focused()

    page.get_by_role("button", name="Draw a zone").click()
    board = page.locator(".board")
    board.scroll_into_view_if_needed()
    box = board.bounding_box()
    for x, y in ((0.2, 0.2), (0.6, 0.2), (0.6, 0.8), (0.2, 0.8)):
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
    expect(page.locator(".corner")).to_have_count(4)
    page.get_by_label("Name of the zone").fill("shelf")
    page.get_by_label("At most so many people").fill("3")
    page.get_by_role("button", name="Keep the zone").click()
    expect(page.get_by_role("status").filter(has_text="shelf counts from now on")).to_be_visible()

    page.get_by_role("button", name="Draw a line").press("Enter")
    page.get_by_role("button", name="Add a corner").press("Enter")
    page.get_by_role("button", name="Add a corner").press("Enter")
    second = page.get_by_role("button", name=re.compile("^corner 2, 60 % from the left"))
    second.press("Shift+ArrowDown")
    expect(page.get_by_role("button", name=re.compile("^corner 2, 60 % from the left, 55 %"))).to_be_focused()
    page.get_by_label("Name of the line").fill("sill")
    page.get_by_role("button", name="Keep the line").press("Enter")
    expect(page.get_by_text("Line sill")).to_be_visible()

    drawn = service.context.site.cameras["hall"]
    assert drawn.lines["sill"].end == (0.6, 0.55)
    corners = np.array(drawn.zones["shelf"].polygon)
    assert np.abs(corners - [(0.2, 0.2), (0.6, 0.2), (0.6, 0.8), (0.2, 0.8)]).max() < 0.01
    assert drawn.zones["shelf"].max_people == 3
    found = Axe().run(page).response["violations"]
    assert [f["id"] for f in found if f["impact"] in ("serious", "critical")] == []

    service.tell(standing(service, 80, 0.4))
    page.get_by_role("link", name="Live").click()
    expect(page.get_by_text("shelf: 1 of 3 now, 1 today").last).to_be_visible(timeout=30_000)
    page.get_by_role("link", name="Events").click()
    page.get_by_label("What").select_option("stay")
    expect(page.locator("article", has_text="is in hall/shelf")).to_have_count(1, timeout=30_000)

    page.get_by_role("link", name="Cameras").click()
    page.get_by_role("button", name="zones and lines of hall").click()
    page.get_by_text("Zone shelf").click()
    page.get_by_role("button", name="Remove shelf").click()
    expect(page.get_by_text("Zone shelf")).to_have_count(0)
    assert set(service.context.site.cameras["hall"].zones) == set()
    assert page.wrong == []
    page.context.close()
