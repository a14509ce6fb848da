"""The whole story on one page: frames in, events out.

``see`` runs near the camera and publishes tracklets; ``know`` runs once per site and tells events. One machine and a
hundred sites run these two functions; recorded footage runs them too, and then one consolidation with full look-ahead.
Nothing here waits, sleeps or reads a clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace

import numpy as np

from perdure.config import DetectionConfig
from perdure.detect.detector import Detector
from perdure.detect.outside import Outside
from perdure.detect.schedule import due
from perdure.detect.tiles import Sheet, look, sheets
from perdure.embed.crop import borders, cut
from perdure.embed.embedder import Embedder
from perdure.events.tell import Events
from perdure.gallery.exemplars import select
from perdure.gallery.gallery import Gallery
from perdure.track.tracker import Tracker
from perdure.types import Crops, Detections, Event, Frame, Identity, Image, Ints, Seen, Spot, Tracklet
from perdure.video.camera_motion import CameraMotion

KeepPicture = Callable[[Frame, int, Image], str]
"""(frame, row, crop) -> reference of the picture, "" where it is not kept."""
Stage = Callable[[str], AbstractContextManager[object]]
"""A named span of work, for whoever measures where the time goes."""


def see(frames: Sequence[Frame], cams: Cameras) -> tuple[list[Tracklet], list[Seen]]:
    """Frames of several cameras in (at most one of each), tracklets worth telling out.

    Also returns what the networks said, so that the frames need not be looked at again (``recall``); nothing of frames
    that were not worth a look.
    """
    frames = cams.predict(frames)  # where something moves, or a track is in doubt
    detections = cams.detect(frames)  # one batch over cameras
    wanted = cams.propose(frames, detections)  # associate what is clear; which crops could change something?
    crops = cams.embed(frames, detections, wanted)
    cams.commit(frames, crops)
    seen = [
        Seen(frame.camera, frame.index, frame.at, frame.width, frame.height, found, (embedded,), frame.warp)
        for frame, found, embedded in zip(frames, detections, crops, strict=True)
    ]
    return cams.tell(), seen


def recall(seen: Sequence[Seen], cams: Cameras) -> list[Tracklet]:
    """What ``see`` told of the frames that gave ``seen``: the same tracklets, without pixels or networks."""
    for one in seen:
        cams.looked_at[one.camera] = one.at
        tracker = cams.trackers[one.camera]
        tracker.propose(one.index, one.at, (one.width, one.height), one.detections, one.warp)
        tracker.commit(one.crops)
    return cams.tell()


def know(at: float, tracklets: Sequence[Tracklet], site: Site, spots: Sequence[Spot] = ()) -> Known:
    """Tracklets in, events out. Also called with none: deadlines and the ends of visits need no frame.

    ``spots``: where those who are being followed are now (``Cameras.spots``), for zones and lines.
    """
    site.gallery.observe(tracklets)
    site.gallery.tick(at)
    people = site.gallery.take_touched()
    return Known(site.events.update(at, people, site.gallery.evidence, spots), people)


@dataclass(frozen=True, slots=True)
class Known:
    """What is new at a site."""

    events: list[Event]
    people: list[Identity]
    """Who changed, as they are now; one without sightings is gone."""


@dataclass(slots=True)
class Cameras:
    """Everything between pixels and tracklets, for the cameras of one machine."""

    detector: Detector
    embedder: Embedder
    trackers: dict[str, Tracker]
    looks: DetectionConfig
    """How often to look."""
    exemplars_per_tracklet: int | None
    """How many go on; None: all that the tracker kept."""
    keep_picture: KeepPicture = lambda _frame, _row, _crop: ""
    stage: Stage = nullcontext
    outside: Mapping[str, Outside] = field(default_factory=dict)
    """Cameras whose detections somebody else made: their pictures are not searched."""
    moving: dict[str, CameraMotion] = field(default_factory=dict)
    """Cameras that move themselves, and how."""
    looked_at: dict[str, float] = field(default_factory=dict)
    """UTC seconds of the last look of each camera."""
    _closer: dict[str, list[Sheet]] = field(default_factory=dict)
    """What to look at closely in the next look at each camera."""
    _none: Crops = field(init=False)

    def __post_init__(self) -> None:
        self._none = Crops.none(self.embedder.name, self.embedder.dim)

    def predict(self, frames: Sequence[Frame]) -> list[Frame]:
        """The frames worth a look, given what moves in them and who is followed; where they are worth a closer one."""
        with self.stage("track"):
            chosen = [self._with_warp(frame) for frame in frames if self._due(frame)]
        self.looked_at.update((frame.camera, frame.at) for frame in chosen)
        return chosen

    def _due(self, frame: Frame) -> bool:
        if frame.camera in self.outside:
            return True
        since_s = frame.at - self.looked_at.get(frame.camera, -math.inf)
        people, certain = self.trackers[frame.camera].expected()
        if not due(since_s, frame.motion, people, certain, self.looks):
            return False
        self._closer[frame.camera] = sheets(frame, people, since_s, self.looks)
        return True

    def _with_warp(self, frame: Frame) -> Frame:
        """The frame, and how its camera has moved since the last look, if it is one that moves."""
        if frame.camera not in self.moving:
            return frame
        people, _ = self.trackers[frame.camera].expected()
        return replace(frame, warp=self.moving[frame.camera].warp(frame, people))

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """The people in each frame."""
        searched = [frame for frame in frames if frame.camera not in self.outside]
        with self.stage("decode"):
            images = [frame.image() for frame in searched]
        with self.stage("detect"):
            closer = [self._closer.get(frame.camera, []) for frame in searched]
            found = iter(look(self.detector, images, closer) if images else [])
            return [
                self.outside[frame.camera].of(frame, self.looks) if frame.camera in self.outside else next(found)
                for frame in frames
            ]

    def propose(self, frames: Sequence[Frame], detections: Sequence[Detections]) -> list[Ints]:
        """Per frame the rows whose embedding could change an association or improve a tracklet."""
        with self.stage("track"):
            return [
                self.trackers[frame.camera].propose(
                    frame.index, frame.at, (frame.width, frame.height), found, frame.warp
                )
                for frame, found in zip(frames, detections, strict=True)
            ]

    def embed(self, frames: Sequence[Frame], detections: Sequence[Detections], wanted: Sequence[Ints]) -> list[Crops]:
        """The wanted crops of all frames, embedded in one batch."""
        with self.stage("embed"):
            images = [
                cut(frame.image(), found.boxes[rows], borders(found.flags[rows], self.embedder.border))
                for frame, found, rows in zip(frames, detections, wanted, strict=True)
            ]
            flat = [image for of_frame in images for image in of_frame]
            if not flat:
                return [self._none] * len(frames)
            vectors, quality = self.embedder.embed(flat)
        ends = np.cumsum([len(rows) for rows in wanted])[:-1]
        with self.stage("write"):
            pictures = [
                tuple(self.keep_picture(frame, int(row), image) for row, image in zip(rows, of_frame, strict=True))
                for frame, rows, of_frame in zip(frames, wanted, images, strict=True)
            ]
        parts = zip(wanted, np.split(vectors, ends), np.split(quality, ends), pictures, strict=True)
        return [Crops(rows, self.embedder.name, v, q, p) for rows, v, q, p in parts]

    def commit(self, frames: Sequence[Frame], crops: Sequence[Crops]) -> None:
        """Finish the frames in the trackers."""
        with self.stage("track"):
            for frame, embedded in zip(frames, crops, strict=True):
                self.trackers[frame.camera].commit([embedded])

    def tell(self) -> list[Tracklet]:
        """Tracklets new or revised since the last call, cameras in order."""
        with self.stage("track"):
            return [self._thin(t) for tracker in self.trackers.values() for t in tracker.tell()]

    def spots(self, seen: Sequence[Seen]) -> list[Spot]:
        """Where everybody is who is followed in these frames, after they were committed."""
        return [
            Spot(f"{one.camera}/{number}", one.camera, one.at, one.index, box, (one.width, one.height))
            for one in seen
            for number, box in zip(*self.trackers[one.camera].current(), strict=True)
        ]

    def finish(self, camera: str) -> list[Tracklet]:
        """A camera's stream has ended: its last tracklets."""
        return [self._thin(t) for t in self.trackers[camera].finish()]

    def _thin(self, tracklet: Tracklet) -> Tracklet:
        """Few, good, different pictures of each tracklet go on."""
        if self.exemplars_per_tracklet is None:
            return tracklet
        thinned = tuple(select(e, self.exemplars_per_tracklet) for e in tracklet.exemplars)
        return replace(tracklet, exemplars=thinned)


@dataclass(slots=True)
class Site:
    """Everything between tracklets and events, for one site: its only writer."""

    gallery: Gallery
    events: Events
