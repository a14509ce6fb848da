"""The opening hour: thousands of people who were never seen before come in one hour. Does the gallery keep up?

    python bench/rush.py [--people 4000] [--cameras 4] [--embeddings some.npz]

A stadium opens its gates: everybody comes once and passes the cameras of a corridor, with the tracker's mistakes
(``perdure.simulate.stream``). The gallery is told each tracklet when it closes and ticks once a second, as a live site
does. Printed for each quarter of the hour: tracklets, the time of a decision and of a tick (of this process), the most
identities that wait to be looked after, and how good the identities are so far. Backlog: how long after the last
tracklet everything that waited is done. With embeddings the people are fitted to them; without, to a made-up crowd
(``bench/month.py``).
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import resource
import time
from pathlib import Path

import numpy as np

from month import made_up
from perdure.assemble import gallery as open_gallery
from perdure.config import GalleryConfig
from perdure.evaluate.embeddings import load
from perdure.evaluate.replay import scores
from perdure.evaluate.simulator import fitted_people
from perdure.evaluate.stream import Stream, of_simulation
from perdure.evaluate.stream_calibration import fit_calibration
from perdure.gallery.calibrate import Calibration
from perdure.gallery.health import health
from perdure.gallery.maintain import Keeper
from perdure.simulate.stream import MONDAY, Faults, StreamPlan, stream
from perdure.simulate.stream_people import Habits
from perdure.simulate.stream_traffic import BUSY_HOURS, HOUR_S, CameraGraph, Traffic

QUARTERS, OPENS = 4, 8
DRAIN_S = 3600
"""After the last tracklet it is ticked for so long at most."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=4000)
    parser.add_argument("--cameras", type=int, default=4)
    parser.add_argument("--embeddings", type=Path)
    parser.add_argument("--no-maintain", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    crowd = load(chosen.embeddings) if chosen.embeddings else made_up()
    looks = fitted_people(crowd, chosen.seed, Habits(new_clothes=0.0))
    calibration = fit_calibration(crowd)
    share = BUSY_HOURS[OPENS] * 24 / sum(BUSY_HOURS)
    traffic = Traffic(1 / 24, 24 * chosen.people / share, 2 * chosen.people, returning=0.0)
    plan = StreamPlan(traffic, Faults(), start_at=MONDAY + OPENS * HOUR_S, seed=chosen.seed)
    told = of_simulation(looks.model, list(stream(looks, CameraGraph.corridor(chosen.cameras), plan)))
    people = len(np.unique(told.person))
    print(
        f"{looks.model}: {people} newcomers in an hour, {len(told)} tracklets by {chosen.cameras} cameras", flush=True
    )
    measure(told, calibration, maintain=not chosen.no_maintain)


def measure(told: Stream, calibration: Calibration, *, maintain: bool) -> None:
    """Tell a gallery everything, a second at a time."""
    gallery = open_gallery(GalleryConfig(maintain=maintain), told.model, told.dim, calibration)
    keeper = gallery.upkeep if isinstance(gallery.upkeep, Keeper) else Keeper()
    edges = np.searchsorted(told.at, np.linspace(told.at[0], told.at[-1], QUARTERS + 1)[1:], "right")
    print(
        "quarter  tracklets  decision ms median / 95 %  tick ms median / 95 %  busy  to be looked after  "
        "undecided  purity  fragments  IDF1"
    )
    row, second = 0, float(told.at[0])
    for quarter, edge in enumerate(edges.tolist(), 1):
        begun, decided, ticked, waiting, undecided = row, [], [], 0, 0
        first = second
        while row < edge:
            second += 1.0
            clock = time.process_time()
            gallery.tick(second)
            ticked.append(time.process_time() - clock)
            while row < edge and told.at[row] <= second:
                clock = time.process_time()
                gallery.observe([told.told[row]])
                decided.append(time.process_time() - clock)
                row += 1
            waiting, undecided = max(waiting, keeper.waiting), max(undecided, gallery.undecided)
        busy = (sum(decided) + sum(ticked)) / (second - first)
        found = scores(told, gallery, row)
        print(
            f"{quarter:7d}  {row - begun:9d}  {_ms(decided):>25}  {_ms(ticked):>21}  {busy:4.0%}  {waiting:18d}  "
            f"{undecided:9d}  {found.purity:.3f}   {found.fragments_per_person:.2f}       {found.idf1:.3f}",
            flush=True,
        )
    drained = 0
    while (keeper.waiting or gallery.undecided) and drained < DRAIN_S:
        drained += 1
        gallery.tick(second + drained)
    found, memory = scores(told, gallery, row), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"everything done {drained} s after the last: purity {found.purity:.3f}, fragments "
          f"{found.fragments_per_person:.2f}, IDF1 {found.idf1:.3f}; {memory:.0f} MB peak, "
          f"{gallery.index.bytes_held / 2**20:.0f} MB of it the index; {health(gallery)}")  # fmt: skip


def _ms(seconds: list[float]) -> str:
    return f"{1e3 * float(np.median(seconds)):.1f} / {1e3 * float(np.quantile(seconds, 0.95)):.1f}"


if __name__ == "__main__":
    main()
