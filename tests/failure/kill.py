"""Kills the writer of a site's database again and again under load, and looks whether anything is lost.

    python -m tests.failure.kill --times 500 [--folder DIR]

Each round forks a process that opens the database, restores the gallery from it and goes on with a long simulated
stream: tracklets told open and again when closed, maintenance, corrections by an operator, copies of the database. It
reports every commit, with a digest of who is who, through a pipe, and is killed with SIGKILL at a random moment. Then
the database is opened again: it must hold every commit that was reported, the log must fold to what the writer had, and
an identity once known must be there with the same number, as an alias, or as a tombstone.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from perdure.errors import InputError
from perdure.gallery import corrections
from perdure.gallery.calibrate import Calibration
from perdure.gallery.decide import Posterior
from perdure.gallery.gallery import Gallery
from perdure.gallery.ledger import Partition, fold, to_plain
from perdure.gallery.maintain import Keeper
from perdure.gallery.scoring import CentredLinkage
from perdure.store.last_good import check
from perdure.store.site_store import SiteStore, Step
from perdure.types import Exemplars, Forgotten, Tracklet

DIM = 32
CALIBRATION = Calibration(slope=20.0, offset=-8.0, impostor_mean=0.0, impostor_std=0.2)
PEOPLE = 40


@dataclass
class Tally:
    """What the rounds found."""

    rounds: int = 0
    commits: int = 0
    during_commit: int = 0
    """Kills after which the database had a commit that was not reported yet."""
    identities: int = 0
    changes: int = 0


def stream(number: int) -> list[Tracklet]:
    """The revisions of the n-th tracklet: open, then closed; the same whenever it is asked for."""
    rng = np.random.default_rng([7, number])
    look = np.random.default_rng([8, int(rng.integers(PEOPLE))]).normal(size=DIM)
    vectors = look / np.linalg.norm(look) + 0.05 * rng.normal(size=(3, DIM))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    start = 20.0 * number
    body = Exemplars("m", vectors.astype(np.float32), np.full(3, 0.9, np.float32), start + np.arange(3.0), ("",) * 3)
    path = np.array([[start, 10 * start, 0, 0, 10, 20, 0.9], [start + 3, 10 * start + 30, 0, 0, 10, 20, 0.9]])
    camera = "abc"[number % 3]
    closed = Tracklet(f"{camera}/{number}", 1, camera, start, start + 3, path, (body,), ended="left")
    return [replace(closed, revision=0, end=start + 1, ended="open", exemplars=(body[:1],)), closed]


def digest(partition: Partition) -> str:
    """Of who is who."""
    return hashlib.sha256(json.dumps(to_plain(partition)).encode()).hexdigest()


def opened(path: Path) -> tuple[SiteStore, Gallery]:
    """The database, and the gallery as it lasts there."""
    store = SiteStore(path)
    kept = store.load()
    gallery = Gallery("m", DIM, CentredLinkage(CALIBRATION), Posterior(CALIBRATION, 0.88), upkeep=Keeper())
    gallery.restore(kept.tracklets, kept.changes, fold(kept.changes))
    return store, gallery


def write_on(path: Path, reports: int, seed: int) -> None:
    """Go on with the stream until killed."""
    rng = random.Random(seed)
    store, gallery = opened(path)
    number = int(store.get("told", "0"))
    while True:
        revisions = stream(number)
        before = len(gallery.log)
        for revision in revisions:
            gallery.observe([revision])
        at = revisions[-1].end
        gallery.tick(at + 60)
        placed = [id for change in gallery.log[before:] for id in gallery.tracklets_of(change)]
        told = [gallery.evidence[id] for id in {revisions[-1].id: None, **dict.fromkeys(placed)}]
        tombstone = None if rng.random() < 0.9 else correct(gallery, at, rng)
        if tombstone is None:
            touched = gallery.take_touched()
            homes = {s.tracklet: p.id for p in touched for s in p.sightings}
            store.save(Step(told, before, gallery.log[before:], homes, touched))
        else:
            store.save(Step(told, before, gallery.log[before:-1]))  # the tombstone goes with the erasing
            store.erase(tombstone.identity, tombstone.tracklets, gallery.log)
            gallery.take_touched()
        number += 1
        store.put("told", str(number))
        os.write(reports, json.dumps([number, len(gallery.log), digest(gallery.partition)]).encode() + b"\n")
        if rng.random() < 0.02:
            store.copy()


def correct(gallery: Gallery, at: float, rng: random.Random) -> Forgotten | None:
    """What an operator may say; a tombstone where somebody was forgotten."""
    people = list(gallery.partition.members)
    one, other = rng.choice(people), rng.choice(people)
    try:
        match rng.randrange(5):
            case 0:
                corrections.merge(gallery, at, one, other)
            case 1:
                corrections.split(gallery, at, one, gallery.partition.members[one][:1])
            case 2:
                corrections.rename(gallery, at, one, f"Name {rng.randrange(99)}")
            case 3:
                corrections.undo(gallery, at, rng.randrange(len(gallery.log)))
            case 4 if rng.random() < 0.2:
                return corrections.forget(gallery, at, one, "asked")
    except InputError:
        pass
    return None


def round_of(path: Path, wait_s: float, seed: int) -> tuple[list[object] | None, int]:
    """Fork a writer, kill it after ``wait_s`` of writing; its last report and how many there were."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        try:
            write_on(path, theirs, seed)
        except Exception:  # noqa: BLE001 -- whatever it was, the parent has to be told
            traceback.print_exc()
        finally:
            os._exit(3)  # only an error ends the loop
    os.close(theirs)
    reports = os.fdopen(ours, "rb")
    first = reports.readline()
    time.sleep(wait_s)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        raise AssertionError("the writer broke by itself: see its message above")
    lines = [line for line in [first, *reports.read().splitlines(keepends=True)] if line.endswith(b"\n")]
    reports.close()
    return (json.loads(lines[-1]) if lines else None), len(lines)


