"""The main job on real footage: people and visits found, PETS against its truth, time by stage, memory by camera.

    python bench/main_job.py [--embedders NAME...]

Footage under ``PERDURE_SHARED`` (default ``../shared``). By eye: two men in the EPFL clips, one of them in both; seven
people in the Intel clip people-detection, each crossing once (at most three at once); nobody in car-detection. The PETS
truth gives a person who comes back a new id, so its figures are told twice: with our ids as they are, and with ids that
end where a person is away for more than 3 s (30 frames). Every run is a process of its own, for its peak memory.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from perdure.evaluate.tracking import score
from perdure.evaluate.tracks import Tracks, Truth
from perdure.types import Ints

SHARED = Path(os.environ.get("PERDURE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
VIDEO = SHARED / "data" / "video"
FOOTAGE = {
    "epfl": ["a=epfl-laboratory/Single1.mp4", "b=epfl-laboratory/Double1.mp4"],
    "people-detection": ["room=intel/people-detection.264"],
    "car-detection": ["street=intel/car-detection.mp4"],
    "one-by-one": ["room=intel/one-by-one-person-detection.mp4"],
    "pets": ["view1=pets09-s2l1/view1.mp4"],
}
AWAY_FRAMES = 30


def main() -> None:
    """Run everything and print two tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--embedders", nargs="*", default=["auto", "osnet-x0.25-msmt17", "person-reidentification-retail-0277"]
    )
    parser.add_argument("--footage", nargs="*", default=list(FOOTAGE), choices=list(FOOTAGE))
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for embedder in chosen.embedders:
            for name in chosen.footage:
                out = Path(folder) / f"{name}-{embedder}"
                tell(name, run(name, embedder, out))
                if name == "pets":
                    against_truth(out)


def run(name: str, embedder: str, out: Path) -> dict[str, object]:
    """What ``perdure run --json`` says."""
    sources = [f"{camera}={VIDEO / path}" for camera, path in (text.split("=") for text in FOOTAGE[name])]
    command = [sys.executable, "-c", "from perdure.cli import main; main()", "run", *sources]
    command += ["--embedder", embedder, "--out", str(out), "--json"]
    environment = {**os.environ, "PERDURE_MODELS": str(SHARED / "models")}
    told = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    return dict(json.loads(told))


def tell(name: str, told: dict[str, object]) -> None:
    """One line of the table."""
    stages = " ".join(f"{stage} {ms:.1f}" for stage, ms in told["stages_ms_per_frame"].items())  # type: ignore[attr-defined]
    print(
        f"{name:17} {told['embedder']:36} people {told['people']:2} visits {told['events']:2} | ms/frame: {stages} | "
        f"{told['frames_per_s']} frames/s | {told['embedded']} crops | {told['memory_per_camera_mb']} MB per camera",
        flush=True,
    )


def against_truth(out: Path) -> None:
    """The PETS figures."""
    truth = np.loadtxt(VIDEO / "pets09-s2l1" / "gt_768x576.txt", delimiter=",")
    boxes = np.column_stack([truth[:, 2:4], truth[:, 2:4] + truth[:, 4:6]]) * 0.625
    expected = Tracks.of(truth[:, 0].astype(int), truth[:, 1].astype(int), boxes, "truth")
    whole = Truth.of(expected, np.ones(len(truth), bool), np.zeros(len(truth), bool))
    rows = np.loadtxt(out / "tracks" / "view1.txt", delimiter=",")
    corners = np.column_stack([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]])
    frames, ids = rows[:, 0].astype(int), rows[:, 1].astype(int)
    for what, numbers in (("ids as they are", ids), ("ids end when away", until_they_leave(frames, ids))):
        figures = score(whole, Tracks.of(frames, numbers, corners, "result")).figures()
        told = " ".join(f"{key} {figures[key]:.3f}" for key in ("MOTA", "IDF1", "HOTA", "AssA"))
        print(
            f"    {what:18} {told} IDSW {figures['IDSW']:.0f} FP {figures['FP']:.0f} FN {figures['FN']:.0f}", flush=True
        )


def until_they_leave(frames: Ints, ids: Ints) -> Ints:
    """Numbers that end when a person is away for longer than ``AWAY_FRAMES``, as those of the PETS truth do."""
    numbers = np.zeros(len(ids), np.int64)
    for id in np.unique(ids):
        mine = np.flatnonzero(ids == id)
        mine = mine[np.argsort(frames[mine])]
        stay = np.concatenate([[0], np.cumsum(np.diff(frames[mine]) > AWAY_FRAMES)])
        numbers[mine] = id * 1000 + stay
    return numbers


if __name__ == "__main__":
    main()
