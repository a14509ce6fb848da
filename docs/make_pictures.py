"""Makes the pictures of the documentation: everything in them is simulated, nobody in them exists.

    python docs/make_pictures.py            # demo-mosaic.jpg, and demo-report.png where Chromium is installed

Films the demonstration, runs the whole pipeline over it, and takes one frame of the mosaic and the top of the page.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from pathlib import Path

import av
import cv2
import numpy as np

from perdure.cli.progress import Bars
from perdure.config import load
from perdure.nodes.recorded import Plan, run
from perdure.report.presence import People
from perdure.report.result import RunResult
from perdure.simulate.demo import render_demo
from perdure.types import Image

IMAGES = Path(__file__).parent / "images"
PAGE_PX = (1180, 1230)
"""Width and height of what is shown of the page."""


def main() -> None:
    """Make them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="keep footage and run here, and use footage that is here already")
    folder: Path | None = parser.parse_args().folder
    with tempfile.TemporaryDirectory() as scratch:
        work = folder or Path(scratch)
        with Bars() as bars:
            config = work / "footage" / "perdure.yaml"
            if not config.exists():
                render_demo(work / "footage", bars.filmed)
            result = run(Plan(load(config), work / "run", overwrite=True, video=True), bars)
        IMAGES.mkdir(exist_ok=True)
        frame = frame_at(work / "run" / "video" / "mosaic.mp4", liveliest(result))
        cv2.imwrite(str(IMAGES / "demo-mosaic.jpg"), frame, [cv2.IMWRITE_JPEG_QUALITY, 88])
        photograph(work / "run" / "report.html", IMAGES / "demo-report.png")


def liveliest(result: RunResult) -> float:
    """The moment at which most cameras, and then most boxes, show somebody; the middle one of several."""
    people = [People.of(result, camera) for camera in result.cameras]
    times = np.arange(0, max(camera.footage_s for camera in result.cameras), 0.1)
    seen = [[len(before.marks(at)) for before in people] for at in times]
    worth = np.array([100 * sum(count > 0 for count in counts) + sum(counts) for counts in seen])
    best = np.flatnonzero(worth == worth.max())
    return float(times[best[len(best) // 2]])


def frame_at(video: Path, at: float) -> Image:
    """(H, W, 3) uint8 BGR."""
    with av.open(str(video)) as container:
        for frame in container.decode(video=0):
            if frame.time is not None and frame.time >= at - 1e-3:
                break
        return np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)


def photograph(page: Path, picture: Path) -> None:
    """The top of a page as Chromium shows it, in few colours to be small; nothing happens without Chromium."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        return
    with tempfile.TemporaryDirectory() as profile:
        raw = Path(profile) / "page.png"
        quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]
        offline = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic"]
        size = f"--window-size={PAGE_PX[0]},{PAGE_PX[1]}"
        target = [f"--user-data-dir={profile}", size, f"--screenshot={raw}", page.resolve().as_uri()]
        subprocess.run([browser, *quiet, *offline, *target], check=True, capture_output=True, timeout=120)
        few = (cv2.imread(str(raw)) | 7).astype(np.uint8)
        cv2.imwrite(str(picture), few, [cv2.IMWRITE_PNG_COMPRESSION, 9])


if __name__ == "__main__":
    main()
