"""The tracker of one camera: keeps the table of tracks, asks a rule for the links, and tells tracklets.

Everything that is not association lives here once for all rules: input checks, numbering, motion, journals, albums,
cuts, and what is told when.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from perdure import geometry
from perdure.config import TrackingConfig
from perdure.track.album import Album, SimilarityScale, similarity
from perdure.track.frame_kernels import due, shown, usable
from perdure.track.motion_warp import warped, warped_boxes
from perdure.track.observing import observed
from perdure.track.scene import Looks, Rule, Scene
from perdure.track.teller import Teller
from perdure.track.tracks import Tracks
from perdure.track.zones import Zones
from perdure.types import Bools, Crops, Detections, Float32s, Float64s, Ints, Tracklet

_UNSEEN_SHOWN_S = 0.5
_YOUNG_S = 1.0


class RuleTracker:
    """A ``Tracker`` that follows people by one association ``Rule``.

    Boxes that are not finite, are inverted or empty, or score below ``low_score`` are dropped. Track numbers rise from
    1 and are never used again. Memory is bound by the tracks alive, not by the length of the stream.
    """

    def __init__(self, camera: str, config: TrackingConfig, rule: Rule, first_number: int = 1) -> None:
        self._config, self._rule = config, rule
        self._zones = Zones()
        self._teller = Teller(camera, config, self._zones)
        self._tracks = Tracks.started(rule.model, np.zeros(0, np.int64), np.zeros((0, 4)), np.zeros(0), 0.0)
        self._albums: dict[int, Album] = {}
        self._scale = SimilarityScale()
        self._next = first_number
        self._at = -np.inf
        self._index = -1
        self._oldest = -np.inf
        """No track was born earlier."""
        self._turning = False
        """The camera has brought a warp."""
        self._scene: Scene | None = None
        self._source_rows = np.zeros(0, np.int64)
        self._links = np.zeros(0, np.int64)
        self._observed = np.zeros(0, np.int64), np.zeros(0, np.int64)

    def propose(
        self, index: int, at: float, size: tuple[int, int], detections: Detections, warp: Float64s | None = None
    ) -> Ints:
        """See ``Tracker``."""
        if self._scene is not None:
            raise ValueError(f"frame {index} before commit() of frame {self._index}")
        if not np.isfinite(at) or at <= self._at:
            raise ValueError(f"time does not advance: frame {index} at {at} after frame {self._index} at {self._at}")
        tracks, rule = self._tracks, self._rule
        if len(tracks):
            if warp is not None:
                warped(tracks.motion, rule.model, warp)
                tracks.box[:] = warped_boxes(tracks.box, warp)
            rule.model.predict(tracks.motion, 1.0 if rule.frames else at - self._at)
        if warp is not None:
            self._zones.forget()
            self._turning = True
        self._at, self._index = at, index
        # Compiled code is made for one layout of writable arrays: what callers bring is copied into that.
        boxes, scores = detections.boxes.astype(np.float64, "C"), detections.scores.astype(np.float64, "C")
        flags = detections.flags.astype(np.uint8, "C")
        rows = np.asarray(usable(boxes, scores, self._config.low_score))
        every = len(rows) == len(boxes)
        self._source_rows = rows
        self._scene = Scene(
            tracks=tracks,
            at=at,
            size=size,
            boxes=boxes if every else boxes[rows],
            scores=scores if every else scores[rows],
            flags=flags if every else flags[rows],
            model=rule.model,
            pictured=tracks.recognisable.copy(),
            turning=self._turning,
        )
        self._links = rule.link(self._scene)
        wanted = rule.unclear(self._scene, self._links) | self._due(self._scene, self._links)
        return rows[wanted]

    def commit(self, crops: Sequence[Crops]) -> None:
        """See ``Tracker``. Crops of rows that were not asked for are welcome too."""
        scene = self._scene
        if scene is None:
            raise ValueError("commit() without propose()")
        looks = self._looks(scene, crops)
        links, refused = self._links, None
        if looks is not None:
            verdict = self._rule.relink(scene, links, looks)
            links, refused = verdict.links, verdict.refused
            scene.tracks.doubt[:] = verdict.doubt
            self._learn(scene, links, looks)
        self._observe(scene, links)
        self._cut()
        rows = self._start(scene, links)
        if refused is not None:
            self._set_adrift(refused, rows)
        self._keep_pictures(scene, rows, crops)
        numbers, *observed = shown(rows, self._tracks.number, self._tracks.confirmed, self._source_rows)
        self._rule.remember(scene, self._tracks, numbers, looks)
        self._observed = observed[0], observed[1]
        self._end(scene)
        self._scene = None

    def tell(self) -> list[Tracklet]:
        """See ``Tracker``."""
        return self._teller.tell(self._tracks, self._albums, self._at)

    def finish(self) -> list[Tracklet]:
        """See ``Tracker``."""
        self._close(np.ones(len(self._tracks), np.bool_), None)
        return self.tell()

    def current(self) -> tuple[Ints, Float32s]:
        """See ``Tracker``; confirmed tracks seen in the last half second."""
        shown = self._tracks.confirmed & (self._at - self._tracks.seen <= _UNSEEN_SHOWN_S)
        boxes = self._rule.model.boxes(self._tracks.motion.place[shown])
        return self._tracks.number[shown], boxes.astype(np.float32)

    def expected(self) -> tuple[Float32s, Bools]:
        """See ``Tracker``. A track that stays unbelieved for long is no reason to look harder."""
        tracks = self._tracks
        boxes = self._rule.model.boxes(tracks.motion.place).astype(np.float32)
        young = self._at - tracks.born <= _YOUNG_S
        recent = tracks.confirmed & (self._at - tracks.seen <= _UNSEEN_SHOWN_S)
        crossing = (geometry.intersection(boxes, boxes) > 0).sum(axis=1) > 1
        doubtful = young | (recent & ((tracks.missed > 0) | tracks.adrift | (tracks.doubt > 0) | crossing))
        return boxes, ~doubtful

    def observed(self) -> tuple[Ints, Ints]:
        """(K,) rows of the last frame's detections and (K,) numbers of the confirmed tracks that they continue.

        This is what is known at the time of the frame, without looking ahead: the output that trackers are scored on.
        """
        return self._observed

    def _due(self, scene: Scene, links: Ints) -> Bools:
        """(M,) boxes whose track is due for a picture: a clean one, or any where a track to be told has none yet."""
        tracks, config = scene.tracks, self._config
        table = (tracks.reals, tracks.wholes, tracks.marks)
        pauses = (config.confirm_s, config.embed_every_s, config.tell_after_s)
        found = (scene.flags, scene.scores, config.high_score, scene.at)
        return np.asarray(due(links, *found, *table, *pauses))

    def _looks(self, scene: Scene, crops: Sequence[Crops]) -> Looks | None:
        """The body crops compared with every track's album; None where there are none."""
        body = next((c for c in crops if c.part == "body" and len(c)), None)
        if body is None:
            return None
        known, boxes = self._boxes_of(body)
        rows, vectors = np.array(boxes, np.int64), body.vectors[known]
        cosine = np.full((len(scene.tracks), len(rows)), np.nan)
        for track in np.flatnonzero(scene.pictured).tolist():
            number = int(scene.tracks.number[track])
            album = self._albums[number].body(body.model)
            if album is not None:
                if album.shape[1] != vectors.shape[1]:
                    raise ValueError(f"{body.model} gave {album.shape[1]} numbers per crop, now {vectors.shape[1]}")
                cosine[track] = similarity(album, vectors)
        quality = body.quality[known].astype(np.float64)
        llr = np.where(np.isnan(cosine), 0.0, self._scale.llr(cosine, quality[None, :]))
        return Looks(rows, quality, cosine, llr, vectors)

    def _learn(self, scene: Scene, links: Ints, looks: Looks) -> None:
        """Teach the scale: a steady track and its own crop are the same person, two tracks seen now are not."""
        own = links[looks.rows]
        seen_now = np.zeros(len(scene.tracks), np.bool_)
        seen_now[links[links >= 0]] = True
        steady = ~scene.tracks.occluded & (scene.tracks.missed == 0)
        for place, track in enumerate(own.tolist()):
            if track < 0 or scene.flags[looks.rows[place]]:
                continue
            column = looks.cosine[:, place]
            if steady[track] and not np.isnan(column[track]):
                self._scale.learn(column[track : track + 1], same=True)
            others = seen_now & ~np.isnan(column)
            others[track] = False
            self._scale.learn(column[others], same=False)

    def _observe(self, scene: Scene, links: Ints) -> None:
        """Write the linked boxes into tracks and journal; count the misses of the others."""
        tracks, doors, journal = scene.tracks, self._zones, self._teller.journal
        tracks.entry[:] = journal.make_room(2 * len(links), tracks.entry)
        frame = (scene.at, float(self._index), float(scene.size[0]), float(scene.size[1]))
        table = (tracks.reals, tracks.wholes, tracks.marks, tracks.box)
        told = (doors.exits.counts, doors.entries.counts, journal.rows, journal.before, journal.used)
        found = (scene.boxes, scene.scores, scene.flags)
        rows, boxes, every = observed(links, *found, frame, *table, *told)
        journal.used += len(rows)
        self._rule.model.update(tracks.motion, rows, boxes)
        if not every:
            tracks.confirmed[:] |= self._rule.confirms(tracks)

    def _start(self, scene: Scene, links: Ints) -> Ints:
        """Begin new tracks; (M,) the row of each box in the table of tracks, old or new, or -1."""
        boxes = self._rule.starts(scene, links).nonzero()[0]
        if not len(boxes):
            return links
        numbers = np.arange(self._next, self._next + len(boxes), dtype=np.int64)
        self._next += len(boxes)
        found = scene.boxes[boxes], scene.scores[boxes]
        fresh = Tracks.started(self._rule.model, numbers, *found, scene.at)
        fresh.entry[:] = self._teller.journal.add(fresh.entry, scene.at, self._index, *found)
        fresh.confirmed[:] |= self._rule.confirms(fresh)
        rows = links.copy()
        rows[boxes] = np.arange(len(self._tracks), len(self._tracks) + len(boxes))
        self._tracks = self._tracks.joined(fresh)
        self._albums.update((number, Album()) for number in numbers.tolist())
        self._teller.began(numbers, scene.boxes[boxes], scene.size)
        return rows

    def _set_adrift(self, refused: Ints, rows: Ints) -> None:
        """Take back what tracks have of somebody else: their boxes since they were last sure go to the right track."""
        tracks, journal = self._tracks, self._teller.journal
        for box in np.flatnonzero((refused >= 0) & (rows >= 0)).tolist():
            row = int(refused[box])
            entry = journal.move_tail(int(tracks.entry[row]), float(tracks.sure[row]), int(tracks.entry[rows[box]]))
            last = journal.last(entry)
            tracks.entry[row], tracks.seen[row], tracks.box[row] = entry, last[0], last[2:6]
            tracks.adrift[row] = True

    def _keep_pictures(self, scene: Scene, rows: Ints, crops: Sequence[Crops]) -> None:
        """Add clean crops to the album of their track; another only where an old enough track has none at all."""
        tracks = self._tracks
        for part in crops:
            for crop, box in zip(*self._boxes_of(part), strict=True):
                row = int(rows[box])
                if row < 0:
                    continue
                album = self._albums[int(tracks.number[row])]
                clean = not scene.flags[box] and scene.scores[box] >= self._config.high_score
                old = scene.at - tracks.born[row] >= self._config.tell_after_s
                if (clean and tracks.doubt[row] == 0) or (old and not len(album)):
                    album.add(part, crop, scene.at)
                    tracks.pictured[row], tracks.news[row], tracks.pictures[row] = scene.at, True, len(album)
                    tracks.recognisable[row] = True
                    tracks.occluded[row] &= not clean

    def _boxes_of(self, crops: Crops) -> tuple[list[int], list[int]]:
        """Crops of boxes in use, and these boxes of the scene."""
        if not len(crops):
            return [], []
        where = {row: box for box, row in enumerate(self._source_rows.tolist())}
        known = [(crop, where[row]) for crop, row in enumerate(crops.rows.tolist()) if row in where]
        return [crop for crop, _ in known], [box for _, box in known]

    def _end(self, scene: Scene) -> None:
        self._close(self._rule.ends(scene._replace(tracks=self._tracks)), scene.size)

    def _close(self, over: Bools, size: tuple[int, int] | None) -> None:
        """End tracks: the confirmed go to the teller with what it needs, the others are forgotten."""
        if not np.count_nonzero(over):
            return
        ended, self._tracks = self._tracks.take(over), self._tracks.take(~over)
        self._teller.closed(ended, self._albums, size, self._scale.llr, self._fresh())
        for number in ended.number.tolist():
            del self._albums[number]

    def _fresh(self) -> Iterator[int]:
        """Numbers never used before."""
        while True:
            self._next += 1
            yield self._next - 1

    def _cut(self) -> None:
        """Cut tracks that have stayed long into linked parts; the new part keeps the motion and the memory of looks."""
        tracks = self._tracks
        if self._at - self._oldest < self._config.cut_after_s:
            return
        long = tracks.confirmed & (tracks.missed == 0) & (self._at - tracks.born >= self._config.cut_after_s)
        for row in np.flatnonzero(long).tolist():
            old, new = int(tracks.number[row]), self._next
            self._next += 1
            tracks.entry[row] = self._teller.cut(old, int(tracks.entry[row]), self._albums[old], new)
            self._albums[new] = self._albums.pop(old).heirs()
            tracks.number[row], tracks.born[row], tracks.pictured[row] = new, self._at, -np.inf
            tracks.pictures[row], tracks.news[row], tracks.told[row] = 0, False, -np.inf
        self._oldest = float(tracks.born.min(initial=self._at))
