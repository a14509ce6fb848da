"""A run over recorded footage: the two functions of the pipeline, then one look at everything, and the outputs."""

from __future__ import annotations

import itertools
import json
import math
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from perdure import __version__, assemble
from perdure.config import Config
from perdure.errors import ConfigError, SourceError, StoreError
from perdure.events.sink import Sink
from perdure.gallery import corrections
from perdure.interop.people_file import read_people
from perdure.models.catalogue import BASELINE
from perdure.nodes.outputs import write_outputs
from perdure.nodes.people import enrol_all
from perdure.nodes.stopwatch import Stopwatch, peak_memory_mb
from perdure.pipeline import Cameras, Site, know, recall, see
from perdure.report.result import CameraRun, Cost, RunResult
from perdure.store.pictures import Pictures
from perdure.store.run_store import RunStore
from perdure.store.store import Store
from perdure.types import Event, Frame, Seen, Spot, Tracklet
from perdure.video.merge import batches, merge
from perdure.video.open import open_source
from perdure.video.source import Source
from perdure.video.watched import Watched
from perdure.video.webcam import Webcam

BATCH_WINDOW_S = 0.1
"""Frames of several cameras within this time go through the networks together."""
COMMIT_EVERY_S = 1.0
"""At most this much work is done again after a kill."""


class Observer(Protocol):
    """Somebody who watches a run, such as progress bars."""

    def began(self, sources: list[Source]) -> None:
        """All sources are open."""

    def progress(self, camera: str, frames: int, people: int) -> None:
        """A camera has been read so far, with so many people seen by it."""

    def broken(self, camera: str, error: SourceError) -> None:
        """A camera's source broke; the others go on."""

    def stage(self, name: str) -> None:
        """What comes after the last frame: "consolidating", "writing", "drawing"."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run, and where it goes."""

    config: Config
    """With at least one camera."""
    out: Path
    overwrite: bool = False
    resume: bool = False
    video: bool = False


@dataclass(slots=True)
class _Camera:
    source: Source
    frames: int = 0
    looked_at: int = 0
    size: tuple[int, int] = (0, 0)
    first_at: float | None = None
    last_at: float = 0.0
    broken: str = ""
    people: set[str] = field(default_factory=set)


def run(plan: Plan, observer: Observer, sinks: Sequence[Sink] = ()) -> RunResult:
    """Run, and leave everything in ``plan.out``. Ctrl-C ends the reading; what was seen by then is written.

    Nothing is written before every source and model has proved usable. Every sink is told each event as it becomes
    known, and again, with a higher revision, whenever it changes; a resumed run tells again what it replays.

    Raises:
        PerdureError: see the rooms; a source that breaks later ends its camera only.
    """
    sources = [_opened(name, plan.config) for name in plan.config.cameras]
    detector, embedder = assemble.models(plan.config)
    outside = assemble.outside(plan.config)
    site = assemble.site(plan.config, embedder)
    _enrol(plan.config, site)
    prepare_folder(plan)
    watch = Stopwatch()
    with RunStore(plan.out / "perdure.db") as store:
        _claim(store, plan, detector.name, embedder.name)
        pictures = Pictures(plan.out)
        cams = assemble.cameras(
            [s.camera for s in sources],
            plan.config,
            detector,
            embedder,
            lambda frame, row, crop: pictures.keep(frame.camera, frame.index, row, crop),
            watch.stage,
            outside,
        )
        reading = _Reading(plan, observer, store, cams, site, watch, {s.camera: _Camera(s) for s in sources}, sinks)
        observer.began(sources)
        interrupted = reading.read()
        result = reading.finish(interrupted)
        observer.stage("writing")
        with watch.stage("write"):
            looks = plan.config.detection
            write_outputs(plan.out, result, store, pictures, looks.still_every_s if looks.motion else 0.0)
        if site.gallery.listed_only and not interrupted:  # it holds vectors of strangers
            store.forget_journal()
        store.put("state", "running" if interrupted else "finished")
    if plan.video:
        observer.stage("drawing")
        _draw(plan, result, observer)
    return replace(result, cost=reading.cost())


