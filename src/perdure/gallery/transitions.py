"""When people who leave one camera show up in the next: learned from the gallery's own hand-offs, without labels.

A tracklet begins in camera b. Had it been anybody of the gallery at random, the share of identities last seen in camera
a so many seconds ago would say how often to expect somebody from there; the hand-offs say how often it was so. The log
of observed over expected is what "last seen there, then" is worth. It is the relative hazard of Cox's partial
likelihood (Cox, "Regression models and life-tables", JRSS B 1972, eq. 12) for a piecewise constant covariate, so how
busy an hour is cancels out. Transition-time densities as evidence: Javed et al., ICCV 2003 (Parzen windows); learned
without labels: Makris, Ellis & Black, CVPR 2004; Lv et al., "TFusion", CVPR 2018; Wang et al., "st-ReID", AAAI 2019.
Here: histograms with growing bins, smoothed over their neighbours, shrunk towards what holds for all pairs of cameras,
older hand-offs counting less.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from perdure.types import Float32s, Float64s, Ints

EDGES_S = np.concatenate([[0.0], 2.0 ** np.arange(0.0, 12.25, 0.25)])
"""Ends of the bins of the time since the last sighting: still in view, up to 1 s, then four for each doubling."""
BINS = len(EDGES_S) + 1
SMOOTHING = (0.25, 0.5, 0.25)
PSEUDO_HAND_OFFS = 2.0
"""So many hand-offs of a pair of cameras in a bin weigh as much as what holds for all pairs."""
UNEXPLAINED = 0.2
"""Outlier mass: this share of people turn up as anybody might. It also stands for hand-offs that were missed."""
HALF_LIFE_S = 7 * 86400.0
"""A hand-off that old counts half."""
NEWEST = 20_000
"""Only so many sightings are learned from: bounded time and memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Sightings:
    """N sightings of known people, in any order."""

    camera: Ints
    """(N,) code."""
    start: Float64s
    """(N,) UTC seconds."""
    end: Float64s
    """(N,) UTC seconds."""
    owner: Ints
    """(N,) code of the identity."""
    weight: Float64s
    """(N,) in [0, 1]: how sure it is, by appearance, that the sighting is this identity's."""

    def __len__(self) -> int:
        return len(self.camera)

    def __getitem__(self, rows: Ints) -> Sightings:
        return Sightings(self.camera[rows], self.start[rows], self.end[rows], self.owner[rows], self.weight[rows])


@dataclass(frozen=True, slots=True)
class Link:
    """A way from one camera to another, as its hand-offs show it. Times are those of the bins: good to a fifth."""

    source: int
    """Code of a camera."""
    target: int
    hand_offs: float
    """Weighted: by how sure each is and how long ago."""
    median_s: float
    """From out of view to in view again; 0: most are still in view of the first."""
    low_s: float
    """A quarter of them are quicker."""
    high_s: float
    """A quarter of them take longer; 4096 stands for longer than that."""
    in_view: float
    """Share that is still in view of the first: cameras that see one place."""


@dataclass(frozen=True, slots=True, eq=False)
class Transitions:
    """What is known of the ways between C cameras."""

    log_odds: Float64s
    """(C, C, ``BINS``) nats, from camera, to camera, time between: for "the next sighting of this very person"."""
    hand_offs: Float64s
    """(C, C, ``BINS``) weighted number of hand-offs behind them."""

    def of(self, camera: Ints, to: int, between_s: Float64s) -> Float64s:
        """(N,) log odds for N people last seen in ``camera`` who were last seen ``between_s`` ago (< 0: still are)."""
        known = len(self.log_odds)
        if to >= known:
            return np.zeros(len(camera))
        odds = self.log_odds[np.minimum(camera, known - 1), to, bins(between_s)]
        return np.where(camera < known, odds, 0.0)

    def links(self, least: float = 1.0) -> list[Link]:
        """Ways between two cameras with so many hand-offs or more, the most used first."""
        found = []
        for source, target in np.argwhere(self.hand_offs.sum(axis=-1) >= least).tolist():
            if source != target:
                counts = self.hand_offs[source, target]
                low, median, high = (_quantile(counts, share) for share in (0.25, 0.5, 0.75))
                total = float(counts.sum())
                found.append(Link(source, target, total, median, low, high, float(counts[0]) / total))
        return sorted(found, key=lambda link: (-link.hand_offs, link.source, link.target))


def _quantile(counts: Float64s, share: float) -> float:
    """Of a histogram over the bins, s, in a straight line within a bin."""
    reached = np.cumsum(counts)
    wanted = share * reached[-1]
    at = int(np.searchsorted(reached, wanted))
    if at == 0:
        return 0.0
    if at == BINS - 1:
        return float(EDGES_S[-1])
    part = (wanted - reached[at - 1]) / counts[at]
    return float(EDGES_S[at - 1] + part * (EDGES_S[at] - EDGES_S[at - 1]))


