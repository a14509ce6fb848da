"""How many 1080p25 cameras two cores carry, busy and quiet, and what each costs: ``perdure doctor --budget`` on clips.

    PERDURE_SHARED=../shared python bench/capacity.py [--seconds 20]

There is no 1080p footage at hand, so smaller clips are scaled up and played at 25 frames per second (x264, a key frame
every 2 s): "crossing" is the Intel clip people-detection, one to three people about half of the time; "always somebody"
is EPFL Single1, one man all the time; "crowd" is PETS view 1, up to 8 people, about three times as fast as they walked;
"quiet" is an empty room with sensor noise. Processor time of this process, so other work on the machine counts only
where cores are shared.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import av

from decode import quiet_clip
from perdure.config import parse
from perdure.nodes.budget import USABLE, measure

CLIPS = {
    "crossing": "intel/people-detection.264",
    "always somebody": "epfl-laboratory/Single1.mp4",
    "crowd": "pets09-s2l1/view1.mp4",
}


def looped(path: Path) -> Iterator[av.VideoFrame]:
    """The frames of a clip, over and over."""
    while True:
        with av.open(str(path)) as container:
            yield from container.decode(video=0)


def large(source: Path, path: Path, seconds: int) -> Path:
    """A clip at 1920x1080 and 25 frames per second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 1920, 1080, "yuv420p"
        stream.options = {"g": "50", "preset": "veryfast", "sc_threshold": "0", "crf": "24"}
        for number, frame in zip(range(25 * seconds), looped(source), strict=False):
            scaled = frame.reformat(1920, 1080, format="yuv420p")
            scaled.pts, scaled.time_base = number, 1 / stream.average_rate
            for packet in stream.encode(scaled):
                container.mux(packet)
        container.mux(stream.encode(None))
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=20)
    seconds = parser.parse_args().seconds
    footage = Path(os.environ.get("PERDURE_SHARED", "../shared")) / "data/video"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        paths = {
            name: large(footage / clip, folder / f"{i}.mp4", seconds) for i, (name, clip) in enumerate(CLIPS.items())
        }
        paths["quiet"] = quiet_clip(footage, folder / "quiet.mp4", 3 * seconds)
        cameras = {name.replace(" ", "-"): {"source": str(path)} for name, path in paths.items()}
        for need in measure(parse({"cameras": cameras, "device": "cpu"}), most_s=1e9):
            stages = ", ".join(f"{name} {1e3 * s / need.footage_s:.0f}" for name, s in need.stages_s.items())
            print(
                f"{need.camera:16} decoded {need.decoded / need.frames:4.0%}, "
                f"looks {need.looks / need.footage_s:4.1f}/s, cores {need.cores:.3f} (ms/s: {stages}), "
                f"{need.memory_mb:.0f} MB | two cores carry {2 / need.cores:.1f}, {need.carried(2)} at {USABLE:.0%}",
                flush=True,
            )


if __name__ == "__main__":
    main()
