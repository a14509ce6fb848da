"""Runs made up for the page: people, pictures and decisions, without any video."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from perdure.report.result import CameraRun, Cost, RunResult
from perdure.types import (
    Change,
    Enrolled,
    Event,
    Evidence,
    Exemplars,
    Identity,
    Matched,
    Sighting,
    Term,
    Tracklet,
)

MODEL = "made-up"


def tracklet(id: str, camera: str, start: float, end: float, pictures: tuple[str, ...] = (), seed: int = 0) -> Tracklet:
    """A tracklet of ten boxes, with random vectors behind its pictures."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(len(pictures), 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    times = np.linspace(start, end, 10)
    path = np.column_stack([times, np.arange(10), np.tile([10.0, 10.0, 30.0, 60.0, 0.9], (10, 1))])
    quality = np.linspace(0.5, 0.9, len(pictures)).astype(np.float32)
    body = Exemplars(MODEL, vectors, quality, np.linspace(start, end, len(pictures)), pictures)
    return Tracklet(id, 1, camera, start, end, path, (body,) if pictures else (), began="entered", ended="left")


def picture(root: Path, reference: str, size: tuple[int, int] = (80, 200), seed: int = 0) -> str:
    """Write a picture of noise and give its reference."""
    noise = np.random.default_rng(seed).integers(0, 255, (size[1] // 8, size[0] // 8, 3), dtype=np.uint8)
    path = root / reference
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), cv2.resize(noise, size))
    return reference


def evidence(best: str | None = None, probability: float = 0.0, *vetoes: str) -> Evidence:
    """Evidence for or against one candidate."""
    if best is None:
        return Evidence(probability, vetoes=vetoes)
    odds = float(np.log(probability / (1 - probability)))
    terms = (Term("appearance", odds - 1.25), Term("prior", 1.25))
    return Evidence(probability, best, 0.61, "P99", 0.17, terms, vetoes)


def run(
    identities: list[Identity],
    tracklets: list[Tracklet],
    cameras: tuple[CameraRun, ...] = (CameraRun("door", "door.mp4", 640, 360, 250, 250, 10.0),),
    changes: list[Change] | None = None,
    **more: object,
) -> RunResult:
    """One visit per person; each was enrolled, then matched, unless ``changes`` says otherwise."""
    events = [
        Event(f"visit/{p.sightings[0].tracklet}", "visit", p.id, p.first_seen, p.last_seen, p.sightings)
        for p in identities
    ]
    if changes is None:
        changes = []
        for person in identities:
            first, *rest = (s.tracklet for s in person.sightings)
            changes.append(Enrolled(person.first_seen, person.id, first, evidence()))
            changes += [Matched(person.last_seen, person.id, id, evidence(person.id, 0.97)) for id in rest]
    stages = {"decode": 1.0, "detect": 6.0, "track": 0.5, "embed": 2.0, "gallery": 0.25, "write": 0.25}
    settings = "cameras:\n  door:\n    source: door.mp4\n"
    facts: dict[str, object] = {
        "cost": Cost(12.5, stages, 420, 512.0, 64.0),
        "detector": "some-detector",
        "embedder": "some-embedder",
        "policy": "default",
        "version": "9.8.7",
        "settings": settings,
    }
    facts |= more
    return RunResult(
        cameras=cameras,
        identities=tuple(identities),
        events=tuple(events),
        tracklets={t.id: t for t in tracklets},
        changes=tuple(changes),
        **facts,  # type: ignore[arg-type]
    )


def building(root: Path, people: int = 3, pictures: int = 5) -> RunResult:
    """So many people, each seen by two cameras with so many pictures."""
    cameras = tuple(CameraRun(c, f"{c}.mp4", 640, 360, 250, 250, 10.0 + 3 * people) for c in ("door", "hall"))
    identities, tracklets = [], []
    for number in range(1, people + 1):
        sightings = []
        for place, camera in enumerate(("door", "hall")):
            id, start = f"{camera}/{number}", 3.0 * number + 2.5 * place
            references = tuple(
                picture(root, f"crops/{camera}/{number:07d}-{i}.jpg", seed=20 * number + 10 * place + i)
                for i in range(pictures)
            )
            tracklets.append(tracklet(id, camera, start, start + 2.0, references, number))
            sightings.append(Sighting(id, camera, start, start + 2.0, references[-1], 0.9))
        identities.append(Identity(f"P{number}", tuple(sightings), "", 0.97))
    return run(identities, tracklets, cameras)
