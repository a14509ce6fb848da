"""Enrolling and following people on the page, in a real browser."""

from __future__ import annotations

import re

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.api.conftest import service  # noqa: F401 - a fixture
from tests.api.test_enrolment import picture
from tests.page.test_page import address, browser, logged_in, pytestmark  # noqa: F401 - fixtures


def test_somebody_is_enrolled_by_pictures_followed_and_taken_out(browser, address, tmp_path):  # noqa: F811
    good, broken = tmp_path / "front.jpg", tmp_path / "broken.jpg"
    good.write_bytes(picture((20, 20, 200)))
    broken.write_bytes(b"no picture")
    page = logged_in(browser, address)
    page.get_by_role("link", name="People", exact=True).click()
    page.get_by_text("Enrol a person").click()
    page.get_by_label("Name of the person").fill("Cleo")
    page.get_by_label("Drop pictures here, or choose them").set_input_files([good, broken])
    page.get_by_role("button", name="Enrol", exact=True).click()
    expect(page.get_by_text("Cleo is enrolled with 1 of 2 pictures.")).to_be_visible(timeout=120_000)
    expect(page.get_by_text("this is no JPEG, PNG or WebP picture")).to_be_visible()
    serious = [f["id"] for f in Axe().run(page).response["violations"] if f["impact"] in ("serious", "critical")]
    assert serious == []
    page.locator("ul.people").get_by_role("link", name=re.compile("Cleo")).click()
    expect(page.get_by_text("enrolled with 1 picture")).to_be_visible()
    page.get_by_role("button", name="Follow from now on").click()
    expect(page.get_by_role("button", name="Follow no longer")).to_be_visible(timeout=60_000)
    page.get_by_role("link", name="People", exact=True).click()
    watched = page.get_by_role("region", name="Watch list")
    expect(watched.get_by_text("Cleo")).to_be_visible(timeout=60_000)
    expect(watched.get_by_text("not seen yet")).to_be_visible()
    watched.get_by_role("link", name=re.compile("Cleo")).click()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Enrol no longer").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("People", timeout=60_000)
    expect(page.locator("ul.people").get_by_text("Cleo")).to_have_count(0, timeout=60_000)
    assert page.wrong == []
    page.context.close()
