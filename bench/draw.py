"""What annotated videos cost: CPU time per frame, and whether memory stays flat as the footage grows.

    python bench/draw.py [FRAMES ...]

Draws two made-up clips of 640 x 360 with one person each, in a fresh process per length.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SIZE = (640, 360)
RATE_FPS = 25.0


def measure(frames: int) -> None:
    from perdure.config import parse
    from perdure.nodes.draw import draw_videos
    from perdure.report.result import CameraRun, Cost, RunResult
    from perdure.types import Identity, Sighting, Tracklet
    from perdure.video.write import VideoWriter

    times = np.arange(frames) / RATE_FPS
    with tempfile.TemporaryDirectory() as folder:
        cameras, runs, identities, tracklets = {}, [], [], {}
        for number, name in enumerate(("a", "b"), 1):
            clip = Path(folder) / f"{name}.mp4"
            with VideoWriter(clip, RATE_FPS, SIZE) as writer:
                for index in range(frames):
                    writer.write(np.full((SIZE[1], SIZE[0], 3), 60 + 37 * index % 150, np.uint8), times[index])
            cameras[name] = {"source": str(clip)}
            runs.append(CameraRun(name, str(clip), *SIZE, frames, frames, float(times[-1])))
            left = 40 + 400 * (times % 10) / 10
            boxes = np.column_stack([left, np.full(frames, 80), left + 60, np.full(frames, 260), np.ones(frames)])
            path = np.column_stack([times, np.arange(frames), boxes])
            tracklets[f"{name}/1"] = Tracklet(f"{name}/1", 1, name, 0.0, times[-1], path)
            identities.append(Identity(f"P{number}", (Sighting(f"{name}/1", name, 0.0, times[-1]),)))
        cost = Cost(0.0, {}, 0, 0.0, 0.0)
        result = RunResult(tuple(runs), tuple(identities), (), tracklets, (), cost, "", "", "", "", "")
        began = time.process_time()
        draw_videos(parse({"cameras": cameras}), result, Path(folder) / "video")
        cpu_ms = 1000 * (time.process_time() - began) / (2 * frames)
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{frames:>8} {cpu_ms:>14.2f} {memory_mb:>10.0f}", flush=True)


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        measure(int(sys.argv[2]))
        return
    print("  frames  ms CPU a frame    peak MB", flush=True)
    for frames in sys.argv[1:] or ["250", "2500"]:
        subprocess.run([sys.executable, __file__, "--one", frames], check=True)


if __name__ == "__main__":
    main()
