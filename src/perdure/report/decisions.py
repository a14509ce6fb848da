"""The log of changes in words, with the evidence of each decision."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

from perdure.report.pictures import Album, Picture, best
from perdure.report.result import RunResult
from perdure.report.words import clock, count, percent
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

THUMBNAIL_PX: Final = 72
MAX_VETOES: Final = 12


@dataclass(frozen=True, slots=True)
class Face:
    """Who is meant, with a picture where there is one."""

    role: str
    """In the decision, "" where it is plain."""
    name: str
    """Of a tracklet or an identity."""
    identified: bool
    """Whether it is an identity, which has a colour."""
    alt: str
    picture: Picture | None


@dataclass(frozen=True, slots=True)
class TermTold:
    """One term of the odds as a bar."""

    name: str
    value: str
    width: float
    """Percent of half the scale."""
    speaks_for: bool
    """For "the same person"."""


@dataclass(frozen=True, slots=True)
class EvidenceTold:
    """The evidence of one decision."""

    probability: str
    percent: float
    best: str
    best_score: str
    second: str
    second_score: str
    terms: tuple[TermTold, ...]
    vetoes: tuple[str, ...]
    more_vetoes: int
    """So many are not listed."""


@dataclass(frozen=True, slots=True)
class Told:
    """One change."""

    position: int
    at: str
    kind: str
    sentence: str
    later: str
    """What became of it, "" where it still holds."""
    faces: tuple[Face, ...]
    evidence: EvidenceTold | None


@dataclass(slots=True)
class Teller:
    """Tells the changes of one run, in the order of the log."""

    result: RunResult
    album: Album
    _identity_of: dict[str, str] = field(init=False)
    _founder: dict[str, str] = field(default_factory=dict)
    """Identity -> the first tracklet it ever had."""

    def __post_init__(self) -> None:
        self._identity_of = self.result.identity_of
        for change in self.result.changes:
            match change:
                case Enrolled(identity=identity, tracklet=tracklet):
                    self._founder.setdefault(identity, tracklet)
                case Split(target=target, tracklets=tracklets):
                    self._founder.setdefault(target, tracklets[0])

    def tell(self, limit: int) -> list[Told]:
        """At most ``limit`` changes, those most worth a look."""
        changes = self.result.changes
        positions = sorted(sorted(range(len(changes)), key=lambda i: _dullness(changes[i]))[:limit])
        return [self._told(position, changes[position]) for position in positions]

    def _told(self, position: int, change: Change) -> Told:
        evidence = getattr(change, "evidence", None)
        told = None if evidence is None or _is_plain(change) else _evidence(evidence)
        kind = type(change).__name__.lower()
        later = self._later(change)
        return Told(position, clock(change.at), kind, sentence(change), later, self._faces(change), told)

    def _later(self, change: Change) -> str:
        match change:
            case Enrolled(identity=identity, tracklet=tracklet) | Matched(identity=identity, tracklet=tracklet):
                now = self._identity_of.get(tracklet, "nobody")
            case Moved(target=identity, tracklet=tracklet):
                now = self._identity_of.get(tracklet, "nobody")
            case _:
                return ""
        return "" if now == identity else f"in the end {now}"

    def _faces(self, change: Change) -> tuple[Face, ...]:
        """Whom it is about, then whom they were compared with."""
        match change:
            case Enrolled(identity=identity, tracklet=tracklet, evidence=evidence):
                compared = (self._known(evidence.best, "nearest"),) if evidence.best else ()
                return self._seen(tracklet), *compared
            case Matched(identity=identity, tracklet=tracklet):
                return self._seen(tracklet), self._known(identity)
            case Moved(tracklet=tracklet, target=target):
                return self._seen(tracklet), self._known(target)
            case Merged(source=source, target=target):
                return self._known(source), self._known(target)
            case Split(tracklets=tracklets, source=source):
                return self._seen(tracklets[0]), self._known(source, "was")
            case Constrained(first=first, second=second):
                return self._seen(first), self._seen(second)
            case Renamed(identity=identity) | Watched(identity=identity):
                return (self._known(identity),)
            case _:
                return ()

    def _seen(self, tracklet: str) -> Face:
        return Face("", tracklet, False, f"{tracklet} as the camera saw them", self._picture(tracklet))

    def _known(self, identity: str, role: str = "") -> Face:
        founder = self._founder.get(identity, "")
        return Face(role, identity, True, f"{identity} when first seen", self._picture(founder))

    def _picture(self, tracklet: str) -> Picture | None:
        found = self.result.tracklets.get(tracklet)
        references = best(found.exemplars, 1) if found else []
        return self.album.get(references[0], THUMBNAIL_PX) if references else None


def sentence(change: Change) -> str:
    """What happened."""
    match change:
        case Enrolled(identity=identity, tracklet=tracklet, evidence=evidence):
            if evidence.best is not None:
                why = f"{evidence.best} is nearest, but not near enough"
            elif evidence.vetoes:
                why = "everybody known is ruled out"
            else:
                why = "there was nobody to compare with"
            return f"{tracklet} is a new person, {identity}: {why}."
        case Matched(identity=identity, tracklet=tracklet):
            if _is_plain(change):
                return f"{tracklet} goes on with the same stay of {identity}."
            return f"{tracklet} is {identity} again."
        case Merged(source=source, target=target):
            return f"{source} and {target} are one person, {target} from now on."
        case Moved(tracklet=tracklet, source=source, target=target, reason=reason):
            return f"{tracklet} is not {source} but {target} ({reason})."
        case Split(source=source, target=target, tracklets=tracklets, reason=reason):
            what = tracklets[0] if len(tracklets) == 1 else count(len(tracklets), "tracklet")
            return f"{what} of {source} {'is' if len(tracklets) == 1 else 'are'} somebody else: {target} ({reason})."
        case Renamed(identity=identity, name=name):
            return f"{identity} is called {name}."
        case Watched(identity=identity, watched=watched):
            return f"{identity} is {'' if watched else 'no longer '}on the watch list."
        case Constrained(first=first, second=second, same=same):
            return f"{first} and {second} are {'one person' if same else 'two people'}: the operator said so."
        case Forgotten(identity=identity, reason=reason):
            return f"{identity} was forgotten ({reason})."
        case Undone(position=position):
            return f"Change {position} was taken back."


def _is_plain(change: Change) -> bool:
    """A long stay that was cut and goes on: nothing was weighed."""
    return (
        isinstance(change, Matched)
        and not change.evidence.terms
        and change.evidence.second is None
        and (math.isnan(change.evidence.best_score))
    )


def _dullness(change: Change) -> tuple[int, float]:
    """Sorts what is most worth a look first: corrections, then decisions by how near they were to the other side."""
    match change:
        case Enrolled(evidence=evidence) | Matched(evidence=evidence):
            return 2 if _is_plain(change) else 1, abs(evidence.probability - 0.5)
        case _:
            return 0, 0.0


def _evidence(evidence: Evidence) -> EvidenceTold:
    scale = max([abs(term.value) for term in evidence.terms if math.isfinite(term.value)], default=0.0) or 1.0
    terms = tuple(
        TermTold(term.name, f"{term.value:+.1f}", round(min(100.0, 100 * abs(term.value) / scale), 1), term.value > 0)
        for term in evidence.terms
    )
    return EvidenceTold(
        probability=percent(evidence.probability),
        percent=round(100 * evidence.probability, 1),
        best=evidence.best or "",
        best_score=_score(evidence.best_score),
        second=evidence.second or "",
        second_score=_score(evidence.second_score),
        terms=terms,
        vetoes=evidence.vetoes[:MAX_VETOES],
        more_vetoes=max(0, len(evidence.vetoes) - MAX_VETOES),
    )


def _score(score: float) -> str:
    return "" if math.isnan(score) else f"{score:.2f}"
