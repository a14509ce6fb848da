"""What several reviewers said about pairs of tracklets, and what is to be believed of it.

Of each reviewer the latest answer about a pair counts. Where they differ, most voices win; where it is even, the pair
is *disputed* and the gallery follows neither side until a third looks or somebody who may decide it does. Unsure is no
voice. Nothing is overwritten: the answers are a log, and taking one back is one more entry.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from perdure.gallery.refit import Kind

Saying: TypeAlias = Literal["same", "different", "unsure"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one reviewer said about two tracklets."""

    number: int
    """Its place in the log, from 1."""
    at: float
    """UTC seconds."""
    by: str
    first: str
    second: str
    said: Saying
    kind: Kind | Literal["split"] = "join"
    """Of the question; *split*: nobody asked, the reviewer pointed at the place."""
    odds: float | None = None
    """Nats for the same person when it was asked; None: nobody asked."""
    leaving: tuple[str, ...] = ()
    """Tracklets that go with ``first`` where it leaves."""
    decides: bool = False
    """Said about a disputed pair by somebody who may decide it."""

    @property
    def pair(self) -> frozenset[str]:
        """The two, in no order."""
        return frozenset((self.first, self.second))


@dataclass(frozen=True, slots=True)
class TakenBack:
    """An answer does not count any more."""

    number: int
    at: float
    by: str
    of: int
    """Number of the answer."""


Entry: TypeAlias = Answer | TakenBack


@dataclass(slots=True)
class Verdicts:
    """The fold of the log of answers."""

    answers: dict[int, Answer] = field(default_factory=dict)
    """Those that were not taken back, by number."""
    last: int = 0
    """Number of the last entry."""
    _about: dict[frozenset[str], list[int]] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        """Take one more entry into account; entries come in order of their numbers."""
        self.last = entry.number
        if isinstance(entry, Answer):
            self.answers[entry.number] = entry
            self._about.setdefault(entry.pair, []).append(entry.number)
        elif gone := self.answers.pop(entry.of, None):
            self._forget(gone)

    def drop(self, entry: Entry, gone: Answer | None = None) -> None:
        """Forget the last entry again, which could not be followed; ``gone``: the answer it took back."""
        self.last = entry.number - 1
        if isinstance(entry, Answer):
            self._forget(self.answers.pop(entry.number))
        elif gone is not None:
            self.answers[gone.number] = gone
            self._about[gone.pair] = sorted([*self._about.get(gone.pair, []), gone.number])

    def _forget(self, gone: Answer) -> None:
        """Leave no trace of an answer, so that a log in which it never was folds to the same."""
        self._about[gone.pair].remove(gone.number)
        if not self._about[gone.pair]:
            del self._about[gone.pair]

    def about(self, pair: frozenset[str]) -> list[Answer]:
        """The answers about a pair that count: of each reviewer the latest, in order."""
        latest = {self.answers[number].by: number for number in self._about.get(pair, [])}
        return [self.answers[number] for number in sorted(latest.values())]

    def believed(self, pair: frozenset[str]) -> bool | None:
        """Whether they are one person; None where nobody is sure, or it is disputed."""
        return believed(self.about(pair))

    def disputed(self) -> list[list[Answer]]:
        """The answers about every pair on which voices are even, the latest dispute first."""
        found = [said for pair in self._about if is_disputed(said := self.about(pair))]
        return sorted(found, key=lambda said: -said[-1].number)

    def unsure(self, by: str, since: int) -> list[frozenset[str]]:
        """Pairs of which this reviewer said after that entry that they cannot tell."""
        return [a.pair for a in self.answers.values() if a.said == "unsure" and a.by == by and a.number > since]

    def last_of(self, by: str) -> Answer | None:
        """The latest answer of a reviewer that still counts."""
        return max((a for a in self.answers.values() if a.by == by), key=lambda a: a.number, default=None)


def believed(said: Iterable[Answer]) -> bool | None:
    """Of the answers about one pair; see ``Verdicts.believed``."""
    voices = [answer for answer in said if answer.said != "unsure"]
    if deciding := [answer for answer in voices if answer.decides]:
        return deciding[-1].said == "same"
    same = sum(answer.said == "same" for answer in voices)
    return None if 2 * same == len(voices) else 2 * same > len(voices)


def is_disputed(said: Iterable[Answer]) -> bool:
    """Whether voices about one pair are even, and there are some."""
    known = list(said)
    return believed(known) is None and any(answer.said != "unsure" for answer in known)
