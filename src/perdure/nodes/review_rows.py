"""What a reviewer is shown: rows of one strip against ranked candidates, and how far the review is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from perdure.gallery.questions import Asked
from perdure.nodes.review import Desk

UNSURE_FOR = 100
"""A pair that somebody was unsure about is not asked of them again before so many more entries."""
CLEAR = 0.05
"""Questions whose answer is less probable than this to change anything are not counted as left."""
MOST_CANDIDATES = 5
LEAST_PROBABLE = 0.02
"""Candidates less probable than this are not shown beside the first."""

Sees = Callable[[str], bool]
"""Whether somebody may look through a camera."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody the subject may be."""

    stands: str
    """The tracklet that the answer is about."""
    shown: tuple[str, ...]
    """Tracklets in order of time."""
    identity: str
    probability: float
    gain: float
    odds: float


@dataclass(frozen=True, slots=True)
class Row:
    """One strip against ranked candidates."""

    kind: str
    stands: str
    """The tracklet of the subject that the answers are about."""
    shown: tuple[str, ...]
    """Tracklets of the subject in order of time."""
    identity: str
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a review is."""

    answered: int
    """Answers that count."""
    mine: int
    """Of the one who asks."""
    left: int
    """Questions with a chance of at least ``CLEAR`` to change something."""
    errors_left: float
    """Expected number of wrong decisions: people in two identities, identities of two people."""
    misplaced: float
    """Expected tracklets of B-cubed that these cost."""
    tracklets: int
    people: int
    disputes: int
    looking: int
    """Identities still to be looked at before all questions are known."""


def rows(desk: Desk, by: str, count: int, sees: Sees, done: Iterable[frozenset[str]] = ()) -> list[Row]:
    """The most informative rows for a reviewer, no identity in two of them.

    Args:
        desk: its agenda is taken as it is.
        by: the reviewer; what they answered or were lately unsure about is not asked.
        count: rows wanted.
        sees: cameras they may look through; the pair that is asked about is always of these.
        done: pairs they have on their page already.
    """
    home, skip = desk.gallery.partition.identity_of, {*done, *_settled(desk, by)}
    evidence = desk.gallery.evidence

    def may(asked: Asked) -> bool:
        first, second = asked.question.first, asked.question.second
        return frozenset((first, second)) not in skip and sees(evidence[first].camera) and sees(evidence[second].camera)

    ranked = [asked for asked in desk.agenda.ranked() if may(asked)]
    joins: dict[str, list[Asked]] = {}
    for asked in ranked:
        if asked.question.kind == "join":
            for id in (asked.question.first, asked.question.second):
                joins.setdefault(home[id], []).append(asked)
    found: list[Row] = []
    used: set[str] = set()
    for asked in ranked:
        if len(found) == count:
            break
        q = asked.question
        names = {home[q.first], home[q.second]}
        if names & used:
            continue
        row = _part(asked, home) if q.kind == "part" else _join(asked, joins, home, used)
        found.append(row)
        used |= {row.identity, *(candidate.identity for candidate in row.candidates)}
    return [_in_order(row, desk, sees) for row in found]


def progress(desk: Desk, by: str) -> Progress:
    """As far as the agenda was refreshed."""
    ranked = desk.agenda.ranked()
    moves = [1 - a.probability if a.question.kind == "part" else a.probability for a in ranked]
    answers = desk.verdicts.answers.values()
    partition = desk.gallery.partition
    return Progress(
        answered=len(answers),
        mine=sum(a.by == by for a in answers),
        left=sum(p >= CLEAR for p in moves),
        errors_left=sum(moves),
        misplaced=sum(a.gain for a in ranked),
        tracklets=len(partition.identity_of),
        people=len(partition.members),
        disputes=len(desk.verdicts.disputed()),
        looking=desk.agenda.looking,
    )


def _settled(desk: Desk, by: str) -> set[frozenset[str]]:
    """Pairs this reviewer need not see: disputed ones have a list of their own."""
    verdicts = desk.verdicts
    mine = {a.pair for a in verdicts.answers.values() if a.by == by and a.said != "unsure"}
    disputed = {said[0].pair for said in verdicts.disputed()}
    return mine | disputed | set(verdicts.unsure(by, verdicts.last - UNSURE_FOR))


def _part(asked: Asked, home: dict[str, str]) -> Row:
    q = asked.question
    there = Candidate(q.second, q.other, home[q.second], asked.probability, asked.gain, q.odds)
    return Row("part", q.first, q.one, home[q.first], (there,))


def _join(asked: Asked, joins: dict[str, list[Asked]], home: dict[str, str], used: set[str]) -> Row:
    """The smaller identity against all that it may be; who stands for it is the same in all."""
    q = asked.question
    subject, shown = (q.first, q.one) if len(q.one) <= len(q.other) else (q.second, q.other)
    mine = home[subject]
    candidates: list[Candidate] = []
    for other in [asked, *sorted(joins[mine], key=lambda a: -a.probability)]:
        o = other.question
        stands, there = (o.second, o.other) if home[o.first] == mine else (o.first, o.one)
        known = any(candidate.identity == home[stands] for candidate in candidates)
        if known or home[stands] in used or len(candidates) == MOST_CANDIDATES:
            continue
        if other is asked or other.probability >= LEAST_PROBABLE:
            candidates.append(Candidate(stands, there, home[stands], other.probability, other.gain, o.odds))
    return Row("join", subject, shown, mine, tuple(candidates))


def _in_order(row: Row, desk: Desk, sees: Sees) -> Row:
    """Tracklets by start, without those of cameras that are not theirs."""
    evidence = desk.gallery.evidence

    def ordered(ids: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted((id for id in ids if sees(evidence[id].camera)), key=lambda id: (evidence[id].start, id)))

    candidates = tuple(
        Candidate(c.stands, ordered(c.shown), c.identity, c.probability, c.gain, c.odds) for c in row.candidates
    )
    return Row(row.kind, row.stands, ordered(row.shown), row.identity, candidates)
