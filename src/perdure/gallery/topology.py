"""Where cameras are to each other: what is declared forbids, what is learned is evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from perdure.gallery.calibrate import probability
from perdure.gallery.clocks import Clocks, clocks, no_clocks
from perdure.gallery.floor import Meeting, meet, path_of
from perdure.gallery.index import Index
from perdure.gallery.transitions import NOTHING_KNOWN, Chain, Sightings, Transitions, learn
from perdure.types import Evidence, Float64s, Ints, Tracklet

CLOCK_SLACK_S = 1.0
"""Clocks of two cameras may differ by this much: only a longer stay in both at once is impossible."""
REMEMBERED = 10_000
"""Meetings on the floor that are kept at once."""
WRONG_CLOCK_S = 2.0
"""A clock is told to be wrong from here on."""
TERM = "topology"
"""Name of the term in the log odds of a decision."""


@dataclass(frozen=True, slots=True)
class SiteMap:
    """What the operator says about the cameras. A pair is in at most one of the two."""

    travel_s: Mapping[frozenset[str], float] = field(default_factory=dict)
    """Pairs of cameras and how long nobody can be faster from one to the other, s."""
    overlapping: frozenset[frozenset[str]] = frozenset()
    """Pairs that see one place."""
    others_overlap: bool = True
    """Whether two cameras may see one place unless said otherwise."""
    floors: Mapping[str, Float64s] = field(default_factory=dict)
    """(3, 3) homographies from pixels to metres on one floor, of the cameras that have one."""

    def least_gap_s(self, first: str, second: str) -> float:
        """Sightings of one person in the two cameras are at least this far apart; negative: may overlap by so much."""
        pair = frozenset((first, second))
        if len(pair) == 1 or "" in pair or pair in self.overlapping:
            return -np.inf
        if pair in self.travel_s:
            return self.travel_s[pair]
        return -np.inf if self.others_overlap else -CLOCK_SLACK_S


@dataclass(slots=True)
class Topology:
    """The map of one site and what its own hand-offs taught; derives from the gallery's tracklets and nothing else."""

    site: SiteMap = field(default_factory=SiteMap)
    learns: bool = True
    transitions: Transitions = NOTHING_KNOWN
    clocks: Clocks = field(default_factory=lambda: no_clocks(0))
    """What the hand-offs say of the cameras' clocks."""
    _cameras: list[str] = field(default_factory=list)
    _open: dict[str, None] = field(default_factory=dict)
    _gaps: Float64s = field(default_factory=lambda: np.zeros((0, 0)))
    """(C, C) ``SiteMap.least_gap_s`` by camera code."""
    _tracklets_at_refresh: int = 0
    _met: dict[tuple[tuple[str, int], tuple[str, int]], Meeting] = field(default_factory=dict)

    @property
    def cameras(self) -> list[str]:
        """Names by code, of those that have seen somebody."""
        return list(self._cameras)

    def meet(self, cameras: list[str]) -> None:
        """These are all cameras by code now."""
        if len(cameras) != len(self._gaps):
            self._gaps = np.array([[self.site.least_gap_s(a, b) for b in cameras] for a in cameras])
            self._cameras = list(cameras)

    def too_close(self, row: int, index: Index) -> Float64s:
        """(N,) s by which each tracklet is nearer in time than one person could be; 0 or less where that is fine.

        By the clocks as they are and as the hand-offs correct them, whichever allows more.
        """
        least, gap = self._gaps[index.cameras[row]][index.cameras], _gap(row, index, np.zeros(len(index)))
        if len(self.clocks.ahead_s):
            known = np.minimum(index.cameras, len(self.clocks.ahead_s) - 1)
            ahead = np.where(known == index.cameras, self.clocks.ahead_s[known], 0.0)
            gap = np.maximum(gap, _gap(row, index, ahead))
        return np.asarray(least - gap)

    def wrong_clocks(self) -> list[tuple[str, float]]:
        """Cameras whose clocks are surely not those of the others, and by how many seconds they are ahead."""
        ahead, std = self.clocks.ahead_s, self.clocks.std_s
        surely = np.flatnonzero(np.abs(ahead) > np.maximum(WRONG_CLOCK_S, 4 * std))
        return [(self._cameras[camera], float(ahead[camera])) for camera in surely]

    def told(self, tracklet: Tracklet) -> None:
        """A tracklet is new or revised: while it is open its person is still in view, whenever it was told last."""
        if tracklet.ended == "open":
            self._open[tracklet.id] = None
        else:
            self._open.pop(tracklet.id, None)

    def _ends(self, index: Index) -> Float64s:
        """(N,) UTC seconds, inf while a tracklet is open."""
        ends = index.ends.copy()
        ends[[index.row(id) for id in self._open if id in index]] = np.inf
        return ends

    def meetings(self, row: int, index: Index, evidence: Mapping[str, Tracklet]) -> list[tuple[int, Meeting]]:
        """Rows of other cameras seen at the same time as ``row``, and how near on the floor; none without a floor."""
        tracklet, floors = evidence[index.ids[row]], self.site.floors
        if tracklet.camera not in floors:
            return []
        during = (index.starts <= tracklet.end) & (index.ends >= tracklet.start)
        others = np.flatnonzero(during & (index.cameras != index.cameras[row])).tolist()
        return [
            (other, self._meeting(tracklet, evidence[index.ids[other]]))
            for other in others
            if evidence[index.ids[other]].camera in floors
        ]

    def _meeting(self, first: Tracklet, second: Tracklet) -> Meeting:
        """Remembered, for most pairs are asked for several times."""
        first, second = sorted((first, second), key=lambda tracklet: tracklet.id)
        key = (first.key, second.key)
        if key not in self._met:
            if len(self._met) >= REMEMBERED:
                self._met.clear()
            floors = self.site.floors
            self._met[key] = meet(path_of(first, floors[first.camera]), path_of(second, floors[second.camera]))
        return self._met[key]

    def is_due(self, index: Index) -> bool:
        """Whether the gallery has grown by a twentieth since it was last learned from."""
        return self.learns and len(index) > self._tracklets_at_refresh + max(20, self._tracklets_at_refresh // 20)

    def learn(self, index: Index, weights: Float64s) -> None:
        """Learn anew from everything; ``weights`` (N,) say how sure each tracklet's identity is by appearance alone."""
        if not self.learns:
            return
        owned = np.flatnonzero((index.owners >= 0) & ~index.is_given)
        sightings = Sightings(
            index.cameras[owned], index.starts[owned], index.ends[owned], index.owners[owned], weights[owned]
        )
        self.transitions = learn(sightings, len(self._gaps))
        if "" in self._cameras and self.transitions.log_odds.size:  # where pictures given by hand "were" says nothing
            nowhere = self._cameras.index("")
            self.transitions.log_odds[nowhere] = self.transitions.log_odds[:, nowhere] = 0.0
        self.clocks = clocks(sightings, len(self._gaps))
        self._tracklets_at_refresh = len(index)

    def chain(self, rows: Ints, index: Index, evidence: Mapping[str, Tracklet]) -> Chain:
        """The tracklets in ``rows``, which are in order of start, and what following or meeting another is worth."""
        place = np.full(len(index), -1, np.int64)
        place[rows] = np.arange(len(rows))
        met = [
            (here, int(place[other]), meeting.log_odds)
            for here, row in enumerate(rows.tolist())
            for other, meeting in self.meetings(row, index, evidence)
            if here < place[other] and meeting.seconds > 0
        ]
        pairs, odds = np.array([m[:2] for m in met], np.int64).reshape(-1, 2), np.array([m[2] for m in met])
        return Chain(index.cameras[rows], index.starts[rows], index.ends[rows], self.transitions, pairs, odds)

    def evidence(self, row: int, index: Index, identities: int) -> Float64s:
        """(N,) nats for each identity, by where and when it was last seen before the tracklet began."""
        odds = np.zeros(identities)
        if not self.learns:
            return odds
        last = last_seen(row, index, identities)
        known = np.flatnonzero(last >= 0)
        rows = last[known]
        between = index.starts[row] - self._ends(index)[rows]
        odds[known] = self.transitions.of(index.cameras[rows], int(index.cameras[row]), between)
        return odds


def _gap(row: int, index: Index, ahead_s: Float64s) -> Float64s:
    """(N,) s between each tracklet and that of ``row``, with the clocks set back; negative where they overlap."""
    starts, ends = index.starts - ahead_s, index.ends - ahead_s
    return np.asarray(np.maximum(starts, starts[row]) - np.minimum(ends, ends[row]))


def by_floor(meetings: Sequence[tuple[int, Meeting]], index: Index, identities: int) -> Float64s:
    """(N,) nats for each identity from where its tracklets were meanwhile: the mean, for their errors are alike."""
    rows = [row for row, meeting in meetings if index.owners[row] >= 0 and meeting.seconds > 0]
    odds = np.array([meeting.log_odds for row, meeting in meetings if row in set(rows)])
    count = np.bincount(index.owners[rows], minlength=identities)
    total = np.bincount(index.owners[rows], odds, minlength=identities)
    return np.asarray(np.divide(total, count, out=np.zeros(identities), where=count > 0))


def last_seen(row: int, index: Index, identities: int) -> Ints:
    """(N,) row of the last tracklet of each identity that began before that of ``row``, -1 where there is none."""
    earlier = np.flatnonzero((index.owners >= 0) & (index.starts < index.starts[row]) & ~index.is_given)
    newest = earlier[np.argsort(index.starts[earlier], kind="stable")]
    last = np.full(identities, -1, np.int64)
    last[index.owners[newest]] = newest  # of several writes to one place the last one stays
    return last


def by_appearance(evidence: Evidence) -> float:
    """The probability of a decision without what topology said, so that it does not confirm itself."""
    if not evidence.terms:
        return evidence.probability
    return probability(sum(term.value for term in evidence.terms if term.name != TERM))
