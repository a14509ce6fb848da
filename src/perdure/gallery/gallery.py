"""The gallery: tracklets in, changes out. Who is who at any moment is the fold of the log."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from perdure.gallery.admission import admitted
from perdure.gallery.calibrate import habit
from perdure.gallery.decide import Candidates, Rule
from perdure.gallery.holdings import Holdings
from perdure.gallery.index import Index
from perdure.gallery.ledger import Partition
from perdure.gallery.scoring import CentredLinkage
from perdure.gallery.shortlist import shortlist
from perdure.gallery.topology import by_floor
from perdure.types import (
    Bools,
    Change,
    Decision,
    Enrolled,
    Evidence,
    Exemplars,
    Float64s,
    Match,
    Matched,
    Merged,
    Moved,
    New,
    Split,
    Tracklet,
    Wait,
)

AT_ONCE = 512
"""Tracklets that are put into the index together when a gallery is filled."""


class Upkeep(Protocol):
    """Looks after a gallery as time goes by; may change it through its public methods only."""

    def tick(self, gallery: Gallery, at: float) -> None:
        """Do a bounded part of what there is to do."""


@dataclass(slots=True)
class Gallery(Holdings):
    """All people of one site, and who decides. The only writer; what it holds, and how that changes: ``Holdings``."""

    rule: Rule
    wait_s: float = 10.0
    return_rate: float = 0.88
    """Share of tracklets that show somebody seen before."""
    upkeep: Upkeep | None = None

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

    def restore(self, tracklets: Iterable[Tracklet], log: Sequence[Change], partition: Partition) -> None:
        """Fill an empty gallery with what lasted: who is who is as it was, nothing is decided again.

        Args:
            tracklets: the latest revisions, in the order in which they were first told.
            log: all changes.
            partition: what these fold to.
        """
        assert not self.evidence
        self.log, self.partition = list(log), partition
        told = list(tracklets)
        for first in range(0, len(told), AT_ONCE):
            bodies = [(t, admitted(t, self.model, self.dim)) for t in told[first : first + AT_ONCE]]
            known = [(t, body) for t, body in bodies if body is not None and t.id not in partition.erased]
            self._put_all(known)
            waiting = [t for t, _ in known if t.id not in partition.identity_of]
            self._waiting |= {t.id: t.start + self.wait_s for t in waiting}
        for change in self.log:
            if isinstance(change, Enrolled | Matched):
                self._note_certainty(change, [change.tracklet])
        self._weigh(self.partition.identity_of)
        for name in partition.members:
            self.scorer.regrouped(self._code(name), lambda name=name: self._pictures(name))  # type: ignore[misc]
        if len(self._index):
            self.scorer.placed(len(self._index) - 1, self._index)
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

    def judge(self, tracklet: Tracklet, *, ignoring: Collection[str] = ()) -> Decision:
        """Who a tracklet that is not in the gallery shows; nothing is kept of it.

        ``ignoring``: tracklets that exclude nobody by having been seen beside it.
        """
        body = admitted(tracklet, self.model, self.dim)
        assert body is not None
        assert tracklet.id not in self.evidence
        self.scorer.placed(self._put(tracklet, body), self._index)
        decision = self._judge(tracklet, None, ignoring)
        self._drop(tracklet.id)
        return decision

    def beside(self, tracklet: Tracklet, identity: str) -> list[str]:
        """Tracklets of an identity that this one, which is not in the gallery, cannot be of one person with."""
        body = admitted(tracklet, self.model, self.dim)
        assert body is not None
        self._put(tracklet, body)
        found = [other for other, _ in self.rivals(tracklet.id)]
        self._drop(tracklet.id)
        return [other for other in found if self.partition.identity_of.get(other) == identity]

    def _judge(self, tracklet: Tracklet, may_wait_until: float | None, ignoring: Collection[str] = ()) -> Decision:
        row, tracklets = self._index.row(tracklet.id), len(self._index) - 1
        allowed = self.listed() if self.listed_only else None
        always = np.array(sorted(self._codes[name] for name in allowed or ()), np.int64)
        listed = shortlist(row, self._index, self.scorer, always)
        index, codes = listed.index, listed.codes
        similarity = self.scorer.similarity(listed.row, index, len(codes))
        own = self.partition.identity_of.get(tracklet.id)
        similarity[codes == (-1 if own is None else self._codes[own])] = -np.inf
        vetoed, vetoes = self._vetoes(tracklet, index, ignoring)
        if allowed is not None:
            vetoed |= np.array([name not in allowed for name in self._names], bool)
        names = [self._names[code] for code in codes]
        meetings = self.topology.meetings(listed.row, index, self.evidence)
        topology = self.topology.evidence(listed.row, index, len(codes)) + by_floor(meetings, index, len(codes))
        known = len(self.partition.members if allowed is None else allowed) - (own is not None)
        usual = self._habit(names, known)
        worth = self.scorer.calibration if isinstance(self.scorer, CentredLinkage) else None
        no = vetoed[codes]
        candidates = Candidates(names, similarity, no, vetoes, tracklets, may_wait_until, known, topology, usual, worth)
        return self.rule(candidates)

    def _habit(self, names: Sequence[str], known: int) -> Float64s:
        """(M,) nats by which each of these identities is likelier than one of ``known`` that all come alike."""
        times = np.array([len(self.partition.members.get(name, ())) for name in names], np.int64)
        return habit(times, len(self.partition.identity_of), known)

    def _vetoes(
        self, tracklet: Tracklet, among: Index, ignoring: Collection[str] = ()
    ) -> tuple[Bools, tuple[str, ...]]:
        """(N,) identities it cannot be, and why, judged by the tracklets in ``among`` but those to ignore."""
        vetoed, reasons = np.zeros(len(self._names), bool), []
        for other, reason in self._rivals(tracklet, among):
            identity = self.partition.identity_of.get(other)
            if identity is not None and other not in ignoring and not vetoed[self._codes[identity]]:
                vetoed[self._codes[identity]] = True
                reasons.append(f"{identity}: {reason}")
        return vetoed, tuple(reasons)
