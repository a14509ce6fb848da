"""Pictures of search, map and analytics on the service's page for the docs, with simulated people only.

    perdure demo --out demo
    python docs/make_insight_pictures.py demo/run [--out docs/images]

Takes what a run over simulated footage found as if a live site had just seen it, serves it, and takes the pictures
with Chromium: for the docs at desktop width, and with ``--all`` every view at 390 px too, light and dark. Needs the dev
extra and chromium.
"""

from __future__ import annotations

import argparse
import shutil
import socket
import tempfile
import threading
import time
from dataclasses import replace
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
from perdure.store.run_store import RunStore
from perdure.store.site_reader import SiteReader
from perdure.types import Tracklet

PASSWORD = "only for these pictures"
VIEWS = ("Live", "Events", "People", "Search", "Map", "Analytics")


def main() -> None:
    """Serve a run, and picture it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="Folder of a run over simulated footage.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "images")
    parser.add_argument("--all", action="store_true", help="Every view, for looking at; not for the docs.")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "site"
        shutil.copytree(chosen.run / "crops", folder / "crops")
        with RunStore(chosen.run / "perdure.db") as store:
            told = store.tracklets()
        serve(folder, told, chosen.out, everything=chosen.all)


def moved(tracklet: Tracklet, by_s: float) -> Tracklet:
    """The same, so many seconds later."""
    path = tracklet.path.copy()
    path[:, 0] += by_s
    exemplars = tuple(replace(e, at=e.at + by_s) for e in tracklet.exemplars)
    return replace(tracklet, start=tracklet.start + by_s, end=tracklet.end + by_s, path=path, exemplars=exemplars)


def serve(folder: Path, told: list[Tracklet], out: Path, *, everything: bool) -> None:
    """A site that has just seen these, on a real port."""
    with (
        LiveSite(parse({}), folder) as site,
        Accounts(folder / "accounts.db") as accounts,
        SiteReader(folder / DATABASE) as reader,
    ):
        accounts.add_user(0.0, "admin", "admin", PASSWORD)
        thread = threading.Thread(target=site.run)
        thread.start()
        by_s = site.now() - max(t.end for t in told) - 600.0
        for tracklet in sorted(told, key=lambda t: t.end):
            site.take([moved(tracklet, by_s)])
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
