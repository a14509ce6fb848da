"""Answers a minute that the review page takes: from the key to the next question with both big pictures drawn.

    python bench/review_page.py RUN [--answers 12]

RUN is a run folder, which is copied first. The answers are "unsure", and nobody looks: this is the machine's share of
an answer, an upper bound of what a reviewer can do; it needs Chromium and playwright.
"""

from __future__ import annotations

import argparse
import shutil
import socket
import tempfile
import threading
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
import uvicorn
from playwright.sync_api import sync_playwright

from perdure.api.review_alone import Door, create_app, open_hosts
from perdure.nodes.review_open import found

MEASURE = """async (wanted) => {
  const shown = () => [...document.querySelectorAll('.side .big')]
  const what = () => shown().map((picture) => picture.src).join()
  const times = []
  while (times.length < wanted && document.querySelector('.answers')) {
    const before = what(), begun = performance.now()
    document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'u', bubbles: true }))
    while (document.querySelector('.answers') &&
           (what() === before || shown().some((picture) => !picture.complete || !picture.naturalWidth)))
      await new Promise((then) => setTimeout(then, 1))
    if (!document.querySelector('.answers')) break
    times.push(performance.now() - begun)
    await new Promise((then) => setTimeout(then, 1000))  // a reviewer looks
  }
  return times
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--answers", type=int, default=12)
    chosen = parser.parse_args()
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(chosen.run, Path(folder) / "run"))
        (copy / "review.jsonl").unlink(missing_ok=True)
        hosts = open_hosts(found([copy]), stack)
        listener = stack.enter_context(closing(socket.create_server(("127.0.0.1", 0))))
        door = Door(lambda _: None)
        server = uvicorn.Server(uvicorn.Config(create_app(hosts, "bench", door, decides=False), log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{listener.getsockname()[1]}/?key={door.key}")
            page.wait_for_selector(".answers", timeout=120_000)
            page.wait_for_timeout(3000)
            times = page.evaluate(MEASURE, chosen.answers)
            browser.close()
        server.should_exit = True
        thread.join(30)
    middle, longest = float(np.median(times)), max(times)
    print(
        f"{len(times)} answers: median {middle:.0f} ms, longest {longest:.0f}: {60_000 / middle:.0f} a minute at most"
    )


if __name__ == "__main__":
    main()
