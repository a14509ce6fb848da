"""Searching on the page where the answer is a question or a no: several people, no time at all, somebody erased."""

from __future__ import annotations

import cv2
import numpy as np
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from perdure.types import Detections
from tests.api.conftest import service  # noqa: F401 - a fixture
from tests.page.test_page import address, browser, logged_in, pytestmark, theme  # noqa: F401 - fixtures

SLOW_MS = 60_000


class Two:
    """A detector that sees two people on every picture."""

    def detect(self, images):
        boxes = [[20, 20, 80, 170], [200, 20, 260, 170]]
        return [Detections.of(boxes, [0.8, 0.9]) for _ in images]


def test_of_several_people_on_a_picture_one_is_chosen(browser, address, service, theme, monkeypatch, tmp_path):  # noqa: F811
    monkeypatch.setattr(service.context.site, "detector", Two())
    scene = tmp_path / "scene.png"
    cv2.imwrite(str(scene), np.full((180, 320, 3), 128, np.uint8))
    page = logged_in(browser, address, color_scheme=theme, viewport={"width": 390, "height": 844})
    page.get_by_role("link", name="Search").click()
    page.locator("input[type=file]").set_input_files(scene)
    expect(page.get_by_text("There are 2 people on this picture: choose one.")).to_be_visible(timeout=SLOW_MS)
    expect(page.locator("ul.hits > li")).to_have_count(0)
    found = Axe().run(page).response["violations"]
    assert [f["id"] for f in found if f["impact"] in ("serious", "critical")] == []
    second = page.get_by_role("button", name="look for person 2")
    second.click()
    expect(page.locator("ul.hits > li").first).to_be_visible(timeout=SLOW_MS)
    expect(second).to_have_class("box chosen")
    expect(page.get_by_text("There are 2 people")).to_have_count(0)
    assert page.wrong == []
    page.context.close()


def test_a_time_that_ends_before_it_begins_is_said(browser, address, service):  # noqa: F811
    person = service.context.reader.identity_of("door/1")
    page = logged_in(browser, address)
    page.goto(f"{address}/#/search/person/{person}")
    expect(page.locator("ul.hits > li").first).to_be_visible(timeout=SLOW_MS)
    page.get_by_label("From", exact=True).fill("2002-01-01T00:00")
    expect(page.locator("ul.hits > li").first).to_be_visible(timeout=SLOW_MS)
    page.get_by_label("To", exact=True).fill("2001-01-01T00:00")
    expect(page.get_by_role("alert")).to_contain_text("the time is empty", timeout=SLOW_MS)
    expect(page.locator("ul.hits > li")).to_have_count(0)
    page.get_by_label("To", exact=True).fill("")
    expect(page.locator("ul.hits > li").first).to_be_visible(timeout=SLOW_MS)
    expect(page.get_by_role("alert")).to_have_count(0)
    page.context.close()


def test_somebody_who_was_erased_is_nowhere(browser, address, service):  # noqa: F811
    now = service.context.site.now()
    service.tell(service.tracklet(50, "door", 6, now - 400))
    person = service.context.reader.identity_of("door/50")
    page = logged_in(browser, address)
    page.on("dialog", lambda dialog: dialog.accept("asked for it"))
    page.goto(f"{address}/#/search/person/{person}")
    expect(page.locator("ul.hits > li").first).to_contain_text(person, timeout=SLOW_MS)
    page.goto(f"{address}/#/people/{person}")
    page.get_by_role("button", name="Erase").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("People", timeout=SLOW_MS)
    expect(page.locator("ul.people > li", has_text=person)).to_have_count(0)
    for view in ("people", "search/person"):
        page.goto(f"{address}/#/{view}/{person}")
        expect(page.get_by_role("alert")).to_contain_text(f"{person} was erased on", timeout=SLOW_MS)
    page.get_by_role("link", name="Events").click()
    expect(page.locator("article").first).to_be_visible(timeout=SLOW_MS)
    expect(page.locator("article", has_text=person)).to_have_count(0)
    assert page.wrong == []
    page.context.close()