def check_after(path: Path, reported: list[object] | None, known: set[str], tally: Tally) -> set[str]:
    """What the database holds after a kill, held against what was reported and known before."""
    store, gallery = opened(path)
    with store:
        check(store._connection, path)
        told = int(store.get("told", "0"))
    partition = gallery.partition
    assert fold(gallery.log) == partition
    assert all(id in partition.identity_of for id in gallery.evidence), "a tracklet lost its identity"
    assert all(id in gallery.evidence for id in partition.identity_of), "an identity lost its evidence"
    if reported is not None:
        number, changes, seen = reported
        assert isinstance(number, int)
        assert isinstance(changes, int)
        assert told >= number, f"tracklet {number} was committed and is gone"
        assert len(gallery.log) >= changes, f"change {changes} was committed and is gone"
        if len(gallery.log) == changes:
            assert digest(partition) == seen, "the log folds to something else than the writer had"
        else:
            tally.during_commit += 1
    now = set(partition.members) | partition.tombstones
    emptied = {change.source for change in gallery.log if hasattr(change, "source")}
    for identity in known - now:
        gone = partition.resolve(identity) in now or identity in emptied or partition.resolve(identity) in emptied
        assert gone, f"{identity} was known and is gone"
    tally.identities, tally.changes = len(partition.members), len(gallery.log)
    return known | set(partition.members)


def run(folder: Path, times: int, seed: int = 0) -> Tally:
    """So many kills in one folder."""
    importlib.import_module("perdure.gallery.linkage")  # compiled: once, not in every fork
    rng, tally = random.Random(seed), Tally()
    path, known = folder / "site.db", set[str]()
    for number in range(times):
        reported, count = round_of(path, rng.uniform(0.0, 0.15), seed * 100_000 + number)
        known = check_after(path, reported, known, tally)
        tally.rounds, tally.commits = number + 1, tally.commits + count
        if len(known) > 400 or tally.changes > 3000:  # a fresh site, so that rounds stay short
            for file in folder.glob("site.db*"):
                file.unlink()
            known = set()
    return tally


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        tally = run(Path(folder), options.times, options.seed)
    sys.stdout.write(f"nothing lost in {tally.rounds} kills: {tally}\n")


if __name__ == "__main__":
    main()
