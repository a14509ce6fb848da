"""Looking after the gallery while it is in use: split, move, merge and prune, a bounded part of it at a time.

Correlation clustering (Bansal, Blum & Chawla, Machine Learning 2004) by local search: identities whose evidence changed
are looked at again, one at a time, against the few that are near them, and the best improvement is made: a part leaves,
one tracklet changes place (the best-one-element-move of Gionis, Mannila & Tsaparas, TKDD 2007), or all of it joins
another. What a pair of parts is worth is what it is worth to a decision: the likelihood ratio of the mean similarity,
plus topology, plus, where somebody is chosen among N, log odds of returning - log N. Pairs seen apart or said to be two
people are never joined. The cost of one step depends on how near others are, not on how long the gallery has run.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from perdure.gallery import closeness
from perdure.gallery.calibrate import habit, prior_log_odds
from perdure.gallery.gallery import Gallery
from perdure.gallery.index import Index
from perdure.gallery.regroup import become, together
from perdure.gallery.scan import Nearest
from perdure.gallery.scoring import CentredLinkage
from perdure.gallery.shortlist import listed
from perdure.gallery.swaps import sides, take_apart
from perdure.gallery.transitions import Chain
from perdure.types import Bools, Enrolled, Float64s, Ints, Matched

MOST_TRACKLETS = 16
"""Of one identity are compared at once: the latest."""
NEAREST = 24
"""Tracklets near each of them say which identities to look at."""
MOST_NEIGHBOURS = 8
"""Identities are looked at beside the one."""
INDEPENDENT_S = 60.0
"""Two sightings in one camera this far apart are two pieces of evidence; nearer ones may share one mistake."""

LOOK_AGAIN_S = 60.0
"""Whether a tracklet shows two people is looked at again after so long, then after four times as long, and so on."""
LOOKED_FOR_S = 7 * 86400.0
"""Nobody has to come back for longer than that to be known as the second person of a tracklet."""


@dataclass(frozen=True, slots=True)
class Care:
    """How much is done, and how sure one has to be."""

    per_tick: int = 3
    """Identities looked at."""
    join_margin: float = -0.5
    """Nats by which two identities have to be more probable as one person, by ``closeness`` and how often they come."""
    split_margin: float = 2.0
    """Nats by which the two parts of an identity have to be more probable as two people, by ``closeness``."""
    move_margin: float = 1.0
    """Nats by which another identity has to be more probable for a tracklet than its own."""
    keep: int = 32
    """Tracklets of one identity that stay in the index; the most alike go first."""
    probation_s: float = 7 * 86400.0
    """An identity of one sighting that did not come back for so long is no candidate any more."""


@dataclass(slots=True)
class Keeper:
    """Looks after one gallery, always the same: its ``upkeep``."""

    care: Care = field(default_factory=Care)
    _due: dict[str, None] = field(default_factory=dict)
    _seen: int = 0
    """Changes of the log that were taken into account."""
    _probation: dict[str, float] = field(default_factory=dict)
    """Identity of one tracklet -> when it was last seen."""
    _mixed: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Tracklets that may show two people -> when to look again, and how long to wait then (s)."""
    _clock: list[tuple[float, str]] = field(default_factory=list)
    """The same as a heap by time; what is not so in ``_mixed`` any more is passed over."""

    def tick(self, gallery: Gallery, at: float) -> None:
        """Look at the next few identities. Policies of the field have no such step."""
        if not isinstance(gallery.scorer, CentredLinkage):
            return
        self._take_note(gallery)
        self._take_apart(gallery, at)
        self._look_at_due(gallery, at, self.care.per_tick)
        self._retire_stale(gallery, at)

    def settle(self, gallery: Gallery, at: float, rounds: int = 4) -> None:
        """Look at everybody again and again until nothing changes, at most so many times.

        The second look for galleries too large to compare everything with everything.
        """
        self._due = dict.fromkeys(gallery.partition.members)
        self._seen = len(gallery.log)
        for _ in range(rounds):
            before = len(gallery.log)
            self._look_at_due(gallery, at, len(self._due))
            self._take_note(gallery)
            if len(gallery.log) == before:
                break

    @property
    def waiting(self) -> int:
        """Identities still to be looked at."""
        return len(self._due)

    def _look_at_due(self, gallery: Gallery, at: float, most: int) -> None:
        for _ in range(min(most, len(self._due))):
            name = next(iter(self._due))
            del self._due[name]
            if name in gallery.partition.members:
                self._look_at(gallery, name, at)

    def _take_note(self, gallery: Gallery) -> None:
        """Whoever changed since the last tick is due."""
        for change in gallery.log[self._seen :]:
            for id in gallery.tracklets_of(change):
                home = gallery.partition.identity_of.get(id)
                if home is None:
                    continue
                if isinstance(change, Enrolled | Matched):
                    self._look_later(id, gallery.evidence[id].end, LOOK_AGAIN_S)
                self._due.pop(home, None)  # behind those that wait longer
                self._due[home] = None
                if len(gallery.partition.members[home]) == 1 and not gallery.evidence[id].is_by_hand:
                    self._probation[home] = gallery.evidence[id].end
                else:
                    self._probation.pop(home, None)
        self._seen = len(gallery.log)

    def _look_at(self, gallery: Gallery, name: str, at: float) -> None:
        scene = look(gallery, name)
        if scene is None:
            return
        groups = scene.regrouped(self.care)
        if groups is not None:
            become(gallery, at, scene.ids, groups, scene.similarity)
        elif surplus := scene.surplus(self.care.keep):
            gallery.retire(surplus)

    def _take_apart(self, gallery: Gallery, at: float) -> None:
        """Tracklets of two people: found once they are over, taken apart once the second one is known."""
        tried = 0
        for _ in range(8 * self.care.per_tick):
            id = self._due_by(at)
            if id is None:
                break
            _, wait_s = self._mixed.pop(id)
            if id not in gallery.partition.identity_of or id not in gallery.index:
                continue
            if gallery.evidence[id].ended == "open":
                self._look_later(id, at + LOOK_AGAIN_S, LOOK_AGAIN_S)
            elif sides(gallery, id) is not None:
                tried += 1
                if done := take_apart(gallery, at, id, {*self._mixed, id}):
                    for other in done:
                        self._mixed.pop(other, None)
                elif wait_s < LOOKED_FOR_S:
                    self._look_later(id, at + wait_s, 4 * wait_s)
            if tried == self.care.per_tick:
                break

    def _look_later(self, id: str, when: float, wait_s: float) -> None:
        self._mixed[id] = (when, wait_s)
        heapq.heappush(self._clock, (when, id))

    def _due_by(self, at: float) -> str | None:
        """The tracklet that has been due longest; it is taken off the clock. None: none is."""
        while self._clock and self._clock[0][0] <= at:
            when, id = heapq.heappop(self._clock)
            if id in self._mixed and self._mixed[id][0] == when:
                return id
        return None

    def _retire_stale(self, gallery: Gallery, at: float) -> None:
        """Who was seen once and did not come back stops being a candidate; their identity and evidence last."""
        budget = 8 * self.care.per_tick if math.isfinite(at) else 0  # at the end of time nobody can come back
        while self._probation and budget:
            name = next(iter(self._probation))
            if self._probation[name] > at - self.care.probation_s:
                return
            del self._probation[name]
            gallery.retire(gallery.partition.members.get(name, []))
            budget -= 1


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One identity and those near it: n tracklets in order of start."""

    gallery: Gallery
    ids: tuple[str, ...]
    index: Index
    """``owners`` are positions among the identities near."""
    own: int
    """The identity that is looked after, among them."""
    similarity: Float64s
    """(n, n)"""
    apart: Bools
    """(n, n) pairs that cannot be one person."""
    together: Ints
    """(M, 2) pairs that are."""
    chain: Chain

    def regrouped(self, care: Care) -> Ints | None:
        """(n,) groups of the tracklets as they should be; None where they are so already.

        The constrained clustering of the second look, with as many other groups about as the gallery has. Only what
        concerns the identity itself is taken from it, and of that only what is sure enough: see ``_sure``.
        """
        from perdure.gallery.linkage import Prior, join  # compiled

        gallery, now = self.gallery, self.index.owners
        near = int(now.max()) + 1
        odds = prior_log_odds(gallery.return_rate, len(gallery.evidence), 1)
        prior = Prior(odds, elsewhere=max(round(gallery.index.people) - near, 0))
        llr = self.llr
        found = join(llr, self.apart, self.together, prior, self.chain)
        groups, mine = now.copy(), now == self.own
        numbers, sizes = np.unique(found[mine], return_counts=True)
        stem = numbers[np.argmax(sizes)]
        for number, group in enumerate(numbers, near):
            members = found == group
            rest = members & mine
            for other in np.unique(now[members]):
                part = members & (now == other)
                if other == self.own or (
                    self._sure(part, rest, now == other, llr, care)
                    if group == stem
                    else self._fits_better(rest, part, mine & ~rest, llr, care)
                    and self._fits_better(part, rest, (now == other) & ~part, llr, care)
                ):
                    groups[part] = number
        stays = self._stays(groups, now, llr, care)
        groups[stays] = self.own
        changed = not np.array_equal(np.unique(groups, return_inverse=True)[1], np.unique(now, return_inverse=True)[1])
        same = changed and _same_partition(groups, now)
        return np.unique(groups, return_inverse=True)[1] if changed and not same else None

    @property
    def llr(self) -> Float64s:
        """(n, n) nats for one person, by appearance."""
        assert isinstance(self.gallery.scorer, CentredLinkage)
        return self.gallery.scorer.calibration.log_likelihood_ratio((self.similarity + self.similarity.T) / 2)

    def expected(self, one: Ints, other: Ints) -> Float64s:
        """(A, B) nats that one person gets with pictures as good as in these rows, as a share of good ones."""
        assert isinstance(self.gallery.scorer, CentredLinkage)
        qualities = self.index.qualities
        return self.gallery.scorer.calibration.expected(np.minimum.outer(qualities[one], qualities[other]))

    def _sure(self, part: Bools, rest: Bools, home: Bools, llr: Float64s, care: Care) -> bool:
        """Whether a part of another identity may come: all of it on two pieces of evidence, some on a clear margin."""
        if (home & ~part).any():
            return self._fits_better(part, rest, home & ~part, llr, care)
        odds = self._close(part, rest, llr) + self._usual(part, rest)
        return self._independent(part, rest, llr) and odds > care.join_margin

    def _fits_better(self, part: Bools, there: Bools, left: Bools, llr: Float64s, care: Care) -> bool:
        """Whether a part is clearly more like those it would come to than like those it would leave, if any."""
        return not left.any() or bool(llr[part][:, there].mean() - llr[part][:, left].mean() > care.move_margin)

    def _usual(self, one: Bools, other: Bools) -> float:
        """Nats by which the larger of two identities is likelier to come than is usual."""
        members = self.gallery.partition.members
        homes = {self.gallery.partition.identity_of[self.ids[i]] for i in np.flatnonzero(one | other)}
        times = np.array([max(len(members[home]) for home in homes)])
        return float(habit(times, len(self.gallery.partition.identity_of), len(members))[0])

    def _close(self, one: Bools, other: Bools, llr: Float64s) -> float:
        """Nats for one person, by how alike two groups are against how alike each is within."""
        groups = self.index.owners.copy()
        groups[one], groups[other] = groups.max() + 1, groups.max() + 2
        everybody = np.arange(len(groups))
        inside = closeness.within(llr, self.expected(everybody, everybody), np.unique(groups, return_inverse=True)[1])
        mine, theirs = np.flatnonzero(one), np.flatnonzero(other)
        return self.odds(mine, theirs, llr, (float(inside[-2]), float(inside[-1])))

    def odds(self, one: Ints, other: Ints, llr: Float64s, inside: tuple[float, float]) -> float:
        """Nats for one person of two groups of rows that are so much alike within."""
        between, expected = float(llr[np.ix_(one, other)].mean()), float(self.expected(one, other).mean())
        return closeness.odds(between, *inside, closeness.linked(self.chain, one, other), expected)

    def _stays(self, groups: Ints, now: Ints, llr: Float64s, care: Care) -> Bools:
        """(n,) tracklets of the identity that were to leave for a group of their own, and are not sure to."""
        mine = now == self.own
        numbers, sizes = np.unique(groups[mine], return_counts=True)
        largest = mine & (groups == numbers[np.argmax(sizes)])
        stays = np.zeros(len(groups), bool)
        for number in numbers:
            part = mine & (groups == number)
            if (part == largest).all() or ((groups == number) & ~mine).any():
                continue
            if not self.apart[part][:, largest].any() and self._close(part, largest, llr) > -care.split_margin:
                stays |= part
        return (stays | largest) if stays.any() else stays

    def _independent(self, one: Bools, other: Bools, llr: Float64s) -> bool:
        """Whether two pairs of tracklets, by themselves, speak for the same person and share no single mistake.

        Two pairs are independent where one of their ends differs by camera or by ``INDEPENDENT_S``. Where both sides
        are one tracklet there is only one pair: where and when must be the second witness.
        """
        mine, theirs = np.flatnonzero(one), np.flatnonzero(other)
        first, second = np.nonzero(llr[np.ix_(mine, theirs)] > 0)
        if len(mine) == 1 and len(theirs) == 1:
            earlier, later = sorted((int(mine[0]), int(theirs[0])))
            index, gap = self.index, self.index.starts[later] - self.index.ends[earlier]
            link = self.chain.transitions.of(index.cameras[[earlier]], int(index.cameras[later]), np.array([gap]))
            return len(first) > 0 and float(link[0]) > 0
        index = self.index
        return any(_differ(index.cameras[end], index.starts[end]) for end in (mine[first], theirs[second]))

    def surplus(self, keep: int) -> tuple[str, ...]:
        """Tracklets of the identity beyond ``keep``, the most alike of one camera first, the poorer of the two."""
        mine = np.flatnonzero((self.index.owners == self.own) & ~self.index.is_given)
        count = len(mine) - keep
        if count <= 0:
            return ()
        cameras = self.index.cameras[mine]
        alike = np.where(cameras[:, None] == cameras, self.similarity[np.ix_(mine, mine)], -np.inf)
        np.fill_diagonal(alike, -np.inf)
        gone: list[int] = []
        for _ in range(count):
            one, other = divmod(int(np.argmax(alike)), len(alike))
            if not np.isfinite(alike[one, other]):
                break
            worse = one if self.index.qualities[mine[one]] < self.index.qualities[mine[other]] else other
            gone.append(worse)
            alike[worse], alike[:, worse] = -np.inf, -np.inf
        return tuple(self.ids[mine[i]] for i in gone)


def look(gallery: Gallery, name: str) -> Scene | None:
    """An identity and all identities near it; None where nothing of it is in the index."""
    scorer, whole = gallery.scorer, gallery.index
    assert isinstance(scorer, CentredLinkage)
    held = [id for id in gallery.partition.members[name] if id in whole]
    if not held:
        return None
    latest = sorted(held, key=lambda id: (gallery.evidence[id].is_by_hand, gallery.evidence[id].start, id))
    latest = latest[-MOST_TRACKLETS:]
    rows = np.array([whole.row(id) for id in latest])
    found = whole.nearest(scorer.probes(rows, whole), NEAREST)
    code = int(whole.owners[rows[0]])
    codes = _nearest_owners(found, whole, code)
    table = listed(whole, codes, rows, MOST_TRACKLETS).index
    order = np.lexsort((np.array(table.ids), table.starts))
    index = table.subset(order, table.owners[order])
    ids = tuple(index.ids)
    return Scene(
        gallery,
        ids,
        index,
        int(np.searchsorted(codes, code)),
        scorer.table(index),
        _apart(gallery, ids, index),
        np.array(together(gallery, ids), np.int64).reshape(-1, 2),
        gallery.topology.chain(np.arange(len(index)), index, gallery.evidence),
    )


def _nearest_owners(found: Sequence[Nearest], index: Index, own: int) -> Ints:
    """Codes of the ``MOST_NEIGHBOURS`` identities with the nearest tracklets, and of the identity itself, ascending."""
    rows = np.concatenate([one.rows for one in found])
    scores = np.concatenate([one.scores for one in found])
    owners = index.owners[rows]
    best: dict[int, None] = {own: None}
    for place in np.argsort(-scores, kind="stable"):
        if owners[place] >= 0 and len(best) <= MOST_NEIGHBOURS:
            best[int(owners[place])] = None
    return np.sort(np.fromiter(best, np.int64, len(best)))


def _apart(gallery: Gallery, ids: Sequence[str], index: Index) -> Bools:
    """(n, n) tracklets that cannot be one person."""
    apart = np.zeros((len(ids), len(ids)), bool)
    during = (index.starts[:, None] <= index.ends) & (index.ends[:, None] >= index.starts)
    asked = during.sum(axis=1) > 1
    site = gallery.topology.site
    if site.travel_s or not site.others_overlap:  # then tracklets that do not overlap may be too near as well
        asked[:] = True
    asked |= index.is_given
    said = {id for c in gallery.partition.constraints for id in (c.first, c.second)}
    for row, id in enumerate(ids):
        if not asked[row] and id not in said:
            continue
        for other, _ in gallery.rivals_among(id, index):
            if other in index:
                apart[row, index.row(other)] = apart[index.row(other), row] = True
    return apart


def _same_partition(one: Ints, other: Ints) -> bool:
    pairs = len(np.unique(np.stack([one, other]), axis=1).T)
    return pairs == len(np.unique(one)) == len(np.unique(other))


def _differ(cameras: Ints, starts: Sequence[float] | Float64s) -> bool:
    """Whether two of these sightings are independent of each other."""
    if len(cameras) < 2:
        return False
    return bool(np.ptp(cameras) > 0 or np.ptp(starts) > INDEPENDENT_S)
