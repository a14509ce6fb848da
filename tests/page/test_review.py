"""The review page in a real browser: keys answer, undo takes back, strips are split, phones and both themes."""

from __future__ import annotations

import shutil
import socket
import threading
from contextlib import ExitStack, closing

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect, sync_playwright

from perdure.api.review_alone import Door, create_app, open_hosts
from perdure.gallery.refit import Line, Refit
from perdure.nodes.review import Given
from tests.nodes.recording import figure, write_run

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")
PATIENT_MS = 60_000
CAMERAS = ("door", "hall", "yard")
PEOPLE = (0, 0, 1, 1, 2, 2, 3, 3, 4, 5)
MIXED = [(8, 0, 1.0), (8, 1, 1.0), (8, 2, 1.0), (9, 2, 0.9), (9, 3, 0.9)]


@pytest.fixture(scope="module")
def browser():
    with (
        sync_playwright() as playwright,
        closing(playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])) as opened,
    ):
        yield opened


@pytest.fixture
def review(tmp_path):
    """Where ``perdure review`` of one doubtful run is: (address, door, desk)."""
    run = write_run(tmp_path / "monday", PEOPLE, MIXED, CAMERAS, draw=figure)
    listener = socket.create_server(("127.0.0.1", 0))
    door = Door(lambda _: None)
    with ExitStack() as stack, closing(listener):
        hosts = open_hosts([run], stack)
        server = uvicorn.Server(uvicorn.Config(create_app(hosts, "ann", door, decides=False), log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", door, hosts["monday"].desk
        server.should_exit = True
        thread.join(30)


def opened(browser, review, **options) -> Page:
    address, door, _ = review
    page = browser.new_context(**options).new_page()
    page.set_default_timeout(PATIENT_MS)
    page.wrong = []
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.goto(f"{address}/?key={door.key}")
    expect(page.get_by_role("group", name="Answer")).to_be_visible(timeout=PATIENT_MS)
    return page


def answered(page: Page, count: int) -> None:
    expect(page.locator(".progressbar")).to_contain_text(f"{count} answered", timeout=PATIENT_MS)


def test_one_key_is_one_answer_and_z_takes_it_back(browser, review):
    desk, page = review[2], opened(browser, review)
    expect(page.get_by_role("navigation").get_by_role("link")).to_have_text(["Review"])
    for count, (key, said) in enumerate([("d", "different"), ("u", "unsure"), ("s", "same")], start=1):
        page.keyboard.press(key)
        answered(page, count)
        assert desk.verdicts.answers[count].said == said
        assert desk.verdicts.answers[count].by == "ann"
    page.keyboard.press("z")
    answered(page, 2)
    assert set(desk.verdicts.answers) == {1, 2}
    assert page.wrong == []
    page.context.close()


def test_a_whole_row_is_answered_at_once(browser, review):
    desk = review[2]
    desk.agenda.refit = Refit(join=Line(0.05, 0.0))  # as at a site where people are hard to tell apart
    page = opened(browser, review)
    candidates = page.get_by_role("list", name="Candidates").get_by_role("listitem")
    for _ in range(8):
        if candidates.count() > 1:
            break
        before = len(desk.verdicts.answers)
        page.keyboard.press("u")
        answered(page, before + 1)
    count, before = candidates.count(), len(desk.verdicts.answers)
    assert count > 1
    page.keyboard.press("2")
    expect(candidates.nth(1).get_by_role("button")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("n")
    answered(page, before + count)
    assert page.wrong == []
    page.context.close()


def test_a_strip_is_split_where_somebody_else_begins(browser, review):
    desk, page = review[2], opened(browser, review)
    before = set(desk.gallery.evidence)
    page.keyboard.press("x")
    strip = page.locator(".side.splitting")
    expect(strip).to_be_visible()
    strip.locator(".shot").nth(1).click()  # inside the first tracklet of the strip
    expect(page.get_by_text("split there")).to_be_visible()
    (second,) = set(desk.gallery.evidence) - before
    home = desk.gallery.partition.identity_of
    assert home[second] != home[second.partition(".")[0]]
    page.keyboard.press("z")
    expect(page.get_by_text("taken back")).to_be_visible()
    home = desk.gallery.partition.identity_of
    assert home[second] == home[second.partition(".")[0]]
    assert page.wrong == []
    page.context.close()


def test_a_dispute_is_shown_and_a_third_look_settles_it(browser, review):
    desk = review[2]
    first, second = next((q.first, q.second) for q in (a.question for a in desk.agenda.ranked()) if q.kind == "join")
    desk.say(1.0, "bob", [Given(first, second, "same")])
    desk.say(2.0, "cy", [Given(first, second, "different")])
    page = opened(browser, review)
    page.get_by_role("button", name="1 disputed").click()
    expect(page.get_by_text("bob: same · cy: different")).to_be_visible()
    page.get_by_role("button", name="Different").click()
    expect(page.get_by_text("Nobody disagrees.")).to_be_visible()
    assert desk.verdicts.believed(frozenset((first, second))) is False
    page.context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_a_phone_and_has_no_accessibility_finding(browser, review, theme):
    page = opened(browser, review, color_scheme=theme, viewport={"width": 390, "height": 844})
    page.keyboard.press("x")
    found = Axe().run(page).response["violations"]
    serious = [f"{f['id']}: {f['nodes'][0]['html']}" for f in found if f["impact"] in ("serious", "critical")]
    assert serious == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    same = page.get_by_role("button", name="Same").bounding_box()
    assert same is not None
    assert same["height"] >= 40  # a thumb
    page.context.close()
