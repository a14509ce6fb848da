"""OC-SORT: Cao et al., "Observation-Centric SORT: Rethinking SORT for Robust Multi-Object Tracking", CVPR 2023."""

from __future__ import annotations

from collections import deque

import numpy as np

from perdure.track.associate import Pass, in_turn, overlap
from perdure.track.kalman import Motion
from perdure.track.paper_models import SortModel
from perdure.track.scene import Looks, Scene
from perdure.track.sort import BoxesOnly
from perdure.track.tracks import Tracks
from perdure.types import Bools, Float64s, Ints

_APART = 3
_CONSISTENCY = 0.2
_LEAST_IOU = 0.3


class _Seen:
    """What was observed of one track: frames, boxes, and its filter as it was after the last of them."""

    def __init__(self) -> None:
        self.frames: deque[int] = deque(maxlen=_APART + 1)
        self.boxes: deque[Float64s] = deque(maxlen=_APART + 1)
        self.motion: Motion | None = None

    def earlier(self) -> Float64s:
        """The box of about ``_APART`` frames before the last one."""
        wanted = self.frames[-1] - _APART
        return next(
            (box for frame, box in zip(self.frames, self.boxes, strict=True) if frame >= wanted), self.boxes[-1]
        )


class OcSortRule(BoxesOnly):
    """SORT with momentum of observations (OCM), recovery at the last observation (OCR) and re-update (ORU).

    Constants of the authors' code: IoU 0.3, consistency weight 0.2, directions over three frames, believed at the third
    box. OCR is a pass by IoU with the last observed box; ORU replays a straight virtual path from the last to the new
    box through the filter when a track is found again (section 4).
    """

    def __init__(self, high_score: float, max_age: int) -> None:
        self.model = SortModel()
        self._high_score, self._max_age = high_score, max_age
        self._seen: dict[int, _Seen] = {}
        self._frame = 0

    def link(self, scene: Scene) -> Ints:
        """See ``Rule``."""
        high = scene.scores >= self._high_score
        everyone = np.ones(len(scene.tracks), np.bool_)
        shared = overlap(scene.predicted, scene.boxes)
        first = np.where(shared > _LEAST_IOU, shared + _CONSISTENCY * self._consistency(scene), -np.inf)
        last = overlap(scene.tracks.box, scene.boxes)
        passes = (Pass(first, everyone, high), Pass(last, everyone, high, _LEAST_IOU))
        links = in_turn(passes, len(scene.tracks), len(scene.boxes))
        self._re_update(scene, links)
        return links

    def remember(self, scene: Scene, tracks: Tracks, numbers: Ints, looks: Looks | None) -> None:  # noqa: ARG002
        """The observations, and the filters right after them."""
        self._frame += 1
        self._seen = {n: self._seen.get(n, _Seen()) for n in tracks.number.tolist()}
        for row in np.flatnonzero(tracks.missed == 0).tolist():
            seen = self._seen[int(tracks.number[row])]
            seen.frames.append(self._frame)
            seen.boxes.append(tracks.box[row].copy())
            seen.motion = tracks.motion.take(np.array([row]))

    def starts(self, scene: Scene, links: Ints) -> Bools:
        """Every high box left over."""
        return np.asarray((links < 0) & (scene.scores >= self._high_score))

    def confirms(self, tracks: Tracks) -> Bools:
        """Three boxes in a row."""
        return np.asarray(tracks.streak >= 3)

    def ends(self, scene: Scene) -> Bools:
        """Missed for more than ``max_age`` frames."""
        return np.asarray(scene.tracks.missed > self._max_age)

    def _consistency(self, scene: Scene) -> Float64s:
        """(N, M) eq. 5: how well the direction to a box fits the direction walked, in [-0.5, 0.5], times the score."""
        tracks = scene.tracks
        if not len(tracks) or not len(scene.boxes):
            return np.zeros((len(tracks), len(scene.boxes)))
        earlier = np.stack([self._seen[n].earlier() for n in tracks.number.tolist()])
        start, now, there = (_centre(boxes) for boxes in (earlier, tracks.box, scene.boxes))
        walked, needed = now - start, there[None, :, :] - start[:, None, :]
        lengths = np.linalg.norm(walked, axis=1)[:, None] * np.linalg.norm(needed, axis=2)
        cosine = np.sum(walked[:, None, :] * needed, axis=2) / np.maximum(lengths, 1e-6)
        angle = np.arccos(np.clip(cosine, -1, 1))
        return np.asarray(np.where(lengths > 0, (np.pi / 2 - angle) / np.pi, 0.0) * scene.scores)

    def _re_update(self, scene: Scene, links: Ints) -> None:
        """ORU: a track found again gets the filter that a straight path over the gap would have given it."""
        tracks = scene.tracks
        for box in np.flatnonzero(links >= 0).tolist():
            row = int(links[box])
            gap = int(tracks.missed[row])
            seen = self._seen[int(tracks.number[row])]
            if not gap or seen.motion is None:
                continue
            motion, only = seen.motion, np.array([0])
            last, new = self.model.measure(seen.boxes[-1][None]), self.model.measure(scene.boxes[box][None])
            for step in range(1, gap + 1):
                virtual = last + (new - last) * step / (gap + 1)
                motion.predict(self.model, 1.0)
                motion.update(self.model, only, self.model.boxes(virtual))
            motion.predict(self.model, 1.0)
            tracks.motion.put(np.array([row]), motion)


def _centre(boxes: Float64s) -> Float64s:
    return (boxes[:, :2] + boxes[:, 2:]) / 2
