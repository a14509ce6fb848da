"""The ledger: an append-only log of changes, and the partition of tracklets it folds to.

Nothing is baked in: who is who is always ``fold(changes)``, the same on every replay, and taking a change back means
folding without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from perdure.types import (
    Change,
    Constrained,
    Enrolled,
    Evidence,
    Forgotten,
    Matched,
    Merged,
    Moved,
    Renamed,
    Split,
    Undone,
    Watched,
)


@dataclass(slots=True)
class Partition:
    """Which tracklets are which identity. Only ``apply`` changes it."""

    members: dict[str, list[str]] = field(default_factory=dict)
    """Identity -> its tracklets, in order of joining; an identity without tracklets is not in it."""
    identity_of: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    """Identities merged away -> where they went."""
    names: dict[str, str] = field(default_factory=dict)
    watched: set[str] = field(default_factory=set)
    """The watch list. After a merge whom either was on it for; of a split only who keeps the number."""
    constraints: list[Constrained] = field(default_factory=list)
    tombstones: set[str] = field(default_factory=set)
    erased: set[str] = field(default_factory=set)
    """Tracklets that were forgotten."""
    minted: int = 0
    """How many identities were ever made; numbers are never reused."""

    def resolve(self, identity: str) -> str:
        """The identity an alias stands for now; itself if it is none."""
        while identity in self.aliases:
            identity = self.aliases[identity]
        return identity

    def apply(self, change: Change) -> None:
        """Take one change into account (``Undone`` needs the whole log: see ``fold``)."""
        match change:
            case Enrolled(identity=identity, tracklet=tracklet):
                self.minted += 1
                self._place(tracklet, identity)
            case Matched(identity=identity, tracklet=tracklet):
                self._place(tracklet, self.resolve(identity))
            case Moved(tracklet=tracklet, target=target):
                self._place(tracklet, self.resolve(target))
            case Merged(source=source, target=target):
                self._merge(self.resolve(source), self.resolve(target))
            case Split(target=target, tracklets=tracklets):
                self.minted += 1
                for tracklet in tracklets:
                    self._place(tracklet, target)
            case Renamed(identity=identity, name=name):
                self.names[self.resolve(identity)] = name
            case Watched(identity=identity, watched=watched):
                (self.watched.add if watched else self.watched.discard)(self.resolve(identity))
            case Constrained():
                self.constraints.append(change)
            case Forgotten(identity=identity, tracklets=tracklets):
                self._forget(self.resolve(identity), tracklets)
            case Undone():
                raise AssertionError("Undone is handled by fold")

    def _place(self, tracklet: str, identity: str) -> None:
        before = self.identity_of.get(tracklet)
        if before == identity or tracklet in self.erased:
            return
        if before is not None:
            self.members[before].remove(tracklet)
            if not self.members[before]:
                del self.members[before]
        self.members.setdefault(identity, []).append(tracklet)
        self.identity_of[tracklet] = identity

    def _merge(self, source: str, target: str) -> None:
        if source == target:
            return
        for tracklet in list(self.members.get(source, [])):
            self._place(tracklet, target)
        self.aliases[source] = target
        if source in self.names:
            self.names.setdefault(target, self.names.pop(source))
        if source in self.watched:
            self.watched.remove(source)
            self.watched.add(target)

    def _forget(self, identity: str, tracklets: tuple[str, ...]) -> None:
        erased = {*self.members.get(identity, []), *tracklets}
        for tracklet in sorted(erased & self.identity_of.keys()):  # some are elsewhere after an undone merge
            home = self.identity_of.pop(tracklet)
            self.members[home].remove(tracklet)
            if not self.members[home]:
                del self.members[home]
        self.names.pop(identity, None)
        self.watched.discard(identity)
        self.constraints = [c for c in self.constraints if not {c.first, c.second} & erased]
        self.tombstones.add(identity)
        self.erased |= erased


def fold(changes: Iterable[Change], start: Partition | None = None, done: int = 0) -> Partition:
    """The partition after all changes, less those taken back. Bit-identical on every replay.

    Taking back an ``Undone`` brings its change back; an undone ``Undone`` is therefore a redo.

    Args:
        changes: the whole log.
        start: what the first ``done`` changes folded to, which is then not done again, unless a later one takes back
            one of these. It is changed.
        done: see ``start``.
    """
    log = list(changes)
    if start is not None and any(isinstance(c, Undone) and c.position < done for c in log[done:]):
        start = None
    begin, partition = (0, Partition()) if start is None else (done, start)
    for change, stands in list(zip(log, standing(log), strict=True))[begin:]:
        if stands and not isinstance(change, Undone):
            partition.apply(change)
        elif isinstance(change, Enrolled | Split):
            partition.minted += 1  # a number once given is never given again
    return partition


def to_plain(partition: Partition) -> dict[str, object]:
    """All of it in lists, dicts, strings and numbers, for a snapshot."""
    return {
        "members": partition.members,
        "aliases": partition.aliases,
        "names": partition.names,
        "watched": sorted(partition.watched),
        "constraints": [[c.at, c.first, c.second, c.same] for c in partition.constraints],
        "tombstones": sorted(partition.tombstones),
        "erased": sorted(partition.erased),
        "minted": partition.minted,
    }


def from_plain(plain: Mapping[str, Any]) -> Partition:
    """The partition of a snapshot."""
    members = {identity: list(tracklets) for identity, tracklets in plain["members"].items()}
    return Partition(
        members=members,
        identity_of={tracklet: identity for identity, tracklets in members.items() for tracklet in tracklets},
        aliases=dict(plain["aliases"]),
        names=dict(plain["names"]),
        watched=set(plain["watched"]),
        constraints=[Constrained(*said) for said in plain["constraints"]],
        tombstones=set(plain["tombstones"]),
        erased=set(plain["erased"]),
        minted=int(plain["minted"]),
    )


def standing(log: Sequence[Change]) -> list[bool]:
    """For each change whether it still stands, judged from the newest to the oldest. ``Forgotten`` always does."""
    valid = [True] * len(log)
    for position in range(len(log) - 1, -1, -1):
        change = log[position]
        if valid[position] and isinstance(change, Undone) and 0 <= change.position < position:
            valid[change.position] = isinstance(log[change.position], Forgotten)
    return valid


def redacted(log: Sequence[Change], forgotten: Forgotten) -> list[Change]:
    """The log without what it says of a forgotten person; it folds to the same partition.

    Names and evidence go; that somebody was enrolled stays, under a number that is never given again.
    """
    erased = {*forgotten.tracklets}
    called, clean = {forgotten.identity}, []
    for change, stands in zip(reversed(log), reversed(standing(log)), strict=True):
        if stands and isinstance(change, Merged) and change.target in called:
            called.add(change.source)  # an alias of theirs
    for change in log:
        match change:
            case Enrolled(tracklet=tracklet) | Matched(tracklet=tracklet) if tracklet in erased:
                change = replace(change, evidence=NOTHING_SAID)
            case Merged(source=source, target=target) if {source, target} & called:
                change = replace(change, evidence=NOTHING_SAID)
            case Renamed(identity=identity) if identity in called:
                change = replace(change, name="")
            case Watched(identity=identity) if identity in called:
                change = replace(change, watched=False)
        clean.append(change)
    return clean


NOTHING_SAID = Evidence(0.0)
