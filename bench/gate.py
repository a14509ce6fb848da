"""The motion gate and the schedule on real footage: looks saved, visits kept, entry times moved.

    PERDURE_SHARED=../shared python bench/gate.py [--embedder NAME] [--footage NAME...]

Each clip is run twice, looking at every frame (``detection.motion: false``) and as configured by default. A stay of a
person before a camera is kept where the gated run has one that overlaps it in time and place; entries are compared for
those. Who is who hangs on the embedder, so visits, which are stays of one identity, are only counted.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np

from perdure.cli.progress import Silent
from perdure.config import parse
from perdure.geometry import iou
from perdure.nodes.recorded import Plan, run
from perdure.report.result import RunResult
from perdure.types import Tracklet

SHARED = Path(os.environ.get("PERDURE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
FOOTAGE = {
    "one-by-one": {"room": "intel/one-by-one-person-detection.mp4"},
    "car-detection": {"street": "intel/car-detection.mp4"},
    "people-detection": {"room": "intel/people-detection.264"},
    "epfl": {"a": "epfl-laboratory/Single1.mp4", "b": "epfl-laboratory/Double1.mp4"},
    "pets": {"view1": "pets09-s2l1/view1.mp4"},
}


def result(name: str, embedder: str, out: Path, *, motion: bool) -> RunResult:
    """One run."""
    cameras = {camera: {"source": str(SHARED / "data/video" / path)} for camera, path in FOOTAGE[name].items()}
    settings = {"cameras": cameras, "embedding": {"model": embedder}, "detection": {"motion": motion}}
    return run(Plan(parse(settings), out), Silent())


def stays(run: RunResult) -> list[Tracklet]:
    """What belongs to a visit that is told, without the later parts of a stay that was cut."""
    told = {sighting.tracklet for event in run.events for sighting in event.sightings}
    return [t for t in run.tracklets.values() if t.id in told and t.began != "cut"]


def match(one: Tracklet, others: list[Tracklet]) -> Tracklet | None:
    """The other run's stay that shares most time and place with this one."""
    best, most = None, 0
    for other in others:
        if other.camera == one.camera:
            _, mine, its = np.intersect1d(one.path[:, 1], other.path[:, 1], return_indices=True)
            overlap = np.diagonal(iou(one.path[mine, 2:6], other.path[its, 2:6])) if len(mine) else np.zeros(0)
            if (shared := int((overlap > 0.5).sum())) > most:
                best, most = other, shared
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--embedder", default="auto")
    parser.add_argument("--footage", nargs="*", default=list(FOOTAGE), choices=list(FOOTAGE))
    chosen = parser.parse_args()
    os.environ.setdefault("PERDURE_MODELS", str(SHARED / "models"))
    for name in chosen.footage:
        with tempfile.TemporaryDirectory() as folder:
            every = result(name, chosen.embedder, Path(folder) / "every", motion=False)
            gated = result(name, chosen.embedder, Path(folder) / "gated", motion=True)
        before, after = (sum(c.looked_at for c in r.cameras) for r in (every, gated))
        pairs = [(t, match(t, stays(gated))) for t in stays(every)]
        moved = [other.start - t.start for t, other in pairs if other is not None]
        print(
            f"{name:17} looks {before} -> {after} ({1 - after / before:.0%} saved) | people {len(every.identities)} -> "
            f"{len(gated.identities)} | visits {len(every.events)} -> {len(gated.events)} | stays {len(pairs)} -> "
            f"{len(stays(gated))}, kept {len(moved)}, entries {max(moved, default=0.0):.2f} s later at most | detect "
            f"{every.cost.stages_s.get('detect', 0):.1f} -> {gated.cost.stages_s.get('detect', 0):.1f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
