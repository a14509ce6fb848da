"""Pictures of search, map and analytics on the service's page for the docs, with simulated people only.

    perdure simulate shop --people 6 --scenes 3 --out people
    python docs/make_insight_pictures.py people [--out docs/images]

Lets the simulated people of these crops come to a shop on some days, one stay for each crop, embedded by the built-in
model; serves the site, and takes the pictures with Chromium: for the docs at desktop width, with ``--all`` every view
at 390 px too, light and dark. Needs the dev extra and chromium.
"""

from __future__ import annotations

import argparse
import shutil
import socket
import tempfile
import threading
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import uvicorn
from playwright.sync_api import Page, sync_playwright

from perdure.api.app import create_app
from perdure.api.broadcast import Broadcast
from perdure.api.context import Context
from perdure.config import parse
from perdure.nodes.live import DATABASE, LiveSite
from perdure.store.accounts import Accounts
from perdure.store.site_reader import SiteReader
from perdure.types import Exemplars, Tracklet

PASSWORD = "only for these pictures"
CAMERAS = ("entrance", "aisles", "till", "bakery", "store")
VIEWS = ("Live", "Events", "People", "Search", "Map", "Analytics")


def main() -> None:
    """Let them come, and picture it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("people", type=Path, help="Folder of perdure simulate --people.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "images")
    parser.add_argument("--all", action="store_true", help="Every view, for looking at; not for the docs.")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        serve(Path(temporary) / "site", chosen.people, chosen.out, everything=chosen.all)


def visits(site: LiveSite, people: Path) -> list[Tracklet]:
    """A stay for each crop: everybody comes by the cameras in the order of the files, once an hour."""
    files = sorted((people / "crops").rglob("*.jpg"))
    images = [cv2.imread(str(file)) for file in files]
    vectors, quality = site.embedder.embed(images)
    now, told = site.now(), []
    day = datetime.now(UTC).strftime("%Y%m%d")
    for number, (file, image) in enumerate(zip(files, images, strict=True)):
        person, camera = file.name.split("_")[0], CAMERAS[int(file.name.split("_c")[1][0]) - 1]
        start = now - 3300.0 + 400.0 * (int(person) % 7) + 14.0 * (number % 12)
        reference = f"crops/{camera}/{day}/{number:07d}-0.jpg"
        target = site.folder / reference
        target.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(target), image)
        moments = np.arange(start, start + 9.0, 1.0)
        x = np.linspace(80, 500, len(moments))
        columns = [moments, np.arange(len(moments)), x, np.full(len(x), 120), x + 40, np.full(len(x), 320)]
        path = np.column_stack([*columns, np.full(len(x), 0.9)])
        body = Exemplars(
            site.embedder.name, vectors[number][None], quality[number][None], np.array([start]), (reference,)
        )
        told.append(Tracklet(f"{camera}/{number + 1}", 1, camera, start, start + 8.0, path, (body,), ended="left"))
    return sorted(told, key=lambda t: t.end)


def serve(folder: Path, people: Path, out: Path, *, everything: bool) -> None:
    """A site that has just seen these, on a real port."""
    with (
        LiveSite(parse({}), folder) as site,
        Accounts(folder / "accounts.db") as accounts,
        SiteReader(folder / DATABASE) as reader,
    ):
        accounts.add_user(0.0, "admin", "admin", PASSWORD)
        thread = threading.Thread(target=site.run)
        thread.start()
        for tracklet in visits(site, people):
            site.ask(partial(_know, site, tracklet), timeout_s=300.0)
        site.ask(lambda gallery, _: gallery.learn_topology())
        listener = socket.create_server(("127.0.0.1", 0))
        app = create_app(Context(site, reader, accounts, Broadcast(site, reader)))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
        threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True).start()
        try:
            picture(f"http://127.0.0.1:{listener.getsockname()[1]}", out, everything=everything)
        finally:
            server.should_exit = True
            site.stop()
            thread.join()


def _know(site: LiveSite, tracklet: Tracklet, *_: object) -> None:
    site._know([tracklet])


def picture(address: str, out: Path, *, everything: bool) -> None:
    """Log in, and take the pictures."""
    out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        sizes = [(1180, 760, "light", "")]
        if everything:
            sizes += [(1180, 760, "dark", "-dark"), (390, 844, "light", "-phone"), (390, 844, "dark", "-phone-dark")]
        for width, height, scheme, name in sizes:
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
            page.set_default_timeout(120_000)
            log_in(page, address)
            for view in VIEWS if everything else ("Search", "Map", "Analytics"):
                page.get_by_role("link", name=view, exact=True).click()
                settle(page, view, address)
                shot(page, out / f"page-{view.lower()}{name}.jpg", whole=everything)
            page.close()
        browser.close()


def log_in(page: Page, address: str) -> None:
    """As the admin."""
    page.goto(address)
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("navigation").wait_for()


def settle(page: Page, view: str, address: str) -> None:
    """Until there is something to see."""
    if view == "Search":
        person = page.request.get(f"{address}/api/v1/people").json()["items"][0]["id"]
        page.goto(f"{address}/#/search/person/{person}")
        page.locator("ul.hits > li").first.wait_for()
    if view == "Analytics":
        page.get_by_label("Period").select_option("Last hour")
        page.locator("svg.chart").first.wait_for()
    if view == "Map":
        page.locator(".place").first.wait_for()
    time.sleep(3)


def shot(page: Page, path: Path, *, whole: bool) -> None:
    """As JPEG: there are photographs in it."""
    image = cv2.imdecode(np.frombuffer(page.screenshot(full_page=whole), np.uint8), cv2.IMREAD_COLOR)
    cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, 80])


if __name__ == "__main__":
    main()
