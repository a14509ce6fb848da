"""Recordings with their corrected identities as training sets and annotations of other tools."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from perdure.config import Config, parse
from perdure.errors import InputError, StoreError
from perdure.events.tell import Events
from perdure.events.visits import VisitRule
from perdure.gallery.gallery import Gallery
from perdure.interop import cvat, market1501
from perdure.interop.mot import write_tracks
from perdure.interop.run_folder import events_jsonl, number, people_json
from perdure.nodes import answer_log
from perdure.nodes.answer_log import Line
from perdure.nodes.outputs import rows_of, write_whole
from perdure.nodes.review import Desk
from perdure.nodes.review_open import RUN, run_gallery, site_gallery
from perdure.store.run_store import RunStore, SeenCamera
from perdure.types import Event, Identity

LABELS = "labels.json"
WRITTEN = (market1501.TRAIN, market1501.QUERY, market1501.TEST, LABELS)


@dataclass(frozen=True, slots=True)
class Corrected:
    """A recording after its review."""

    folder: Path
    name: str
    gallery: Gallery
    answers: int
    """That count."""
    identities: tuple[Identity, ...]
    """Without glimpses, as a run tells them."""
    events: tuple[Event, ...]
    cameras: dict[str, SeenCamera]
    """Of a run; empty for a site."""
    bridge_s: float

    @property
    def identity_of(self) -> dict[str, str]:
        """Tracklet -> identity."""
        return {s.tracklet: identity.id for identity in self.identities for s in identity.sightings}


@dataclass(slots=True)
class _Unwritten:
    """A log of answers that is only read."""

    path: Path
    lines: list[Line] = field(default_factory=list)

    def append(self, *_: Line) -> None:
        """Nothing is kept."""


def corrected(folder: Path, name: str) -> Corrected:
    """A run or site with everything that reviewers said; nothing in its folder is changed.

    Raises:
        InputError: there is nobody in it.
        StoreError: it cannot be read.
    """
    is_run = (folder / RUN).is_file()
    gallery = run_gallery(folder) if is_run else site_gallery(folder)
    desk = Desk(
        name, gallery, _Unwritten(folder / answer_log.FILE, answer_log.read(folder)), "beside" if is_run else "later"
    )
    config, cameras = Config(), {}
    if is_run:
        with RunStore(folder / RUN) as store:
            config = parse(json.loads(store.get("plan", "{}")).get("config", {}), where=str(folder / RUN))
            cameras = store.seen_cameras()
    rule = VisitRule(config.events.visit_gap_s, config.events.min_visit_s, config.events.min_evidence)
    everybody = gallery.identities()
    events = Events(rule).whole(everybody)
    visitors = {event.identity for event in events}
    looks = config.detection
    return Corrected(
        folder,
        name,
        gallery,
        len(desk.verdicts.answers),
        tuple(identity for identity in everybody if identity.id in visitors),
        tuple(events),
        cameras,
        looks.still_every_s if looks.motion else 0.0,
    )


def prepare(out: Path, *, overwrite: bool) -> None:
    """Make the folder ready, or refuse.

    Raises:
        StoreError: it holds something and is not to be overwritten, or cannot be made.
    """
    try:
        if out.is_file():
            raise StoreError(f"{out} is a file: --out must be a folder")
        if out.is_dir() and any(out.iterdir()):
            if not overwrite:
                raise StoreError(f"{out} is not empty: give another --out, or --overwrite an earlier export")
            if not (out / LABELS).is_file():
                raise StoreError(f"{out} holds no export (no {LABELS}), but something else: give another --out")
            _clear(out)
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot write to {out}: {error.strerror}") from error


def _clear(out: Path) -> None:
    """Remove what an export leaves, and nothing else."""
    for name in json.loads((out / LABELS).read_text(encoding="utf-8")).get("written", []):
        path = out / name
        if path.resolve().parent != out.resolve():
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    (out / LABELS).unlink()


def to_market1501(
    recordings: Sequence[Corrected], out: Path, *, hold_out: float = 0.0, least_pictures: int = 2, seed: int = 0
) -> dict[str, int]:
    """Pictures of everybody in the layout of Market-1501; how many went into each folder.

    People of several recordings are different people: who came twice is not known.

    Args:
        recordings: at least one.
        out: a folder that is ready.
        hold_out: share of the people, drawn by ``seed``, who are not trained on.
        least_pictures: of a person, who is left out with fewer.
        seed: of the draw.

    Raises:
        InputError: no pictures, or too few people to hold some out.
    """
    cameras = sorted({t.camera for one in recordings for t in one.gallery.evidence.values()})
    crops: list[market1501.Crop] = []
    people: dict[int, dict[str, str]] = {}
    for sequence, one in enumerate(recordings, start=1):
        for identity in one.identities:
            mine = _crops(one, identity, len(people) + 1, cameras, sequence)
            if len(mine) >= least_pictures:
                people[len(people) + 1] = {"recording": one.name, "identity": identity.id, "name": identity.name}
                crops += mine
    if not crops:
        raise InputError(
            f"there is nobody with {least_pictures} pictures in {', '.join(one.name for one in recordings)}"
        )
    held = _held_out(len(people), hold_out, seed)
    counts = market1501.write(out, crops, held)
    _label(
        out,
        list(counts),
        people={str(n): person for n, person in people.items()},
        cameras={str(n): camera for n, camera in enumerate(cameras, start=1)},
        sequences={str(n): one.name for n, one in enumerate(recordings, start=1)},
        held_out={"share": hold_out, "seed": seed, "people": sorted(held)},
    )
    return counts


def _held_out(people: int, share: float, seed: int) -> set[int]:
    count = round(share * people)
    if share > 0 and not 0 < count < people:
        raise InputError(f"{people} people cannot be divided: {share:.0%} of them held out are {count}")
    return {int(n) + 1 for n in np.random.default_rng(seed).permutation(people)[:count]}


def _crops(one: Corrected, identity: Identity, person: int, cameras: list[str], sequence: int) -> list[market1501.Crop]:
    found = []
    for sighting in identity.sightings:
        body = one.gallery.evidence[sighting.tracklet].body(one.gallery.model)
        for reference in () if body is None else body.pictures:
            source = one.folder / reference
            if reference and source.is_file():
                frame = re.match(r"\d+", source.name)
                camera = cameras.index(sighting.camera) + 1
                found.append(market1501.Crop(source, person, camera, sequence, int(frame[0]) if frame else 0))
    return found


def to_cvat(recordings: Sequence[Corrected], out: Path) -> dict[str, int]:
    """One CVAT file a camera; boxes by file."""
    counts, names = {}, []
    for one, folder in zip(recordings, _folders(recordings, out), strict=True):
        people = {number(identity.id): (identity.id, identity.name) for identity in one.identities}
        for camera, seen in _pictured(one).items():
            rows = rows_of(one.gallery.evidence.values(), one.identity_of, camera, one.bridge_s)
            path = folder / f"{camera}.xml"
            cvat.write(path, f"{one.name} {camera}", seen.frames, (seen.width, seen.height), rows, people)
            counts[str(path.relative_to(out))] = len(rows)
            names.append(path.relative_to(out).parts[0])
    _label(out, names)
    return counts


def to_mot(recordings: Sequence[Corrected], out: Path) -> dict[str, int]:
    """MOTChallenge ground truth, ids shared by the cameras of a recording, and its people and visits; boxes by file."""
    counts, names = {}, []
    for one, folder in zip(recordings, _folders(recordings, out), strict=True):
        for camera, seen in _pictured(one).items():
            rows = rows_of(one.gallery.evidence.values(), one.identity_of, camera, one.bridge_s)
            path = folder / camera / "gt" / "gt.txt"
            ones = np.ones(len(rows))
            write_tracks(path, rows[:, 0].astype(np.int64), rows[:, 1].astype(np.int64), rows[:, 2:6], ones)
            write_whole(folder / camera / "seqinfo.ini", _seqinfo(camera, seen))
            counts[str(path.relative_to(out))] = len(rows)
            names.append((folder / camera).relative_to(out).parts[0])
        write_whole(folder / "people.json", people_json(one.identities, one.events))
        write_whole(folder / "events.jsonl", events_jsonl(one.events))
        names += [(folder / name).relative_to(out).parts[0] for name in ("people.json", "events.jsonl")]
    _label(out, names)
    return counts


def _pictured(one: Corrected) -> dict[str, SeenCamera]:
    """Raises InputError for a site, which keeps no frames that boxes could be drawn on."""
    if not one.cameras:
        raise InputError(
            f"{one.folder} does not say which frames there were: a live site keeps none, and of a run the journal was "
            "erased; export market1501 takes both"
        )
    return one.cameras


def _folders(recordings: Sequence[Corrected], out: Path) -> list[Path]:
    """One recording goes straight into the folder, several into one each."""
    return [out] if len(recordings) == 1 else [out / one.name for one in recordings]


def _seqinfo(camera: str, seen: SeenCamera) -> str:
    rate = 25.0 if seen.rate_fps is None else seen.rate_fps
    return (
        f"[Sequence]\nname={camera}\nimDir=img1\nframeRate={rate:g}\nseqLength={seen.frames}\n"
        f"imWidth={seen.width}\nimHeight={seen.height}\nimExt=.jpg\n"
    )


def _label(out: Path, written: Sequence[str], **said: object) -> None:
    content = {"format": 1, "written": list(dict.fromkeys(written)), **said}
    write_whole(out / LABELS, json.dumps(content, indent=1) + "\n")
