"""The page in a real browser on a running service: every view, corrections, and whether everybody can use it."""

from __future__ import annotations

import re
import shutil
import socket
import threading
from contextlib import closing

import cv2
import numpy as np
import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect, sync_playwright

from tests.api.conftest import PASSWORD, service  # noqa: F401 - a fixture

VIEWS = ("Live", "Events", "People", "Search", "Review", "Map", "Analytics", "Cameras", "Settings")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")


@pytest.fixture(scope="module")
def address(service):  # noqa: F811
    """The service on a real port."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(service.client.app, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    with closing(listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(5)


@pytest.fixture(scope="module")
def browser():
    with (
        sync_playwright() as playwright,
        closing(playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])) as opened,
    ):
        yield opened


@pytest.fixture(params=["light", "dark"])
def theme(request):
    return request.param


def logged_in(browser, address, **options) -> Page:
    page = browser.new_context(**options).new_page()
    page.wrong = []
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.goto(address)
    page.get_by_label("Name").fill("root")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("navigation")).to_be_visible()
    return page


def test_a_wrong_password_is_said(browser, address):
    page = browser.new_context().new_page()
    page.goto(address)
    page.get_by_label("Name").fill("root")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("name or password is wrong")
    page.context.close()


def test_every_view_shows_without_an_accessibility_finding(browser, address, theme):
    page = logged_in(browser, address, color_scheme=theme, viewport={"width": 390, "height": 844})
    for view in VIEWS:
        page.get_by_role("link", name=view, exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(view)
        page.wait_for_timeout(500)
        found = Axe().run(page).response["violations"]
        serious = [f"{f['id']}: {f['nodes'][0]['html']}" for f in found if f["impact"] in ("serious", "critical")]
        assert serious == [], f"{view}, {theme}"
        wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wider <= 0, f"{view} is {wider} px wider than a phone"
    assert page.wrong == []
    page.context.close()


def test_a_merge_and_an_undo_on_the_page_change_the_events(browser, address, service):  # noqa: F811
    known = {id: service.context.reader.identity_of(id) for id in ("yard/2", "door/3")}
    source, target = known["yard/2"], known["door/3"]
    page = logged_in(browser, address)
    page.goto(f"{address}/#/people/{source}")
    expect(page.get_by_role("heading", level=1)).to_have_text(source)
    page.get_by_role("button", name="Same as …").click()
    page.get_by_role("group").get_by_role("button", name=re.compile(rf"^{target}\b")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(target)
    expect(page.locator("ul.stays > li")).to_have_count(2)
    page.get_by_role("link", name="Events").click()
    expect(page.locator("article", has_text=re.compile(rf"\b{target}\b"))).to_have_count(2)  # long apart
    expect(page.locator("article", has_text=re.compile(rf"\b{source}\b"))).to_have_count(0)
    page.get_by_role("link", name="People", exact=True).click()
    page.get_by_text("Latest changes").click()
    row = page.locator(".changes li", has_text="Merged").first
    row.get_by_role("button", name="Undo").click()
    expect(row).to_have_class("undone")
    page.get_by_role("link", name="Events").click()
    expect(page.locator("article", has_text=re.compile(rf"\b{source}\b"))).to_have_count(1)
    assert page.wrong == []
    page.context.close()


def test_a_split_takes_the_chosen_sighting_away(browser, address, service):  # noqa: F811
    whole = service.context.reader.identity_of("door/1")
    page = logged_in(browser, address)
    page.goto(f"{address}/#/people/{whole}")
    page.get_by_label(re.compile("choose the sighting at yard")).check()
    page.get_by_role("button", name="Split off 1").click()
    expect(page.get_by_role("heading", level=1)).not_to_have_text(whole)
    assert service.context.reader.identity_of("yard/9") != whole
    page.context.close()


def test_a_name_is_given_and_found(browser, address, service):  # noqa: F811
    person = service.context.reader.identity_of("door/3")
    page = logged_in(browser, address)
    page.on("dialog", lambda dialog: dialog.accept("Ann"))
    page.goto(f"{address}/#/people/{person}")
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ann")
    page.get_by_role("link", name="People", exact=True).click()
    page.get_by_label("Name or number").fill("ann")
    expect(page.locator("ul.people > li")).to_have_count(1)
    page.context.close()


def test_a_dropped_picture_is_answered(browser, address, tmp_path):
    picture = tmp_path / "nobody.png"
    cv2.imwrite(str(picture), np.full((200, 100, 3), 128, np.uint8))
    page = logged_in(browser, address)
    page.get_by_role("link", name="Search").click()
    page.locator("input[type=file]").set_input_files(picture)
    expect(page.get_by_text("No person was found on it")).to_be_visible(timeout=20_000)
    expect(page.locator("ul.hits > li").first).to_be_visible()
    (tmp_path / "text.png").write_text("no picture")
    page.locator("input[type=file]").set_input_files(tmp_path / "text.png")
    expect(page.get_by_role("alert")).to_contain_text("no JPEG, PNG or WebP")
    page.context.close()


def test_where_else_of_a_picture_and_of_a_person_is_a_journey(browser, address, service):  # noqa: F811
    person = service.context.reader.identity_of("door/1")
    page = logged_in(browser, address)
    page.goto(f"{address}/#/people/{person}")
    page.get_by_role("link", name="Where else?", exact=True).click()
    first = page.locator("ul.hits > li").first
    expect(first).to_contain_text(person)
    expect(first.locator("ol.journey > li")).to_have_count(len(service.context.reader.tracklets_of(person)))
    page.goto(f"{address}/#/events")
    page.get_by_role("link", name=re.compile("^Where else was")).first.click()
    expect(page.get_by_alt_text("what is looked for")).to_be_visible()
    expect(page.locator("ul.hits > li").first).to_be_visible(timeout=20_000)
    page.get_by_label("To", exact=True).fill("2001-01-01T00:00")
    expect(page.get_by_text("Nobody was seen in that time")).to_be_visible(timeout=20_000)
    assert page.wrong == []
    page.context.close()


def test_a_box_is_drawn_on_a_picture(browser, address, tmp_path):
    picture = tmp_path / "scene.png"
    cv2.imwrite(str(picture), np.full((180, 320, 3), 128, np.uint8))
    page = logged_in(browser, address)
    page.get_by_role("link", name="Search").click()
    page.locator("input[type=file]").set_input_files(picture)
    expect(page.get_by_text("draw a box around the one you mean")).to_be_visible(timeout=20_000)
    area = page.get_by_alt_text("what is looked for").bounding_box()
    page.mouse.move(area["x"] + 40, area["y"] + 30)
    page.mouse.down()
    page.mouse.move(area["x"] + 120, area["y"] + 150, steps=4)
    page.mouse.up()
    expect(page.locator("ul.hits > li").first).to_be_visible(timeout=20_000)
    assert page.wrong == []
    page.context.close()


def test_figures_are_drawn_with_their_tables_and_files(browser, address):
    page = logged_in(browser, address)
    page.get_by_role("link", name="Analytics").click()
    page.get_by_label("Period").select_option("Last 24 hours")
    people = page.get_by_role("region", name="People by hour", exact=True)
    expect(people.locator("svg")).to_be_visible(timeout=20_000)
    people.get_by_text("Table").click()
    expect(people.locator("tbody tr").first).to_be_visible()
    with page.expect_download() as made:
        people.get_by_role("link", name="People by hour as PNG").click()
    assert made.value.suggested_filename == "people.png"
    page.get_by_label("Period").select_option("choose …")
    page.get_by_label("From", exact=True).fill("2001-01-02")
    page.get_by_label("To", exact=True).fill("2001-01-01")
    expect(page.get_by_role("alert")).to_contain_text("the time is empty", timeout=60_000)
    assert page.wrong == []
    page.context.close()


def test_a_camera_is_dragged_to_its_place(browser, address, service, tmp_path):  # noqa: F811
    picture = tmp_path / "plan.png"
    cv2.imwrite(str(picture), np.full((300, 600, 3), 230, np.uint8))
    page = logged_in(browser, address)
    page.get_by_role("link", name="Map").click()
    page.locator("input[type=file]").set_input_files(picture)
    expect(page.get_by_role("button", name="Without the plan")).to_be_visible(timeout=20_000)
    camera = page.get_by_role("button", name=re.compile("^door, "))
    plan, begun = page.locator(".plan").bounding_box(), camera.bounding_box()
    page.mouse.move(begun["x"] + begun["width"] / 2, begun["y"] + begun["height"] / 2)
    page.mouse.down()
    page.mouse.move(plan["x"] + plan["width"] * 0.25, plan["y"] + plan["height"] * 0.75, steps=6)
    page.mouse.up()
    expect(page.get_by_role("button", name="Let door find its own place")).to_be_visible(timeout=20_000)
    placed = {c["name"]: c for c in service.log_in().get("/api/v1/map").json()["cameras"]}["door"]
    assert (placed["x"], placed["y"]) == pytest.approx((0.25, 0.75), abs=0.02)
    assert page.wrong == []
    page.context.close()


def test_a_camera_that_cannot_be_is_said_where_it_is_added(browser, address):
    page = logged_in(browser, address)
    page.get_by_role("link", name="Cameras").click()
    page.get_by_label("Name").fill("gate")
    page.get_by_label("Address").fill("gopher://me:secret@host/x")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("alert")).to_contain_text("gopher:// is not spoken")
    page.context.close()


def test_keys_alone_are_enough(browser, address):
    page = logged_in(browser, address)
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text(re.compile("To the content"))
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("People")
    page.context.close()
