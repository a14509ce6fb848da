"""Pictures of the service's page for the docs, with simulated people only.

    python docs/make_page_pictures.py [--seconds 28]

Films the demonstration, serves it as RTSP cameras, runs the service on them, and takes the pictures with Chromium
(docs/images/page-*.jpg). Needs the dev extra and chromium.
"""

from __future__ import annotations

import argparse
import shutil
import socket
import tempfile
import threading
import time
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
from perdure.simulate.demo import render_demo
from perdure.simulate.rtsp import RtspCamera, RtspServer
from perdure.store.accounts import Accounts
from perdure.store.site_reader import SiteReader

IMAGES = Path(__file__).parent / "images"
PASSWORD = "only for these pictures"


def main() -> None:
    """Film, serve, look."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=28.0, help="of watching before the pictures")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        footage = render_demo(folder / "demo")
        cameras = [RtspCamera(name, video) for name, video in footage.videos.items()]
        with RtspServer(cameras, port=0) as server:
            watch(folder / "site", dict(server.urls), chosen.seconds)


def watch(folder: Path, urls: dict[str, str], seconds: float) -> None:
    """Run the service on these cameras, and picture it."""
    config = parse({"cameras": {name: {"source": url} for name, url in urls.items()}})
    with (
        LiveSite(config, folder) as site,
        Accounts(folder / "accounts.db") as accounts,
        SiteReader(folder / DATABASE) as reader,
    ):
        accounts.add_user(0.0, "admin", "admin", PASSWORD)
        thread = threading.Thread(target=site.run)
        thread.start()
        listener = socket.create_server(("127.0.0.1", 0))
        app = create_app(Context(site, reader, accounts, Broadcast(site, reader)))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
        threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True).start()
        try:
            picture(f"http://127.0.0.1:{listener.getsockname()[1]}", seconds)
        finally:
            server.should_exit = True
            site.stop()
            thread.join()


def picture(address: str, seconds: float) -> None:
    """Log in, wait, and take a picture of each view."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1180, "height": 720})
        page.goto(address)
        page.get_by_label("Name").fill("admin")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        time.sleep(seconds)
        shot(page, "live")
        page.get_by_role("link", name="Events").click()
        time.sleep(2)
        shot(page, "events")
        page.locator("article a").first.click()
        time.sleep(2)
        shot(page, "person")
        browser.close()


def shot(page: Page, name: str) -> None:
    """As JPEG: there are photographs in it."""
    image = cv2.imdecode(np.frombuffer(page.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    cv2.imwrite(str(IMAGES / f"page-{name}.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 80])


if __name__ == "__main__":
    main()
