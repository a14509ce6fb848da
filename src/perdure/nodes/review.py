"""A desk at which a gallery is reviewed: what was answered, what follows from it, and what to ask next.

The log of answers (``answer_log``) is the truth of what was said; the gallery follows it. A desk belongs to whoever
owns the gallery: the thread of a live site, or one process with a run folder.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from perdure.errors import InputError, StoreError
from perdure.gallery.answers import ContradictionError, answer, hold
from perdure.gallery.cut import cut, parted, rejoin, rejoined
from perdure.gallery.gallery import Gallery
from perdure.gallery.ledger import standing
from perdure.gallery.questions import Agenda
from perdure.gallery.refit import Kind, refit
from perdure.gallery.verdicts import Answer, Entry, Saying, TakenBack, Verdicts
from perdure.nodes.answer_log import Applied, Cut, Line
from perdure.types import Constrained, Tracklet, Undone

Keeping = Literal["beside", "own", "later"]
"""Where the gallery's changes are kept: beside the answers (a run), in the gallery's own log (a live site), or nowhere,
for the site makes them again when it is served next."""


class Log(Protocol):
    """Where answers are kept: ``answer_log.AnswerLog``."""

    path: Path
    lines: list[Line]

    def append(self, *lines: Line) -> None:
        """Add entries, all of them or none."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a reviewer says about two tracklets."""

    first: str
    second: str
    said: Saying
    kind: Kind | Literal["split"] = "join"
    odds: float | None = None
    leaving: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """An answer that could not be taken, and why."""

    first: str
    second: str
    reason: str
    against: tuple[Answer, ...] = ()
    """The answers that contradict it, the least probable first; to take back any one of them is enough."""


@dataclass(slots=True)
class _Followed:
    """What the gallery did because of a pair."""

    same: bool
    positions: list[int]