NOTHING_KNOWN = Transitions(np.zeros((0, 0, BINS)), np.zeros((0, 0, BINS)))


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """When and where N tracklets were, in order of start, and what following one another is worth."""

    camera: Ints
    """(N,) code."""
    start: Float64s
    """(N,) UTC seconds, never decreasing."""
    end: Float64s
    """(N,) UTC seconds."""
    transitions: Transitions
    met: Ints = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    """(M, 2) pairs, each once, that were on a floor two cameras see at one time."""
    met_odds: Float64s = field(default_factory=lambda: np.zeros(0))
    """(M,) nats for one person by how near they were."""

    def met_table(self) -> Float32s:
        """(N, N) ``met_odds`` of each pair, 0 where they did not meet; (0, 0) where nobody did."""
        if not len(self.met):
            return np.zeros((0, 0), np.float32)
        table = np.zeros((len(self.start), len(self.start)), np.float32)
        table[self.met[:, 0], self.met[:, 1]] = table[self.met[:, 1], self.met[:, 0]] = self.met_odds
        return table

    def arrivals(self, clusters: Ints) -> Float64s:
        """(N, K) nats for each tracklet to be of each cluster, by its last tracklet before and by whom it met."""
        odds = np.zeros((len(clusters), int(clusters.max()) + 1))
        last = np.full(odds.shape[1], -1, np.int64)
        for place in range(len(clusters)):
            known = np.flatnonzero(last >= 0)
            before = last[known]
            between = self.start[place] - self.end[before]
            odds[place, known] = self.transitions.of(self.camera[before], int(self.camera[place]), between)
            last[clusters[place]] = place
        for one, other in (self.met.T, self.met.T[::-1]):
            np.add.at(odds, (one, clusters[other]), self.met_odds)
        return odds


def bins(between_s: Float64s) -> Ints:
    """(N,) bin of each time between two sightings; 0 where the earlier one had not ended."""
    return np.where(between_s < 0, 0, np.searchsorted(EDGES_S, between_s, "right"))


def learn(sightings: Sightings, cameras: int) -> Transitions:
    """From who was seen where, when, with whatever certainty; the same sightings give the same result, bit for bit."""
    if len(sightings) < 2:
        return NOTHING_KNOWN
    newest = np.argsort(-sightings.start, kind="stable")[:NEWEST]
    ordered = sightings[newest[np.lexsort([sightings.start[newest], sightings.owner[newest]])]]
    same = ordered.owner[1:] == ordered.owner[:-1]
    follows = np.flatnonzero(same) + 1
    age = ordered.start.max() - ordered.start
    weight = ordered.weight * 0.5 ** (age / HALF_LIFE_S)
    observed = np.zeros((cameras, cameras, BINS))
    between = bins(ordered.start[follows] - ordered.end[follows - 1])
    np.add.at(observed, (ordered.camera[follows - 1], ordered.camera[follows], between), weight[follows])
    expected = _expected(ordered, same, follows, weight, cameras)
    return Transitions(_log_ratio(observed, expected), observed)


def _expected(ordered: Sightings, same: np.ndarray, follows: Ints, weight: Float64s, cameras: int) -> Float64s:
    """(C, C, BINS) hand-offs to expect if it were anybody of the gallery: shares of identities by where they were."""
    until = np.full(len(ordered), np.inf)  # until when it is the last sighting of its identity
    until[:-1][same] = ordered.start[1:][same]
    first_seen = np.sort(ordered.start[np.concatenate([[True], ~same])])
    opens = np.maximum(ordered.end[:, None] + np.concatenate([[-np.inf], EDGES_S]), ordered.start[:, None])
    closes = np.minimum(ordered.end[:, None] + np.concatenate([EDGES_S, [np.inf]]), until[:, None])
    expected = np.zeros((cameras, cameras, BINS))
    for to in range(cameras):
        arrivals = follows[ordered.camera[follows] == to]
        arrivals = arrivals[np.argsort(ordered.start[arrivals], kind="stable")]
        at = ordered.start[arrivals]
        known = np.maximum(np.searchsorted(first_seen, at, "left"), 1)
        total = np.concatenate([[0.0], np.cumsum(weight[arrivals] / known)])
        begin = np.searchsorted(at, opens, "left")
        begin[:, 0] = np.searchsorted(at, ordered.start, "right")
        end = np.where(  # the hand-off itself, which ends the waiting, is one of those that had to be expected
            closes == until[:, None], np.searchsorted(at, closes, "right"), np.searchsorted(at, closes, "left")
        )
        np.add.at(expected[:, to], ordered.camera, np.maximum(total[end] - total[np.minimum(begin, end)], 0.0))
    return expected


def _log_ratio(observed: Float64s, expected: Float64s) -> Float64s:
    """(C, C, BINS) log of observed over expected, shrunk towards that of all pairs, with outlier mass."""
    seen, due = _smooth(observed), _smooth(expected)
    usual = np.ones_like(seen)
    back = np.eye(len(seen), dtype=bool)  # back into the same camera, or on to another one
    for pairs in (back, ~back):
        usual[pairs] = (seen[pairs].sum(axis=0) + PSEUDO_HAND_OFFS) / (due[pairs].sum(axis=0) + PSEUDO_HAND_OFFS)
    ratio = (seen + PSEUDO_HAND_OFFS * usual) / (due + PSEUDO_HAND_OFFS)
    return np.asarray(np.log((1 - UNEXPLAINED) * ratio + UNEXPLAINED))


def _smooth(counts: Float64s) -> Float64s:
    """Each bin shared with its neighbours; the first and the last are of another kind and keep to themselves."""
    before, here, after = SMOOTHING
    inner = counts[..., 1:-1]
    smooth = here * inner
    smooth[..., :-1] += before * inner[..., 1:]
    smooth[..., 1:] += after * inner[..., :-1]
    smooth[..., 0] += before * inner[..., 0]
    smooth[..., -1] += after * inner[..., -1]
    return np.concatenate([counts[..., :1], smooth, counts[..., -1:]], axis=-1)
