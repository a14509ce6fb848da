"""What a restart of a site costs, by part, and what a snapshot of who is who would save of it.

    python bench/restart.py [--tracklets 20000] [--changes 300000]

A made-up site: so many tracklets of four pictures in 256 dimensions, written as the service writes them, an enrolment
or a match each; then read and restored as the service does. The fold is measured apart, on a log of ``--changes``
changes: whole, and from a snapshot of nine tenths, which is read from JSON. Processor time of this process.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np

from perdure.gallery.calibrate import Calibration
from perdure.gallery.decide import Posterior
from perdure.gallery.gallery import Gallery
from perdure.gallery.ledger import fold, from_plain, to_plain
from perdure.gallery.scoring import CentredLinkage
from perdure.store.site_store import SiteStore, Step
from perdure.types import Change, Enrolled, Evidence, Exemplars, Matched, Moved, Term, Tracklet

DIM, PICTURES, STEP, PEOPLE_SHARE = 256, 4, 500, 0.1
CALIBRATION = Calibration(slope=20.0, offset=-6.0, impostor_mean=0.0, impostor_std=0.1)
TERMS = tuple(Term(name, 1.25) for name in ("appearance", "prior", "topology", "habit"))
SAID = Evidence(0.97, best="P1", best_score=0.61, second="P2", second_score=0.2, terms=TERMS)


def log_of(count: int, tracklets: int) -> list[Change]:
    """Everybody comes and comes again; where there are more changes than tracklets, some move to and fro."""
    people = max(int(PEOPLE_SHARE * tracklets), 2)
    found: list[Change] = []
    for i in range(count):
        place, at = i % tracklets, float(i)
        home = f"P{place % people + 1}"
        if i < people:
            found.append(Enrolled(at, home, f"a/{place}", SAID))
        elif i < tracklets:
            found.append(Matched(at, home, f"a/{place}", SAID))
        else:
            other = f"P{(place + i // tracklets) % people + 1}"
            found.append(Moved(at, f"a/{place}", home, other, "fits better"))
    return found


def told(numbers: range) -> list[Tracklet]:
    """So many tracklets."""
    rng = np.random.default_rng(numbers.start)
    vectors = rng.standard_normal((len(numbers), PICTURES, DIM), np.float32)
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    found = []
    for i, looks in zip(numbers, vectors, strict=True):
        at = np.linspace(10.0 * i, 10.0 * i + 5, PICTURES)
        path = np.column_stack([at, at * 10, np.tile([0.0, 0.0, 50.0, 100.0, 0.9], (PICTURES, 1))])
        body = Exemplars("m", looks, np.full(PICTURES, 0.9, np.float32), at, ("",) * PICTURES)
        found.append(Tracklet(f"a/{i}", 0, "a", 10.0 * i, 10.0 * i + 5, path, (body,), ended="left"))
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracklets", type=int, default=20_000)
    parser.add_argument("--changes", type=int, default=300_000)
    chosen = parser.parse_args()
    restart(chosen.tracklets)
    folds(chosen.changes)


def restart(count: int) -> None:
    """One line per part."""
    log = log_of(count, count)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "site.db"
        with SiteStore(path) as store:
            for first in range(0, count, STEP):
                numbers = range(first, min(first + STEP, count))
                changes = log[first : numbers.stop]
                homes = {c.tracklet: c.identity for c in changes if isinstance(c, Enrolled | Matched)}
                store.save(Step(told(numbers), first, changes, homes))
        begin = time.process_time()
        with SiteStore(path) as store:
            opened = time.process_time()
            changes = store._changes()
            read_log = time.process_time()
            tracklets = store._tracklets()
            read = time.process_time()
        partition = fold(changes)
        folded = time.process_time()
        gallery = Gallery("m", DIM, CentredLinkage(CALIBRATION), Posterior(CALIBRATION, 0.88))
        gallery.restore(tracklets, changes, partition)
        restored = time.process_time()
        size = path.stat().st_size / 2**20
    print(f"restart with {count} tracklets and as many changes ({size:.0f} MB), processor time:")
    total = restored - begin
    for name, spent in (
        ("checking the database", opened - begin),
        ("reading the log", read_log - opened),
        ("reading tracklets and vectors", read - read_log),
        ("folding the log", folded - read),
        ("filling the gallery", restored - folded),
    ):
        print(f"  {name:30} {spent:7.2f} s  {100 * spent / total:5.1f} %  {1e6 * spent / count:7.1f} us each")


def folds(count: int) -> None:
    """The whole log, and its last tenth after a snapshot."""
    log = log_of(count, count // 2)
    done = count * 9 // 10
    snapshot = json.dumps(to_plain(fold(log[:done])))
    begin = time.process_time()
    whole = fold(log)
    middle = time.process_time()
    again = fold(log, from_plain(json.loads(snapshot)), done)
    end = time.process_time()
    assert again == whole
    size, spent = len(snapshot) / 2**20, (middle - begin, end - middle)
    print(
        f"fold of {count} changes: whole {spent[0]:.2f} s, after a snapshot of {done} ({size:.1f} MB) {spent[1]:.2f} s"
    )


if __name__ == "__main__":
    main()
