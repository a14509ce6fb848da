"""The gallery: tracklets in, changes out. Who is who at any moment is the fold of the log."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from perdure.errors import InputError
from perdure.gallery.admission import admitted
from perdure.gallery.decide import Candidates, Rule
from perdure.gallery.exemplars import halves, mean, purest, typical_quality
from perdure.gallery.index import Index
from perdure.gallery.ledger import Partition, fold, redacted
from perdure.gallery.passers import Passers
from perdure.gallery.portrait import identity_of
from perdure.gallery.rivals import Claims, rivals
from perdure.gallery.scoring import CentredLinkage, Scorer
from perdure.gallery.shortlist import shortlist
from perdure.gallery.topology import Topology, by_appearance, by_floor
from perdure.types import (
    Bools,
    Change,
    Decision,
    Enrolled,
    Evidence,
    Exemplars,
    Float64s,
    Forgotten,
    Identity,
    Match,
    Matched,
    Merged,
    Moved,
    New,
    Renamed,
    Split,
    Tracklet,
    Undone,
    Wait,
    Watched,
)

HABIT_WEIGHT = 2.0
"""Tracklets that everybody is taken to have come for beside those that were seen."""


class Upkeep(Protocol):
    """Looks after a gallery as time goes by; may change it through its public methods only."""

    def tick(self, gallery: Gallery, at: float) -> None:
        """Do a bounded part of what there is to do."""


@dataclass(slots=True)
class Gallery:
    """All people of one site. Its only writer; every change goes through ``append``."""

    model: str
    dim: int
    scorer: Scorer
    rule: Rule
    wait_s: float = 10.0
    return_rate: float = 0.88
    """Share of tracklets that show somebody seen before."""
    topology: Topology = field(default_factory=Topology)
    upkeep: Upkeep | None = None
    listed_only: bool = False
    """Only who is enrolled or watched can be matched; whoever else comes is let go and counted, and no identity."""
    log: list[Change] = field(default_factory=list)
    partition: Partition = field(default_factory=Partition)
    evidence: dict[str, Tracklet] = field(default_factory=dict)
    """The highest revision of each tracklet."""
    _index: Index = field(init=False)
    _codes: dict[str, int] = field(default_factory=dict)
    _names: list[str] = field(default_factory=list)
    _camera_codes: dict[str, int] = field(default_factory=dict)
    _waiting: dict[str, float] = field(default_factory=dict)
    _likely: dict[str, str] = field(default_factory=dict)
    """Of tracklets that wait, who is the most probable."""
    _touched: dict[str, None] = field(default_factory=dict)
    _sure: dict[str, float] = field(default_factory=dict)
    """Tracklet -> probability of what was last decided about it."""
    _alike: dict[str, float] = field(default_factory=dict)
    """The same by appearance alone: what the topology may learn from."""
    _given: dict[str, None] = field(default_factory=dict)
    """Tracklets that are pictures given by hand."""
    passers: Passers = field(default_factory=Passers)
    """With ``listed_only``: who came and is not on the list."""

    def __post_init__(self) -> None:
        self._index = Index(self.dim)

    def observe(self, tracklets: Iterable[Tracklet]) -> list[Change]:
        """Take new tracklets and revisions; the changes they led to. An old revision changes nothing.

        Raises:
            InputError: one of them cannot be true (``admission``); then nothing of these is taken.
        """
        before = len(self.log)
        for tracklet, body in [(t, admitted(t, self.model, self.dim)) for t in tracklets]:
            known = self.evidence.get(tracklet.id)
            if known is not None and known.revision >= tracklet.revision:
                continue
            if body is not None and tracklet.id not in self.partition.erased:
                self._take(tracklet, body)
        return self.log[before:]

    def give(self, tracklet: Tracklet, change: Enrolled | Matched) -> None:
        """Take pictures that somebody gave by hand, and what they said of them."""
        body = admitted(tracklet, self.model, self.dim)
        assert body is not None
        assert tracklet.is_by_hand
        self.scorer.placed(self._put(tracklet, body), self._index)
        self.append(change)

    def tick(self, at: float) -> list[Change]:
        """Time has passed: decide what waited long enough, and look after the gallery."""
        before = len(self.log)
        for id in [id for id, until in self._waiting.items() if until <= at]:
            self._decide(self.evidence[id], final=True)
        for id in self.passers.surplus():
            self._drop(id)
        if self.upkeep is not None:
            self.upkeep.tick(self, at)
        return self.log[before:]

    def take_touched(self) -> list[Identity]:
        """The identities that changed since the last call, as they are now; one that is gone has no sightings."""
        touched = [self.identity(name) for name in self._touched]
        self._touched.clear()
        return touched

    def identities(self) -> list[Identity]:
        """Everybody, in order of first sighting."""
        everybody = [self.identity(name) for name in self.partition.members]
        return sorted(everybody, key=lambda i: (i.first_seen if i.sightings else math.inf, i.id))

    def identity(self, name: str) -> Identity:
        """One identity as it is now."""
        members = [self.evidence[id] for id in self.partition.members.get(name, [])]
        return identity_of(name, members, self.model, self.partition, self._sure)

    def consolidate(self, at: float) -> list[Change]:
        """Look at everything again with full look-ahead and correct the partition; the changes that took.

        Only the default scorer knows how; with a policy of the field, which has no such step, nothing happens.
        """
        from perdure.gallery.second_look import look_again  # which looks after galleries

        before = len(self.log)
        look_again(self, at)
        return self.log[before:]

    def decide_all(self) -> None:
        """Wait for nothing any more."""
        for id in list(self._waiting):
            self._decide(self.evidence[id], final=True)

    def learn_topology(self) -> None:
        """Learn transitions between cameras from everything decided so far."""
        self.topology.learn(self._index, np.array([self._alike.get(id, 1.0) for id in self._index.ids]))

    def note_certainty(self, certainty: Mapping[str, float]) -> None:
        """The probability of where these tracklets are, by somebody who looked at all of them."""
        self._sure |= certainty

    def restore(self, tracklets: Iterable[Tracklet], log: Sequence[Change], partition: Partition) -> None:
        """Fill an empty gallery with what lasted: who is who is as it was, nothing is decided again.

        Args:
            tracklets: the latest revisions, in the order in which they were first told.
            log: all changes.
            partition: what these fold to.
        """
        assert not self.evidence
        self.log, self.partition = list(log), partition
        row = -1
        for tracklet in tracklets:
            body = admitted(tracklet, self.model, self.dim)
            if body is None or tracklet.id in partition.erased:
                continue
            row = self._put(tracklet, body)
            if tracklet.id not in partition.identity_of:
                self._waiting[tracklet.id] = tracklet.start + self.wait_s
        for change in self.log:
            if isinstance(change, Enrolled | Matched):
                self._note_certainty(change, [change.tracklet])
        for name in partition.members:
            self.scorer.regrouped(self._code(name), lambda name=name: self._pictures(name))  # type: ignore[misc]
        if row >= 0:
            self.scorer.placed(row, self._index)
            self.learn_topology()

    # --- one tracklet -------------------------------------------------------------------------------------------

    def _take(self, tracklet: Tracklet, body: Exemplars) -> None:
        self.scorer.placed(self._put(tracklet, body), self._index)
        if self.topology.is_due(self._index):
            self.learn_topology()
        identity = self.partition.identity_of.get(tracklet.id)
        if identity is None:
            self._decide(tracklet, final=tracklet.ended != "open")
            return
        self._touch(identity)
        company = np.flatnonzero(self._index.owners == self._codes[identity])
        if self._vetoes(tracklet, self._index.subset(company, self._index.owners[company]))[0].any():
            self._move(tracklet, identity)
        elif tracklet.ended != "open" and self.partition.members[identity] == [tracklet.id]:
            self._settle(tracklet, identity)

    def _put(self, tracklet: Tracklet, body: Exemplars) -> int:
        """Its row, new or renewed."""
        self.evidence[tracklet.id] = tracklet
        if tracklet.is_by_hand:
            self._given[tracklet.id] = None
        camera = self._camera_codes.setdefault(tracklet.camera, len(self._camera_codes))
        self.topology.meet(list(self._camera_codes))
        self.topology.told(tracklet)
        shown, alike = body, float("nan")
        if isinstance(self.scorer, CentredLinkage) and not tracklet.is_by_hand:  # given by hand: no order of time
            shown = purest(body, self.scorer.calibration.mixed_below)
            alike = halves(shown)
        said = mean(shown), tracklet.start, tracklet.end, camera, typical_quality(shown), alike
        row = self._index.put(tracklet.id, *said)
        if (home := self.partition.identity_of.get(tracklet.id)) is not None:
            self._index.owners[row] = self._code(home)
        return row

    def _decide(self, tracklet: Tracklet, *, final: bool) -> None:
        """Place a tracklet that has no identity yet, unless it is better to wait."""
        self._waiting.pop(tracklet.id, None)
        self._likely.pop(tracklet.id, None)
        parent = self.partition.identity_of.get(tracklet.supersedes or "")
        if tracklet.began == "cut" and parent is not None:
            self.append(Matched(tracklet.end, parent, tracklet.id, Evidence(1.0, best=parent)))
            return
        until = None if final else tracklet.start + self.wait_s
        match self._judge(tracklet, until if until is not None and until > tracklet.end else None):
            case Match(identity=identity, evidence=evidence):
                self.passers.discard(tracklet.id)
                self.append(Matched(tracklet.end, identity, tracklet.id, evidence))
            case New() if self.listed_only:
                self.passers.note(tracklet)
            case New(evidence=evidence):
                self.append(Enrolled(tracklet.end, self.mint(), tracklet.id, evidence))
            case Wait(until=deadline, evidence=evidence):
                self._waiting[tracklet.id] = deadline
                self._likely[tracklet.id] = evidence.best or ""

    def _settle(self, tracklet: Tracklet, identity: str) -> None:
        """A closed tracklet that is all there is of its identity: with all its evidence, is it somebody known?"""
        match self._judge(tracklet, None):
            case Match(identity=target, evidence=evidence):
                self.append(Merged(tracklet.end, identity, target, evidence))

    def _move(self, tracklet: Tracklet, source: str) -> None:
        """More evidence says that it cannot be this identity: find it another."""
        match self._judge(tracklet, None):
            case Match(identity=target):
                self.append(Moved(tracklet.end, tracklet.id, source, target, "seen beside its identity"))
            case _:
                target = self.mint()
                self.append(Split(tracklet.end, source, target, (tracklet.id,), "seen beside its identity"))
                if self.listed_only:
                    self.passers.expelled.append(target)

    def _judge(self, tracklet: Tracklet, may_wait_until: float | None) -> Decision:
        row, tracklets = self._index.row(tracklet.id), len(self._index) - 1
        allowed = self.listed() if self.listed_only else None
        always = np.array(sorted(self._codes[name] for name in allowed or ()), np.int64)
        listed = shortlist(row, self._index, self.scorer, always)
        index, codes = listed.index, listed.codes
        similarity = self.scorer.similarity(listed.row, index, len(codes))
        own = self.partition.identity_of.get(tracklet.id)
        similarity[codes == (-1 if own is None else self._codes[own])] = -np.inf
        vetoed, vetoes = self._vetoes(tracklet, index)
        if allowed is not None:
            vetoed |= np.array([name not in allowed for name in self._names], bool)
        names = [self._names[code] for code in codes]
        meetings = self.topology.meetings(listed.row, index, self.evidence)
        topology = self.topology.evidence(listed.row, index, len(codes)) + by_floor(meetings, index, len(codes))
        known = len(self.partition.members if allowed is None else allowed) - (own is not None)
        habit = self._habit(names, known)
        worth = self.scorer.calibration if isinstance(self.scorer, CentredLinkage) else None
        no = vetoed[codes]
        candidates = Candidates(names, similarity, no, vetoes, tracklets, may_wait_until, known, topology, habit, worth)
        return self.rule(candidates)

    def _habit(self, names: Sequence[str], known: int) -> Float64s:
        """(M,) nats by which each of these identities is likelier than one of ``known`` that all come alike.

        Who came n times of T comes next in proportion to n + ``HABIT_WEIGHT``: the predictive rule of a Dirichlet prior
        (Johnson 1932; of the Chinese restaurant process with 0). Fragments and passers-by, who are many, then do not
        make regulars harder to recognise.
        """
        times = np.array([len(self.partition.members.get(name, ())) for name in names], np.float64)
        expected = (len(self.partition.identity_of) + HABIT_WEIGHT * known) / max(known, 1)
        return np.asarray(np.log((times + HABIT_WEIGHT) / max(expected, HABIT_WEIGHT)))

    def _vetoes(self, tracklet: Tracklet, among: Index) -> tuple[Bools, tuple[str, ...]]:
        """(N,) identities it cannot be, and why, judged by the tracklets in ``among``."""
        vetoed, reasons = np.zeros(len(self._names), bool), []
        for other, reason in self._rivals(tracklet, among):
            identity = self.partition.identity_of.get(other)
            if identity is not None and not vetoed[self._codes[identity]]:
                vetoed[self._codes[identity]] = True
                reasons.append(f"{identity}: {reason}")
        return vetoed, tuple(reasons)

    def _rivals(self, tracklet: Tracklet, index: Index) -> list[tuple[str, str]]:
        """Tracklets of ``index`` that show somebody else for certain, each with the reason."""
        same_camera = index.cameras == self._camera_codes[tracklet.camera]
        return rivals(tracklet, index, Claims(self.evidence, self.partition, self.topology), same_camera)

    # --- everything ---------------------------------------------------------------------------------------------

    def append(self, change: Change) -> None:
        """The only way anything changes."""
        tracklets = _tracklets_of(change, self.partition)
        homes = {self.partition.identity_of.get(id) for id in tracklets}
        self.log.append(change)
        self.partition.apply(change)
        homes |= {self.partition.identity_of.get(id) for id in tracklets}
        if isinstance(change, Renamed | Watched):
            homes.add(self.partition.resolve(change.identity))
        self._note_certainty(change, tracklets)
        for id in tracklets:
            if id in self._index:  # not retired
                self._index.owners[self._index.row(id)] = self._code(self.partition.identity_of[id])
        for name in sorted(home for home in homes if home is not None):
            self._touch(name)

    def _note_certainty(self, change: Change, tracklets: Sequence[str]) -> None:
        match change:
            case Matched(evidence=evidence) | Merged(evidence=evidence):
                self._sure |= dict.fromkeys(tracklets, evidence.probability)
                self._alike |= dict.fromkeys(tracklets, by_appearance(evidence))
            case Enrolled(evidence=evidence):
                self._sure |= dict.fromkeys(tracklets, 1 - evidence.probability)

    def take_evidence(self, tracklet: Tracklet) -> None:
        """Replace what is known of a tracklet, or know a new one, and decide nothing: whoever calls says who it is.

        Raises:
            InputError: it cannot be true (``admission``), or has no pictures.
        """
        body = admitted(tracklet, self.model, self.dim)
        if body is None:
            raise InputError(f"tracklet {tracklet.id} has no pictures")
        self.scorer.placed(self._put(tracklet, body), self._index)
        if (home := self.partition.identity_of.get(tracklet.id)) is not None:
            self._touch(home)

    def erase(self, tombstone: Forgotten) -> None:
        """Forget an identity: its evidence is overwritten, the log before says nothing of it any more."""
        self.log[:] = redacted(self.log, tombstone)
        self.append(tombstone)
        for id in tombstone.tracklets:
            self._drop(id)
        self._touch(tombstone.identity)

    def _drop(self, tracklet: str) -> None:
        """Let go of all that is known of a tracklet."""
        for kept in (self.evidence, self._waiting, self._likely, self._sure, self._alike, self._given):
            kept.pop(tracklet, None)
        if tracklet in self._index:
            self._index.remove(tracklet)

    def take_back(self, undone: Undone) -> None:
        """Fold the log again without a change."""
        before = self.partition.identity_of
        self.log.append(undone)
        self.partition = fold(self.log)
        now = self.partition.identity_of
        moved = [id for id in self.evidence if before.get(id) != now.get(id)]
        homes = {home for id in moved for home in (before.get(id), now.get(id)) if home is not None}
        change = self.log[undone.position]
        if isinstance(change, Renamed | Watched):
            homes.add(self.partition.resolve(change.identity))
        for id in moved:
            if id in self._index:  # not retired
                self._index.owners[self._index.row(id)] = self._code(now[id])
        for name in sorted(homes):
            self._touch(name)

    def rivals(self, tracklet: str) -> list[tuple[str, str]]:
        """Tracklets that show somebody else than this one for certain, each with the reason."""
        return self.rivals_among(tracklet, self._index)

    def rivals_among(self, tracklet: str, index: Index) -> list[tuple[str, str]]:
        """``rivals`` that are in this part of the index, which must hold the tracklet."""
        return self._rivals(self.evidence[tracklet], index)

    def retire(self, tracklets: Iterable[str]) -> None:
        """Compare nothing with these any more and let go of their pictures; who they are stays as it is."""
        for id in list(tracklets):
            if id in self._index:
                self._index.remove(id)
                self.evidence[id] = replace(self.evidence[id], path=_ends(self.evidence[id].path))

    @property
    def index(self) -> Index:
        """The tracklets that are compared with."""
        return self._index

    def enrolled(self) -> set[str]:
        """Identities that somebody gave pictures of by hand: never merged away, retired or let go by themselves."""
        return {self.partition.identity_of[id] for id in self._given}

    def listed(self) -> set[str]:
        """Identities that are enrolled or on the watch list."""
        return self.enrolled() | self.partition.watched

    @property
    def undecided(self) -> int:
        """Tracklets that wait for more evidence."""
        return len(self._waiting)

    def likely(self, tracklet: str) -> str:
        """Who a tracklet that waits for more evidence probably is; "" where it does not wait, or nobody is probable."""
        return self._likely.get(tracklet, "")

    def name_of(self, code: int) -> str:
        """The identity that the index and scores call by this code."""
        return self._names[code]

    def certainty_of(self, tracklet: str) -> float:
        """Probability of what was last decided about a tracklet."""
        return self._sure.get(tracklet, 1.0)

    def tracklets_of(self, change: Change) -> list[str]:
        """The tracklets that a change placed, as far as they are still there."""
        return [id for id in _tracklets_of(change, self.partition) if id in self.evidence]

    def _touch(self, name: str) -> None:
        self._touched[name] = None
        self.scorer.regrouped(self._code(name), lambda: self._pictures(name))

    def _pictures(self, name: str) -> Exemplars | None:
        """All pictures of an identity in order of time."""
        parts = [self.evidence[id].body(self.model) for id in self.partition.members.get(name, [])]
        bodies = [part for part in parts if part is not None]
        if not bodies:
            return None
        joined = Exemplars(
            self.model,
            np.concatenate([b.vectors for b in bodies]),
            np.concatenate([b.quality for b in bodies]),
            np.concatenate([b.at for b in bodies]),
            tuple(picture for b in bodies for picture in b.pictures),
        )
        return joined[np.argsort(joined.at, kind="stable")]

    def mint(self) -> str:
        """The next number of an identity."""
        return f"P{self.partition.minted + 1}"

    def _code(self, name: str) -> int:
        if name not in self._codes:
            self._codes[name] = len(self._names)
            self._names.append(name)
        return self._codes[name]


def _ends(path: Float64s) -> Float64s:
    """The first and the last row."""
    return path[:: max(len(path) - 1, 1)]


def _tracklets_of(change: Change, partition: Partition) -> list[str]:
    """The tracklets whose identity a change sets."""
    match change:
        case Enrolled(tracklet=id) | Matched(tracklet=id) | Moved(tracklet=id):
            return [id]
        case Split(tracklets=ids):
            return list(ids)
        case Merged(source=source):
            return list(partition.members.get(partition.resolve(source), []))
    return []
