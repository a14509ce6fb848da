"""A live site: cameras in, one lasting identity per person and one event per visit out, for months.

One thread sees, decides and writes; everybody else reads the database, or hands that thread something to do.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self, TypeVar

from perdure import assemble
from perdure.config import CameraConfig, Config, DrawnConfig
from perdure.errors import StoreError
from perdure.gallery import corrections
from perdure.gallery.gallery import Gallery
from perdure.gallery.ledger import fold
from perdure.nodes.crop_book import CropBook
from perdure.nodes.drawing import places_since
from perdure.nodes.live_view import View
from perdure.nodes.pace import Pace
from perdure.nodes.retention import expired, remove_old_pictures
from perdure.pipeline import Known, know, see
from perdure.store.lock import lock
from perdure.store.pictures import Pictures
from perdure.store.site_store import SiteStore, Step
from perdure.types import Enrolled, Forgotten, Frame, Matched, Spot, Tracklet
from perdure.video.camera_motion import CameraMotion
from perdure.video.doze import QUIET_AFTER_S
from perdure.video.live import LiveCameras
from perdure.video.live_worker import Health
from perdure.video.motion import Background, watch

Answer = TypeVar("Answer")

DATABASE: Final = "site.db"
_WAIT_S: Final = 0.2
_TICK_S: Final = 1.0
_TOLD_KEPT: Final = 20_000
_RETAIN_EVERY_S: Final = 600.0
_COPY_EVERY_S: Final = 3600.0
_MOST_FORGOTTEN: Final = 20
"""At a time: each is a rewriting of the log."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """A camera as people want to know it."""

    name: str
    health: Health
    looked_at: int
    """Frames that the detector saw."""
    people: int
    """In the picture now."""


@dataclass(slots=True)
class _Work:
    """Something to do between two frames."""

    run: Callable[[Gallery, float], object]
    answer: Future[object] = field(default_factory=Future)


class LiveSite:
    """Everything of one site. Make it, ``run`` it in a thread of its own, ``ask`` from any other."""

    def __init__(self, config: Config, folder: Path) -> None:
        """Open what lasts, load the models and begin where the site ended.

        Raises:
            PerdureError: a model, the folder or the database is not usable, or a camera's address is not valid.
        """
        self.config, self.folder = config, folder
        _make(folder)
        self._lock = lock(folder)
        self.detector, self.embedder = assemble.models(config)
        self.site = assemble.site(config, self.embedder)
        self.pictures = Pictures(folder)
        self._crops = CropBook(self.pictures, hold=self.site.gallery.listed_only)
        self.store = SiteStore(folder / DATABASE)
        self._spots: list[Spot] = []
        self.cameras: dict[str, CameraConfig] = {}
        """Those that are watched, by name."""
        self._first_numbers: dict[str, int] = {}
        self._saved_changes = 0
        lost = self._restore()
        self.pace = Pace()
        self._cams = assemble.cameras([], config, self.detector, self.embedder, self._crops.keep, self.pace.stage)
        self.live = LiveCameras(
            {},
            silent_after_s=config.live.silent_after_s,
            frozen_after_s=config.live.frozen_after_s,
            quiet_after_s=QUIET_AFTER_S if config.live.doze and config.detection.motion else None,
        )
        self.told = threading.Condition()
        """Notified whenever events were told."""
        self.views: dict[str, View] = {}
        self.when_erased: list[Callable[[Sequence[str]], None]] = []
        """Whoever holds evidence elsewhere is told which tracklets are no more."""
        self.failures = 0
        """Steps that could not be kept, such as on a full disk."""
        self._work: deque[_Work] = deque()
        self._unsaved = Step()
        self._backgrounds: dict[str, Background | None] = {}
        self._looked_at: dict[str, int] = {}
        self._last_at: dict[str, float] = {}
        self._retain_at = 0.0
        self._copy_at = time.monotonic() + _COPY_EVERY_S
        self._stopping = threading.Event()
        for name, camera in config.cameras.items():
            self._watch(name, camera)
        self._draw()
        self._know(lost)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the cameras and close the database; everything that was told is in it."""
        self.live.close()
        self.store.close()
        self._lock.close()

    def now(self) -> float:
        """UTC seconds by the clock of the frames."""
        return self.live.now()

    def add_camera(self, name: str, camera: CameraConfig) -> None:
        """Begin to watch one more. Before ``run``, or in its thread.

        Raises:
            SourceError: its address is not valid.
        """
        self._watch(name, camera)
        self._draw()

    def draw(self, name: str, drawn: DrawnConfig) -> None:
        """From now on these zones and lines count on a camera's picture. In the thread of ``run``."""
        self.cameras[name] = self.cameras[name].with_drawn(drawn)
        self._draw()

    def _draw(self) -> None:
        self.site.events.draw(places_since(self.config.events, self.cameras, self.store, self.now()))

    def _watch(self, name: str, camera: CameraConfig) -> None:
        self.live.add(name, camera)
        self.cameras[name] = camera
        first = self._first_numbers.get(name, 1)
        self._cams.trackers[name] = assemble.tracker(name, self.config, first)
        if camera.moving:
            self._cams.moving[name] = CameraMotion()

    def remove_camera(self, name: str) -> None:
        """Stop to watch one; whom it saw last is told. In the thread of ``run``."""
        self.live.remove(name)
        del self.cameras[name]
        rest = self._cams.finish(name)
        self._first_numbers[name] = 1 + max([0, *(_number(t.id) for t in rest)])
        del self._cams.trackers[name]
        self._cams.moving.pop(name, None)
        self.views.pop(name, None)
        self._know(rest)
        self._draw()

    def ask(self, work: Callable[[Gallery, float], Answer], timeout_s: float = 10.0) -> Answer:
        """Let the site's own thread do something with the gallery, at the site's time, and keep what it changed.

        Raises:
            PerdureError: whatever ``work`` raises.
            TimeoutError: it took too long; it may still happen.
        """
        asked = _Work(work)
        self._work.append(asked)
        self.live.wake()
        return asked.answer.result(timeout_s)  # type: ignore[return-value]

    def take(self, tracklets: Sequence[Tracklet]) -> None:
        """Know what was seen elsewhere, as if a camera of this site had seen it. From any thread."""
        # patient: at the first of all, kernels are compiled
        self.ask(lambda _, __: self._know(tracklets), timeout_s=60.0)

    def remember(self, tracklets: Sequence[Tracklet]) -> None:
        """Keep tracklets that somebody changed by hand. Before ``run``, or in its thread."""
        self._know(tracklets)

    def forget(self, identity: str, reason: str) -> Forgotten:
        """Erase a person everywhere: gallery, log, database and pictures; a tombstone stays. From any thread.

        Raises:
            InputError: there is no such identity.
            StoreError: the database cannot be written.
        """
        return self.ask(lambda gallery, at: self._forget(gallery, at, identity, reason))

    def _forget(self, gallery: Gallery, at: float, identity: str, reason: str) -> Forgotten:
        identity = corrections.known(gallery, identity)
        members = gallery.partition.members[identity]
        pictures = [p for id in members for e in gallery.evidence[id].exemplars for p in e.pictures if p]
        tombstone = corrections.forget(gallery, at, identity, reason)
        self.site.events.forget(identity)
        self.store.erase(identity, tombstone.tracklets, gallery.log)
        self._saved_changes = len(gallery.log)
        for picture in pictures:
            (self.folder / picture).unlink(missing_ok=True)
        for erased in self.when_erased:
            erased(tombstone.tracklets)
        return tombstone

    def status(self) -> list[CameraStatus]:
        """How each camera fares, by name."""
        people = {name: len(view.people) for name, view in list(self.views.items())}
        return [
            CameraStatus(name, health, self._looked_at.get(name, 0), people.get(name, 0))
            for name, health in sorted(self.live.health().items())
        ]

    @property
    def is_behind(self) -> bool:
        """Whether something could not be kept yet."""
        return self._unsaved.says_anything

    def names(self) -> dict[str, str]:
        """The names that people were given, by identity."""
        return dict(self.site.gallery.partition.names)

    def stop(self) -> None:
        """End ``run`` after the step it is in; from any thread."""
        self._stopping.set()
        self.live.wake()

    def run(self) -> None:
        """See, decide and keep, until ``stop``; then the open tracks are told as they are."""
        ticked = time.monotonic()
        while not self._stopping.is_set():
            frames = self._wanted(self.live.newest(_WAIT_S))
            if frames:
                self._see(frames)
                self.pace.done(frames, self.now())
            self._do_work()
            if time.monotonic() - ticked > _TICK_S:
                ticked = time.monotonic()
                self._know([])
                self._crops.prune()
                self._retain()
        self._know([t for name in list(self._cams.trackers) for t in self._cams.finish(name)])
        try:
            self.store.copy()
        except StoreError as error:
            _log.error("%s", error)

    # --- one step -----------------------------------------------------------------------------------------------

    def _wanted(self, frames: Sequence[Frame]) -> list[Frame]:
        """Not more of a camera than is worth it, watched for motion."""
        chosen = []
        for frame in frames:
            if frame.camera not in self._cams.trackers:
                continue
            if frame.at - self._last_at.get(frame.camera, 0.0) < 0.9 / self.config.live.analysis_fps:
                continue
            self._last_at[frame.camera] = frame.at
            with self.pace.stage("motion"):
                self._backgrounds[frame.camera], motion = watch(self._backgrounds.get(frame.camera), frame)
            chosen.append(replace(frame, motion=motion))
        return chosen

    def _see(self, frames: list[Frame]) -> None:
        tracklets, seen = see(frames, self._cams)
        self._spots += self._cams.spots(seen)
        for one in seen:
            self._looked_at[one.camera] = self._looked_at.get(one.camera, 0) + 1
        if tracklets:
            self._know(tracklets)
        gallery = self.site.gallery
        for frame in frames:
            numbers, boxes = self._cams.trackers[frame.camera].current()
            ids = [f"{frame.camera}/{number}" for number in numbers.tolist()]
            known = tuple(gallery.partition.identity_of.get(id, "") for id in ids)
            self.views[frame.camera] = View(frame, boxes, known, tuple(gallery.likely(id) for id in ids))

    def _know(self, tracklets: Sequence[Tracklet]) -> None:
        spots, self._spots = self._spots, []
        with self.pace.stage("know"):
            self._keep(tracklets, know(self.now(), tracklets, self.site, spots))

    def _keep(self, tracklets: Sequence[Tracklet], known: Known) -> None:
        """Make a step last; what cannot be kept now is kept with the next."""
        gallery = self.site.gallery
        changes = gallery.log[self._saved_changes :]
        placed = [change.tracklet for change in changes if isinstance(change, Enrolled | Matched)]
        parts = [gallery.evidence[id].supersedes for id in placed if id in gallery.evidence]
        told = dict.fromkeys([*(t.id for t in tracklets), *placed, *(id for id in parts if id)])
        lasting = gallery.partition.identity_of if gallery.listed_only else gallery.evidence
        kept = [gallery.evidence[id] for id in told if id in lasting and id in gallery.evidence]
        members = [id for person in known.people for id in gallery.partition.members.get(person.id, ())]
        identity_of = {id: gallery.partition.identity_of[id] for id in members}
        day = datetime.fromtimestamp(self.live.now(), UTC).strftime("%Y-%m-%d")
        passers = {(day, camera): stays for camera, stays in gallery.passers.take().items()}
        now = Step(kept, self._saved_changes, changes, identity_of, known.people, known.events, passers)
        step = _together(self._unsaved, now)
        self._crops.use(p for t in kept for e in t.exemplars for p in e.pictures)
        if not step.says_anything:
            return
        try:
            self.store.save(step)
        except StoreError as error:
            self.failures += 1
            self._unsaved = step
            _log.error("%s", error)
            return
        self._unsaved = Step()
        self._saved_changes = len(gallery.log)
        for stranger in gallery.passers.take_expelled():
            self._forget(gallery, self.live.now(), stranger, "a stranger")
        if step.events:
            with self.told:
                self.told.notify_all()

    def _do_work(self) -> None:
        gallery = self.site.gallery
        while self._work:
            work = self._work.popleft()
            try:
                answer = work.run(gallery, self.now())
                self._know([])
            except Exception as error:  # noqa: BLE001 - who asked is told; nobody's question ends the site
                work.answer.set_exception(error)
            else:
                work.answer.set_result(answer)

    def _retain(self) -> None:
        """Let go of what is older than ``live.retention_days``."""
        if time.monotonic() < self._retain_at:
            return
        self._retain_at = time.monotonic() + _RETAIN_EVERY_S
        at, gallery = self.now(), self.site.gallery
        before = at - 86400 * self.config.live.retention_days
        try:
            for identity in expired(gallery, before, _MOST_FORGOTTEN):
                self._forget(gallery, at, identity, "retention")
            self.site.events.drop(before)
            self.store.drop_events(before)
            self.store.forget_told(_TOLD_KEPT)
            if time.monotonic() > self._copy_at:
                self._copy_at = time.monotonic() + _COPY_EVERY_S
                self.store.copy()
        except StoreError as error:
            _log.error("%s", error)
        remove_old_pictures(self.folder, before)

    # --- beginning ----------------------------------------------------------------------------------------------

    def _restore(self) -> list[Tracklet]:
        """Take up what lasted. Tracks that were open when the site stopped are lost: nobody followed them further."""
        kept = self.store.load()
        self.site.gallery.restore(kept.tracklets, kept.changes, fold(kept.changes))
        self.site.events.restore(kept.events)
        self._saved_changes = len(kept.changes)
        for tracklet in kept.tracklets:
            first = self._first_numbers.get(tracklet.camera, 1)
            self._first_numbers[tracklet.camera] = max(first, _number(tracklet.id) + 1)
        return [replace(t, revision=t.revision + 1, ended="lost") for t in kept.tracklets if t.ended == "open"]


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".write-test"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise StoreError(f"cannot write to {folder}: {error.strerror}; choose another --data folder") from error


def _number(tracklet: str) -> int:
    """Of a tracklet's id, as its tracker counted."""
    digits = re.search(r"\d+", tracklet.rpartition("/")[2])
    return int(digits[0]) if digits else 0


def _together(first: Step, second: Step) -> Step:
    """Two steps, one after the other, as one."""
    if not first.says_anything:
        return second
    newest = {t.id: t for t in [*first.tracklets, *second.tracklets]}
    people = {p.id: p for p in [*first.people, *second.people]}
    return Step(
        list(newest.values()),
        second.first_change,  # of all that is not kept yet
        second.changes,
        {**(first.identity_of or {}), **(second.identity_of or {})},
        list(people.values()),
        [*first.events, *second.events],
        Counter(first.passers) + Counter(second.passers),
    )