@dataclass(slots=True)
class Desk:
    """One gallery under review. Not thread-safe: it is called where the gallery lives."""

    name: str
    gallery: Gallery
    log: Log
    keeping: Keeping
    verdicts: Verdicts = field(default_factory=Verdicts)
    agenda: Agenda = field(init=False)
    cuts: dict[int, Cut] = field(default_factory=dict)
    """Tracklets that were taken apart, by number of the entry."""
    _followed: dict[frozenset[str], _Followed] = field(default_factory=dict)
    _revised: dict[str, Tracklet] = field(default_factory=dict)
    _late: set[int] = field(default_factory=set)
    """Entries that were written before the gallery could follow them."""

    def __post_init__(self) -> None:
        self.agenda = Agenda(self.gallery)
        self._replay()
        self._learn()

    def say(self, at: float, by: str, given: Iterable[Given], *, decides: bool = False) -> list[Answer | Refused]:
        """Take answers, one after the other; each is on the disk when this returns, or refused.

        Args:
            at: UTC seconds.
            by: the reviewer.
            given: what they say.
            decides: the reviewer may decide what others dispute.

        Raises:
            StoreError: it cannot be written; then nothing of that answer is taken.
        """
        return [self._take(at, by, one, decides) for one in given]

    def _take(self, at: float, by: str, given: Given, decides: bool) -> Answer | Refused:
        number = self.verdicts.last + 1
        decides = decides and given.said != "unsure" and self._is_disputed(given)
        entry = Answer(
            number, at, by, given.first, given.second, given.said, given.kind, given.odds, given.leaving, decides
        )
        if reason := self._unknown(given):
            return Refused(given.first, given.second, reason)
        self.verdicts.add(entry)
        try:
            self._follow(entry, entry.pair, at)
        except ContradictionError as error:
            self.verdicts.drop(entry)
            return Refused(given.first, given.second, str(error), self._blamed(error))
        except (InputError, StoreError) as error:
            self.verdicts.drop(entry)
            if isinstance(error, StoreError):
                raise
            return Refused(given.first, given.second, str(error))
        self._learn()
        return entry

    def take_back(self, at: float, by: str, number: int) -> None:
        """An answer, or a cut, does not count any more; the gallery follows what is left.

        Raises:
            InputError: there is no such entry that still counts, what is left contradicts itself, or answers about the
                part that was cut off still count.
            StoreError: it cannot be written.
        """
        entry = TakenBack(self.verdicts.last + 1, at, by, number)
        if number in self.cuts:
            self._join_again(entry, self.cuts[number])
            return
        gone = self.verdicts.answers.get(number)
        if gone is None:
            raise InputError(f"there is no answer {number} that still counts")
        self.verdicts.add(entry)
        try:
            self._follow(entry, gone.pair, at)
        except (InputError, StoreError):
            self.verdicts.drop(entry, gone)
            raise
        self._learn()

    def cut(self, at: float, by: str, tracklet: str, since: float) -> Cut:
        """A tracklet shows somebody else from the picture of that time on.

        Raises:
            InputError: no such tracklet, or no pictures on both sides.
            StoreError: it cannot be written.
        """
        base = tracklet.partition(".")[0]
        taken = sum(id == base or id.startswith(f"{base}.") for id in self.gallery.evidence)
        entry = Cut(self.verdicts.last + 1, at, by, tracklet, since, f"{base}.{taken + 1}")
        begin = len(self.gallery.log)
        cut(self.gallery, at, tracklet, since, entry.second)
        try:
            self._keep(entry, begin)
        except StoreError:
            self._end_cut(entry, at)
            raise
        self._note_cut(entry)
        return entry

    def last_of(self, by: str) -> int | None:
        """Number of the latest entry of a reviewer that can be taken back."""
        entries: list[Answer | Cut] = [*self.verdicts.answers.values(), *self.cuts.values()]
        return max((entry.number for entry in entries if entry.by == by), default=None)

    def take_revised(self) -> list[Tracklet]:
        """Tracklets that were cut or joined since the last call, for whoever keeps the evidence."""
        revised = list(self._revised.values())
        self._revised.clear()
        return revised

    def hold(self, at: float) -> None:
        """Make the gallery agree with what was said where maintenance or new tracklets went against it."""
        hold(self.gallery, at)

    # --- following ----------------------------------------------------------------------------------------------

    def _unknown(self, given: Given) -> str:
        """Why there is nothing to say about these two; "" where there is."""
        partition = self.gallery.partition
        for id in (given.first, given.second):
            if id not in partition.identity_of:
                return f"{id} {'was forgotten' if id in partition.erased else 'is not known here'}: reload the page"
        return f"{given.first} is one tracklet: an answer is about two" if given.first == given.second else ""

    def _follow(self, entry: Entry, pair: frozenset[str], at: float) -> None:
        """Bring the gallery in line with what is believed of a pair now, and keep the entry with what it took.

        Raises:
            InputError: it cannot be; the gallery is as it was and nothing is kept.
        """
        begin = len(self.gallery.log)
        done, want = self._followed.get(pair), self.verdicts.believed(pair)
        if (None if done is None else done.same) != want:
            try:
                if done is not None:
                    self._undo(done.positions, at)
                if want is not None:
                    about = self.verdicts.about(pair)
                    latest = [a for a in about if a.said == ("same" if want else "different")][-1]
                    answer(self.gallery, at, latest.first, latest.second, same=want, leaving=latest.leaving)
            except InputError:
                self._undo(range(begin, len(self.gallery.log)), at)
                raise
            hold(self.gallery, at)
        try:
            self._keep(entry, begin)
        except StoreError:
            self._undo(range(begin, len(self.gallery.log)), at)
            raise
        self._note(pair, want, range(begin, len(self.gallery.log)))

    def _undo(self, positions: Iterable[int], at: float) -> None:
        stands = standing(self.gallery.log)
        for position in sorted(positions, reverse=True):
            if stands[position]:
                self.gallery.take_back(Undone(at, position))

    def _note(self, pair: frozenset[str], want: bool | None, made: range) -> None:
        """Remember which changes were made for a pair."""
        before = self._followed.get(pair)
        if want is None:
            self._followed.pop(pair, None)
        elif before is None or before.same != want:
            self._followed[pair] = _Followed(want, [i for i in made if not isinstance(self.gallery.log[i], Undone)])

    def _keep(self, entry: Entry | Cut, begin: int) -> None:
        """An entry and what the gallery changed for it, on the disk."""
        made = tuple(self.gallery.log[begin:])
        applied = Applied(entry.number, begin, len(made), made if self.keeping == "beside" else ())
        late = entry.number in self._late
        self.log.append(*([] if late else [entry]), *([] if self.keeping == "later" else [applied]))

    def _join_again(self, entry: TakenBack, was: Cut) -> None:
        about = [a.number for a in self.verdicts.answers.values() if was.second in a.pair and a.said != "unsure"]
        if about:  # they speak of somebody who would be gone
            numbers = ", ".join(map(str, sorted(about)))
            raise InputError(f"{was.second} was answered about since it was cut off: first take back {numbers}")
        begin = len(self.gallery.log)
        self._end_cut(was, entry.at)
        self._keep(entry, begin)
        self._note_joined(entry, was)

    def _note_cut(self, entry: Cut) -> None:
        self.cuts[entry.number] = entry
        self.verdicts.last = entry.number
        self._revised |= {id: self.gallery.evidence[id] for id in (entry.tracklet, entry.second)}

    def _note_joined(self, entry: TakenBack, was: Cut) -> None:
        self.verdicts.last = entry.number
        del self.cuts[was.number]
        self._revised[was.second] = self.gallery.evidence[was.second]

    def _end_cut(self, was: Cut, at: float) -> None:
        pair, stands = {was.tracklet, was.second}, standing(self.gallery.log)
        said = [
            place
            for place, change in enumerate(self.gallery.log)
            if isinstance(change, Constrained) and {change.first, change.second} == pair and stands[place]
        ]
        self._undo(said, at)
        rejoin(self.gallery, at, was.second)

    def _is_disputed(self, given: Given) -> bool:
        about = self.verdicts.about(frozenset((given.first, given.second)))
        return len({a.said for a in about} - {"unsure"}) > 1

    def _blamed(self, error: ContradictionError) -> tuple[Answer, ...]:
        """The answers behind a contradiction, the least probable by looks first."""
        pairs = {frozenset((c.first, c.second)): c.same for c in error.chain}
        found = [
            a
            for pair, same in pairs.items()
            for a in self.verdicts.about(pair)
            if a.said == ("same" if same else "different")
        ]

        def support(a: Answer) -> float:
            odds = 0.0 if a.odds is None else a.odds
            return odds if a.said == "same" else -odds

        return tuple(sorted(found, key=lambda a: (support(a), -a.number)))

    def _learn(self) -> None:
        """What the answers say of the odds of questions."""
        told = [(a.kind, a.odds, a.said == "same") for a in self.verdicts.answers.values() if a.said != "unsure"]
        self.agenda.refit = refit(
            [(kind, odds, same) for kind, odds, same in told if kind != "split" and odds is not None]
        )

    # --- beginning ----------------------------------------------------------------------------------------------

    def _replay(self) -> None:
        """Take up what was said before; what the gallery did not follow yet, it follows now.

        Raises:
            StoreError: the answers are about another run.
        """
        applied = {line.of: line for line in self.log.lines if isinstance(line, Applied)}
        for entry in [line for line in self.log.lines if not isinstance(line, Applied)]:
            done = applied.get(entry.number)
            if done is not None and self.keeping == "beside":
                self._redo(entry, done)
            elif done is not None and done.position + done.count <= len(self.gallery.log):
                self._take_up(entry, range(done.position, done.position + done.count))
            else:
                self._late.add(entry.number)
                self._follow_late(entry)

    def _redo(self, entry: Entry | Cut, done: Applied) -> None:
        """Change the gallery as it was changed then."""
        if done.position != len(self.gallery.log):
            raise StoreError(
                f"{self.log.path} is about another run than the one that is here now (was it made anew?): move that "
                "file away to review from the beginning"
            )
        before = self.cuts.get(entry.of) if isinstance(entry, TakenBack) else None
        if isinstance(entry, Cut):
            for part in parted(self.gallery.evidence[entry.tracklet], entry.since, entry.second):
                self.gallery.take_evidence(part)
        elif before is not None:
            rejoined(self.gallery, before.second)
        for change in done.changes:
            if isinstance(change, Undone):
                self.gallery.take_back(change)
            else:
                self.gallery.append(change)
        self._take_up(entry, range(done.position, done.position + done.count))

    def _take_up(self, entry: Entry | Cut, made: range) -> None:
        """Remember an entry that the gallery follows already."""
        if isinstance(entry, Cut):
            self._note_cut(entry)
        elif isinstance(entry, TakenBack) and entry.of in self.cuts:
            self._note_joined(entry, self.cuts[entry.of])
        else:
            pair = self._pair_of(entry)
            self.verdicts.add(entry)
            if pair:
                self._note(pair, self.verdicts.believed(pair), made)

    def _follow_late(self, entry: Entry | Cut) -> None:
        """Do what an entry asks for that was written while nobody could; what cannot be any more is left."""
        begin, at = len(self.gallery.log), entry.at
        try:
            if isinstance(entry, Cut):
                cut(self.gallery, at, entry.tracklet, entry.since, entry.second)
                self._keep(entry, begin)
                self._note_cut(entry)
            elif isinstance(entry, TakenBack) and entry.of in self.cuts:
                self._join_again(entry, self.cuts[entry.of])
            else:
                pair = self._pair_of(entry)
                self.verdicts.add(entry)
                if pair:
                    self._follow(entry, pair, at)
        except InputError:
            self.verdicts.last = entry.number

    def _pair_of(self, entry: Entry) -> frozenset[str]:
        """Which pair an entry is about; none where what it takes back is gone."""
        about = entry if isinstance(entry, Answer) else self.verdicts.answers.get(entry.of)
        return frozenset() if about is None else about.pair