@dataclass(slots=True)
class _Reading:
    """The reading of all sources to their ends."""

    plan: Plan
    observer: Observer
    store: Store
    cams: Cameras
    site: Site
    watch: Stopwatch
    cameras: dict[str, _Camera]
    sinks: Sequence[Sink] = ()
    batch: int = 0
    embedded: int = 0
    reached: tuple[float, int] = (-math.inf, 0)
    """The last frame in the journal of an earlier run."""
    memory_before_mb: float = field(default_factory=peak_memory_mb)
    places: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self.places = {name: place for place, name in enumerate(self.cameras)}

    def read(self) -> bool:
        """Read everything, from where the journal ends; True if somebody pressed Ctrl-C."""
        try:
            self._replay()
            self._read_on()
        except KeyboardInterrupt:
            return True
        finally:
            self.store.commit()
        return False

    def _replay(self) -> None:
        """Take in what an earlier run has journalled."""
        for seen in self.store.journal():
            for one in seen:
                camera = self.cameras[one.camera]
                camera.frames = one.index + 1
                self._note_time(camera, one.at, (one.width, one.height))
            self._take(seen)
            self._know(seen[-1].at, recall(seen, self.cams), self.cams.spots(seen))
            self.reached = self._key(seen[-1].at, seen[-1].camera)

    def _read_on(self) -> None:
        committed = time.monotonic()
        with closing(merge([c.source for c in self.cameras.values()], self._starts(), self._broken)) as merged:
            for together in batches(self._wanted(merged), BATCH_WINDOW_S):
                if self._key(together[0].at, together[0].camera) <= self.reached:
                    continue  # it is in the journal, or nothing in it was worth a look
                tracklets, seen = see(together, self.cams)
                if not seen:
                    continue
                with self.watch.stage("write"):
                    self.store.append(self.batch, seen)
                    if time.monotonic() - committed > COMMIT_EVERY_S:
                        self.store.commit()
                        committed = time.monotonic()
                self._take(seen)
                self._know(seen[-1].at, tracklets, self.cams.spots(seen))

    def _starts(self) -> dict[str, int]:
        """Where to go on. What is watched for motion is watched again from its beginning, to know what is usual."""
        return {name: camera.frames for name, camera in self.cameras.items() if not isinstance(camera.source, Watched)}

    def _key(self, at: float, camera: str) -> tuple[float, int]:
        """The order of frames over all cameras."""
        return at, self.places[camera]

    def _take(self, seen: Sequence[Seen]) -> None:
        """Count a batch that was looked at, now or before."""
        self.batch += 1
        self.embedded += sum(len(crops) for one in seen for crops in one.crops)
        for one in seen:
            self.cameras[one.camera].looked_at += 1

    def _wanted(self, merged: Iterator[Frame]) -> Iterator[Frame]:
        """Every n-th frame of each camera; counts all of them."""
        every = self.plan.config.detection.every
        while True:
            with self.watch.stage("decode"):
                frame = next(merged, None)
            if frame is None:
                return
            camera = self.cameras[frame.camera]
            camera.frames = frame.index + 1
            self._note_time(camera, frame.at, (frame.width, frame.height))
            self.observer.progress(frame.camera, camera.frames, len(camera.people))
            if frame.index % every == 0:
                yield frame

    def _know(self, at: float, tracklets: list[Tracklet], spots: list[Spot]) -> None:
        with self.watch.stage("gallery"):
            events = know(at, tracklets, self.site, spots).events
            for tracklet in tracklets:
                if identity := self.site.gallery.partition.identity_of.get(tracklet.id):
                    self.cameras[tracklet.camera].people.add(identity)
        self._tell(events)

    def _tell(self, events: Sequence[Event]) -> None:
        for event in events:
            for sink in self.sinks:
                sink.send(event)

    def _note_time(self, camera: _Camera, at: float, size: tuple[int, int]) -> None:
        camera.first_at = at if camera.first_at is None else camera.first_at
        camera.last_at, camera.size = at, size

    def _broken(self, name: str, error: SourceError) -> None:
        self.cameras[name].broken = str(error)
        self.observer.broken(name, error)

    def finish(self, interrupted: bool) -> RunResult:
        """The last tracklets, the look at everything, and all there is to tell."""
        self.observer.stage("consolidating")
        gallery, config = self.site.gallery, self.plan.config
        end = max((camera.last_at for camera in self.cameras.values()), default=0.0)
        with self.watch.stage("track"):
            rest = list(itertools.chain.from_iterable(self.cams.finish(name) for name in self.cameras))
        with self.watch.stage("gallery"):
            told = know(end, rest, self.site).events
            if config.gallery.consolidate:
                gallery.consolidate(end)
                told += self.site.events.update(end, gallery.take_touched(), gallery.evidence)
            for stranger in gallery.passers.take_expelled():
                corrections.forget(gallery, end, stranger, "a stranger")
            everybody, placed = gallery.identities(), gallery.partition.identity_of
            events = self.site.events.whole(everybody, gallery.evidence)
            visitors = {event.identity for event in events if event.kind == "visit"}  # a blink or a glimpse is nobody
            identities = [identity for identity in everybody if identity.id in visitors]
        self._tell([*told, *events])
        return RunResult(
            cameras=tuple(_camera_run(camera, self.plan) for camera in self.cameras.values()),
            identities=tuple(identities),
            events=tuple(events),
            tracklets={id: t for id, t in gallery.evidence.items() if not gallery.listed_only or id in placed},
            changes=tuple(gallery.log),
            cost=self.cost(),
            detector=self.cams.detector.name,
            embedder=self.cams.embedder.name,
            policy=config.gallery.policy,
            version=__version__,
            settings=_yaml(config),
            interrupted=interrupted,
            notes=_notes(self.cams, self.site),
        )

    def cost(self) -> Cost:
        """So far."""
        peak = peak_memory_mb()
        return Cost(
            wall_s=self.watch.elapsed_s(),
            stages_s=dict(self.watch.seconds),
            embedded=self.embedded,
            memory_mb=peak,
            memory_per_camera_mb=(peak - self.memory_before_mb) / len(self.cameras),
        )


