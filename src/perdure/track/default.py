"""The default association: one log-likelihood ratio per pair, from motion, overlap and appearance.

Two passes as in ByteTrack (Zhang et al., ECCV 2022): boxes of high score to all tracks, then boxes of low score to
confirmed tracks that were seen a moment ago. Different from it: every term is evidence in nats, so that "no link" is
the natural zero and a doubtful pair is refused instead of swapped; time is in seconds; a person lost for longer comes
back by appearance inside what a walker can reach, never by overlap, and only where nobody else fits nearly as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perdure.track.associate import assign, runner_up
from perdure.track.frame_kernels import CROWDED, believed, over
from perdure.track.kernels import doubtful, fresh
from perdure.track.learned import Net, given_up
from perdure.track.linking import Constants, Prices, associated, passes, without_doubles
from perdure.track.motion_warp import unmoved
from perdure.track.pairs import Pairs
from perdure.track.scene import Looks, Scene, Verdict
from perdure.track.tracks import Tracks
from perdure.track.walking import WalkingModel, reachable
from perdure.track.zones import INSIDE, SURE
from perdure.types import Bools, Float64s, Ints


@dataclass(frozen=True, slots=True)
class Weights:
    """The evidence of one pair in nats: what each term is worth.

    ``bench/fit_association.py`` fits them by maximum likelihood, and (``--select``) tracks with variants of them and of
    the motion model: the values here are the mean of its best, and it says what such a mean is worth on sequences left
    out. The fit itself is too strict: it judges every pair alone, while in an assignment a box that nobody else
    explains is the track's more often than not.
    """

    prior: float = -2.3
    motion: float = 0.73
    """Of the log-likelihood ratio of the motion: below 1, because errors of a detector last for several frames."""
    freedom: float = 7.5
    """Of the Student t of the motion."""
    overlap: float = 4.2
    """Of the buffered intersection over union."""
    buffer: float = 0.24
    unseen: float = -0.4
    """Of log(1 + seconds since the last box / 0.1)."""
    leaving: float = 1.0
    """Of the log odds that somebody lost at this place stays, against the inside of an unknown picture."""
    young: float = -1.0
    """Of a track of at most five boxes that was missed."""
    moving_s: float = 2.0
    """A track unseen for longer has the last choice, and a lower prior where looks are not known:"""
    late: float = -3.0
    low_unseen_s: float = 0.4
    """A track unseen for longer is not continued by a low box."""
    crowded_low: float = 6.0
    """A low box that lies in another is as often its double as somebody hidden: it continues a track from here on."""


_WALKING, _NO_NET = WalkingModel(), Net.none()


class DefaultRule:
    """The rule ``default`` (see the module)."""

    frames = False

    def __init__(
        self,
        high_score: float,
        confirm_s: float,
        lost_after_s: float,
        weights: Weights = Weights(),
        model: WalkingModel = _WALKING,
        net: Net = _NO_NET,
    ) -> None:
        self.model, self._weights, self._net = model, weights, net
        self._shares, self._sway = self.model.shares(), unmoved()
        self._high_score, self._confirm_s, self._lost_after_s = high_score, confirm_s, lost_after_s
        self._margin, self._rival, self._used_overlap = 4.0, 4.0, 0.6
        self._trust_start, self._trust_keep = 0.1, -0.15
        self._doubt_hidden, self._doubt_steady, self._alike_s = 8.0, 18.0, 0.6
        self._walk, self._reach = 1.3, 0.6
        self._recover_least, self._recover_margin = 1.5, 1.5
        self._floor, self._left_after_s = -7.0, 0.5
        self._pairs, self._before = Pairs.none(), -np.inf
        self._prices = self.prices()
        self._given = self._shares, np.array(self._prices), tuple(net) if net.scale.size else None

    def constants(self) -> Constants:
        """All that decides about boxes without pictures, for compiled code."""
        model = self.model
        walk = (model.pushed, model.drift, model.start_speed, model.speed_fades_s)
        trust = (self._high_score + self._trust_start, self._high_score + self._trust_keep)
        ages = (self._confirm_s, self._lost_after_s, self._left_after_s)
        return Constants(self._prices, self._shares, *walk, *trust, *ages, self._used_overlap)

    def prices(self) -> Prices:
        """The weights as the compiled association takes them."""
        w = self._weights
        motion = (w.prior, w.motion, w.freedom, w.overlap, w.buffer, w.unseen, w.leaving, 1 - INSIDE)
        late = (w.young, w.late, w.moving_s, w.low_unseen_s, w.crowded_low)
        return Prices(*motion, *late, self._floor, self._high_score)

    def link(self, scene: Scene) -> Ints:
        """See ``Rule``; again where the links show that the camera has moved."""
        t, m = scene.tracks, scene.tracks.motion
        known = (m.place, m.speed, m.var_place, t.box, t.reals, t.wholes, t.marks, scene.pictured)
        dt = max(scene.at - self._before, 0.0) if self._before > -np.inf else 0.0
        frame = (float(scene.size[0]), float(scene.size[1]), scene.at, dt)
        found = (scene.boxes, scene.scores, scene.flags)
        track, box, gain, links = associated(known, *found, frame, *self._given, self._sway)
        self._pairs = Pairs(track, box, gain, len(t), len(scene.boxes))
        return np.asarray(links)

    def unclear(self, scene: Scene, links: Ints) -> Bools:
        """Boxes with a close second candidate, or back after an occlusion; and those that may be somebody lost."""
        if not np.count_nonzero(scene.pictured):
            return np.zeros(len(links), np.bool_)
        pairs, crowded = self._pairs, scene.flags & CROWDED
        known = (pairs.track, pairs.box, pairs.gain, links, crowded, scene.tracks.occluded, scene.pictured)
        unclear, high = np.asarray(doubtful(*known, self._margin, self._rival)), scene.scores >= self._high_score
        free = (links < 0) & high
        lost = scene.pictured & scene.tracks.confirmed & ~_taken(scene, links)
        if free.any() and lost.any():
            unclear[free] |= self._reachable(scene, np.flatnonzero(lost), np.flatnonzero(free)).any(axis=0)
        return unclear & high

    def relink(self, scene: Scene, links: Ints, looks: Looks) -> Verdict:
        """Associate again with the evidence of looks added, refuse what they contradict, then look for the lost."""
        late = scene.pictured & (scene.unseen_s > self._weights.moving_s + 0.05)
        llr = looks.llr - np.where(late, self._weights.late, 0.0)[:, None]
        pairs, found = self._pairs, (scene.scores, scene.flags)
        links = self._passes(scene, pairs.with_looks(looks.rows, llr))
        sure = (self._high_score, self._weights.crowded_low)
        links = without_doubles(pairs.track, pairs.box, pairs.gain, links, *found, *sure)
        doubt, refused = self._contradicted(scene, links, looks)
        links = np.where(refused >= 0, -1, links)
        return Verdict(self._recover(scene, links, looks), doubt, refused)

    def _contradicted(self, scene: Scene, links: Ints, looks: Looks) -> tuple[Float64s, Ints]:
        """Cumulated doubt of each track, and the boxes refused to a track because that has become too great.

        Source: Page, "Continuous Inspection Schemes", Biometrika 1954: the sum of the log-likelihood ratios for a
        change, never below 0, is the fastest test for a change point. Right after an occlusion less is needed. Looks of
        frames in a row show the same pose in the same light: one soon after the last counts for less against the track.
        """
        tracks = scene.tracks
        doubt, refused = tracks.doubt.copy(), np.full(len(links), -1, np.int64)
        own = links[looks.rows]
        clear = (own >= 0) & (scene.flags[looks.rows] & CROWDED == 0)
        places = np.flatnonzero(clear & scene.pictured[own])
        rows = own[places]
        new, llr = 1 - np.exp((tracks.heard[rows] - scene.at) / self._alike_s), looks.llr[rows, places]
        doubt[rows] = np.maximum(doubt[rows] - np.where(llr < 0, new, 1.0) * llr, 0.0)
        tracks.heard[rows] = scene.at
        broken = doubt[rows] > np.where(tracks.occluded[rows], self._doubt_hidden, self._doubt_steady)
        refused[looks.rows[places[broken]]] = rows[broken]
        doubt[rows[broken]] = 0.0
        return doubt, refused

    def remember(self, scene: Scene, tracks: Tracks, numbers: Ints, looks: Looks | None) -> None:  # noqa: ARG002
        """Albums and the table of tracks remember all but when that was."""
        self._before = scene.at

    def starts(self, scene: Scene, links: Ints) -> Bools:
        """Boxes of high score that do not lie on a box in use."""
        return np.asarray(fresh(scene.boxes, scene.scores, links, self._high_score, self._used_overlap))

    def confirms(self, tracks: Tracks) -> Bools:
        """Seen at least three times, or twice over twice the time, and old enough."""
        table = (tracks.born, tracks.seen, tracks.missed, tracks.hits, tracks.trust)
        return np.asarray(believed(*table, self._confirm_s, self._high_score + self._trust_start))

    def ends(self, scene: Scene) -> Bools:
        """Unseen for too long, walked out of the picture, or unconfirmed and missed.

        A camera that turns finds who was left behind where they are: nobody is ended for being out of its picture.
        """
        tracks, place = scene.tracks, scene.tracks.motion.place
        if scene.turning:
            place = np.concatenate([np.clip(place[:, :2], 0, scene.size), place[:, 2:]], axis=1)
        table = (place, tracks.seen, tracks.missed, tracks.confirmed, tracks.trust, tracks.leaving)
        width, height = float(scene.size[0]), float(scene.size[1])
        least = self._high_score + self._trust_keep
        ended = over(*table, scene.at, width, height, self._lost_after_s, least, SURE, self._left_after_s)
        if self._net.scale.size:
            place, speed = tracks.motion.place, tracks.motion.speed
            lost = (place, speed, tracks.seen, tracks.missed, tracks.confirmed, tracks.hits, tracks.trust)
            ended |= given_up(*lost, tracks.leaving, scene.at, (width, height), self._net)
        return np.asarray(ended)

    def _passes(self, scene: Scene, pairs: Pairs) -> Ints:
        """High boxes to confirmed tracks, low ones to those left, high ones left to new tracks, then the long lost."""
        tracks, weights = scene.tracks, self._weights
        who = (tracks.confirmed, tracks.seen, scene.scores, scene.at)
        when = (weights.moving_s, weights.low_unseen_s, self._high_score)
        return np.asarray(passes(pairs.track, pairs.box, pairs.gain, *who, *when))

    def _reachable(self, scene: Scene, tracks: Ints, boxes: Ints) -> Bools:
        """(K, L) could a walker have come from the last box of the track to this box, at a believable height?"""
        last, unseen = scene.tracks.box[tracks], scene.unseen_s[tracks]
        return np.asarray(reachable(last, scene.boxes[boxes], unseen, self._reach, self._walk))

    def _recover(self, scene: Scene, links: Ints, looks: Looks) -> Ints:
        """Give boxes left over to lost tracks by looks alone, where the best fits clearly better than the second."""
        lost = np.flatnonzero(scene.tracks.confirmed & ~_taken(scene, links) & scene.pictured)
        places = np.flatnonzero((links[looks.rows] < 0) & (scene.scores[looks.rows] >= self._high_score))
        if not len(lost) or not len(places):
            return links
        boxes = looks.rows[places]
        gain = np.where(self._reachable(scene, lost, boxes), looks.llr[np.ix_(lost, places)], -np.inf)
        rows, columns = assign(gain, self._recover_least)
        clear = gain[rows, columns] - runner_up(gain, rows, columns) >= self._recover_margin
        recovered = links.copy()
        recovered[boxes[columns[clear]]] = lost[rows[clear]]
        return recovered


def _taken(scene: Scene, links: Ints) -> Bools:
    """(N,) which tracks have a box."""
    taken = np.zeros(len(scene.tracks), np.bool_)
    taken[links[links >= 0]] = True
    return taken
