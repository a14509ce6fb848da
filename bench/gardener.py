"""An hour of mowing before four cameras: how often the phone buzzes, without perdure and with it.

    python bench/gardener.py [--images DIR] [--looks gardener.npz] [--seeds 3]

The garden that comes with the simulator (``perdure simulate garden``): one person goes to and fro between drive, front
lawn, side path and back lawn. Who is in view of which camera follows from the plan (``simulate/sightings.py``); no
pixels. Looks are drawn from a model fitted to the built-in embedder's vectors of real people (``--images``, default
Market-1501 under ``PERDURE_SHARED``), with its noise of places, tracklets and pictures; one track in ten comes in two
parts. Tracklets go through the live site's own path: gallery, visits, database, notifications
(``nodes/rehearsal.py``).

Without perdure: a camera sends an alert when it finds a person, then none for a cool-down, as apps and recorders do.
Two kinds of cool-down: of a fixed length, and one that begins anew as long as the camera sees anybody.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from perdure.cli.eval_options import labelled
from perdure.config import parse
from perdure.evaluate.simulator import fitted_people
from perdure.nodes.rehearsal import rehearse
from perdure.simulate.people import Day
from perdure.simulate.reading import load
from perdure.simulate.sightings import routes
from perdure.simulate.stream import MONDAY, Faults, StreamPlan, tracked
from perdure.simulate.stream_people import FittedPeople

SHARED = Path(os.environ.get("PERDURE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
ALONE = Faults(fragment=0.1, swap=0.0, mixed=0.0)
"""Nobody else is there whom a track could jump to."""
COOL_DOWNS_S = (30, 60, 120, 300, 600)


def fitted(images: Path, kept: Path | None) -> FittedPeople:
    """People as the built-in embedder sees real ones; ``kept`` saves the embedded pictures."""
    if kept is not None and kept.exists():
        everybody, _ = labelled(None, None, kept, None, "auto", "--images")
    else:
        everybody, _ = labelled(images, None, None, kept, "auto", "--images")
    return fitted_people(everybody, 0)


def alerts(stays: list[tuple[int, float, float]], cool_down_s: float, *, renewed: bool) -> int:
    """Of plain cameras that see (camera, from, to).

    Args:
        stays: who is in view of which camera, from when to when.
        cool_down_s: after an alert of a camera it sends none for so long; who is there still is told then.
        renewed: the cool-down begins anew as long as the camera sees anybody: whoever comes meanwhile is not told.
    """
    count = 0
    for camera in {camera for camera, _, _ in stays}:
        silent_until = -np.inf
        for _, start, end in sorted(stay for stay in stays if stay[0] == camera):
            if renewed:
                count += start >= silent_until
                silent_until = max(silent_until, end + cool_down_s)
            while not renewed and max(start, silent_until) <= end:
                count += 1
                silent_until = max(start, silent_until) + cool_down_s
    return count


def main() -> None:
    """Both, in one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, default=SHARED / "data" / "market1501-dev")
    parser.add_argument("--looks", type=Path, help="file that keeps the embedded pictures for another run")
    parser.add_argument("--seeds", type=int, default=3, help="so many hours, each with somebody else")
    chosen = parser.parse_args()
    plan, looks = load("garden"), fitted(chosen.images, chosen.looks)
    names = [camera.name for camera in plan.cameras]
    rules = [(cool_down_s, renewed) for renewed in (False, True) for cool_down_s in COOL_DOWNS_S]
    heads = " ".join(f"{str(cool_down_s) + '+' * renewed:>5}" for cool_down_s, renewed in rules)
    print("alerts in the hour by cool-down, seconds; +: it begins anew while anybody is seen")
    print(f"{'hour':>4} {'stays':>6} {heads} {'perdure':>8} {'people':>7}", flush=True)
    day = routes(plan, Day(plan).walks(), MONDAY)
    stays = [(stay.camera, stay.start, stay.end) for route in day for stay in route]
    plain = " ".join(f"{alerts(stays, cool_down_s, renewed=renewed):5d}" for cool_down_s, renewed in rules)
    for seed in range(chosen.seeds):
        told = tracked(day, replace(looks, seed=seed), names, StreamPlan(faults=ALONE, seed=seed))
        with tempfile.TemporaryDirectory() as folder:
            result = rehearse([one.tracklet for one in told], parse({}), Path(folder))
        print(f"{seed:4d} {len(stays):6d} {plain} {len(result.notifications):8d} {result.people:7d}", flush=True)


if __name__ == "__main__":
    main()