def _enrol(config: Config, site: Site) -> None:
    """Whom the footage may show by name.

    Raises:
        ConfigError: the mode knows only enrolled people, and there are none.
        InputError: the file of people cannot be read, or is of another model.
    """
    if config.gallery.people:
        enrol_all(site.gallery, 0.0, read_people(Path(config.gallery.people)))
    elif config.gallery.mode != "open":
        raise ConfigError(f"gallery.mode {config.gallery.mode!r} knows only enrolled people: give gallery.people")


def _opened(name: str, config: Config) -> Source:
    """The source of a camera, watched for motion unless it cannot be read again."""
    source = open_source(name, config.cameras[name])
    return Watched(source) if config.detection.motion and not isinstance(source, Webcam) else source


def prepare_folder(plan: Plan) -> None:
    """Make the run folder ready, or refuse.

    Raises:
        StoreError: it cannot be made or written, holds something else, or a run that is neither to be resumed nor
            overwritten.
    """
    out = plan.out
    try:
        state = folder_state(out)
        if state == "finished" and not plan.overwrite:
            raise StoreError(f"{out} holds a finished run: give another --out, or --overwrite to replace it")
        if state == "running" and not (plan.resume or plan.overwrite):
            raise StoreError(f"{out} holds an unfinished run: --resume goes on with it, --overwrite starts again")
        if state == "foreign" and not (plan.overwrite and (out / "perdure.db").exists()):
            raise StoreError(f"{out} is not empty and holds no run of perdure: give another --out")
        if plan.overwrite and state not in ("absent", "empty"):
            _clear(out)
        out.mkdir(parents=True, exist_ok=True)
        probe = out / ".write-test"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise StoreError(f"cannot write to {out}: {error.strerror}") from error


def folder_state(out: Path) -> str:
    """One of absent, empty, foreign (not a run), running (not ended, or interrupted), finished."""
    if not out.exists():
        return "absent"
    if not out.is_dir():
        raise StoreError(f"{out} is a file: --out must be a folder")
    if not any(out.iterdir()):
        return "empty"
    if not (out / "perdure.db").exists():
        return "foreign"
    with RunStore(out / "perdure.db") as store:
        return store.get("state", "running")


def _clear(out: Path) -> None:
    """Remove what a run leaves, and nothing else."""
    for name in ("tracks", "crops", "video"):
        shutil.rmtree(out / name, ignore_errors=True)
    for pattern in ("perdure.db*", "events.jsonl", "people.json", "report.html", "*.part"):
        for path in out.glob(pattern):
            path.unlink()


def _claim(store: Store, plan: Plan, detector: str, embedder: str) -> None:
    """Make sure that what is resumed is the very same run.

    Raises:
        StoreError: it had other sources, settings or models.
    """
    facts = {"config": plan.config.model_dump(mode="json"), "detector": detector, "embedder": embedder}
    before = store.get("plan")
    if before and json.loads(before) != facts:
        differs = sorted(key for key in facts if json.loads(before).get(key) != facts[key])
        raise StoreError(
            f"{plan.out} was begun with another {' and '.join(differs)}: resume it with the same, or --overwrite"
        )
    store.put("plan", json.dumps(facts))
    store.put("state", "running")


def _draw(plan: Plan, result: RunResult, observer: Observer) -> None:
    """The videos come last: everything else is safe by then, also from Ctrl-C."""
    from perdure.nodes.draw import draw_videos

    told = {camera.name for camera in result.cameras if camera.broken}

    def broken(name: str, error: SourceError) -> None:
        if name not in told:
            observer.broken(name, error)

    with suppress(KeyboardInterrupt):
        draw_videos(plan.config, result, plan.out / "video", on_broken=broken)


def _camera_run(camera: _Camera, plan: Plan) -> CameraRun:
    name, (width, height) = camera.source.camera, camera.size
    footage_s = camera.last_at - camera.first_at if camera.first_at is not None else 0.0
    source = plan.config.cameras[name].source
    return CameraRun(name, source, width, height, camera.frames, camera.looked_at, footage_s, camera.broken)


def _notes(cams: Cameras, site: Site) -> tuple[str, ...]:
    weak = [
        kind for kind, model in (("detector", cams.detector), ("embedder", cams.embedder)) if model.name == BASELINE
    ]
    notes = [f"The {kind} is only the no-download stand-in: expect people missed and mixed up." for kind in weak]
    for camera, ahead_s in site.gallery.topology.wrong_clocks():
        notes.append(
            f"The clock of camera {camera} seems {abs(ahead_s):.0f} s {'ahead of' if ahead_s > 0 else 'behind'} the "
            "others: people take that much longer one way than back. Set cameras.*.offset_s if so."
        )
    return tuple(notes)


def _yaml(config: Config) -> str:
    import yaml

    return str(yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False))
