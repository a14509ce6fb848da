"""What to ask a person next: of all that is uncertain, the pairs whose answer is expected to put most right.

A question is about two tracklets, each standing for a group: two identities that may be one (*join*), or two parts of
one identity that may be two people (*part*). An answer that agrees with the gallery moves nothing, so what a question
is worth is P(the answer disagrees) times what would move: two groups of a and b tracklets that belong together and are
apart, or the other way round, cost 2ab / (a + b) tracklets of B-cubed. It is the expected error reduction of active
learning (Roy & McCallum, ICML 2001) for one step, where the effect of an answer is known; uncertainty alone (Lewis &
Gale, SIGIR 1994) asks of two glimpses as gladly as of two regulars. What follows from earlier answers is not asked
(``said``; Vesdapunt, Bellare & Dalvi, "Crowdsourcing algorithms for entity resolution", VLDB 2014).

How likely two identities are one person is said by ``closeness``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.special import expit

from perdure.gallery import closeness
from perdure.gallery.gallery import Gallery
from perdure.gallery.maintain import Scene, look
from perdure.gallery.refit import UNFITTED, Kind, Refit
from perdure.gallery.said import Said, said_of
from perdure.gallery.scoring import CentredLinkage
from perdure.types import Float64s, Ints

PART = (0.75, 1.35, -1.05)
"""Of likeness between a part and the rest, and transitions, and the offset: nats for one person. Fitted with
``closeness.JOIN``, each kind with one weight (docs/review.md)."""


@dataclass(frozen=True, slots=True)
class Question:
    """Do these two tracklets show one person?"""

    kind: Kind
    first: str
    """The tracklet that stands for ``one``: the most typical, well pictured."""
    second: str
    one: tuple[str, ...]
    """Of a *join* all of an identity, of a *part* those that would leave."""
    other: tuple[str, ...]
    odds: float
    """Nats for the same person, as the gallery sees it."""

    def moved(self) -> float:
        """Tracklets of B-cubed that hang on it."""
        return 2 * len(self.one) * len(self.other) / (len(self.one) + len(self.other))


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with what it is worth now."""

    question: Question
    probability: float
    """That it is one person."""
    gain: float
    """Expected tracklets of B-cubed that the answer puts right."""


@dataclass(slots=True)
class Agenda:
    """The questions of one gallery, kept up to date as it changes. Reads the gallery and never changes it."""

    gallery: Gallery
    refit: Refit = UNFITTED
    _found: dict[str, list[Question]] = field(default_factory=dict)
    """Identity -> what can be asked about it."""
    _members: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """As they were when last looked at."""
    _due: dict[str, None] = field(default_factory=dict)
    _said: Said = field(default_factory=lambda: Said(()))

    def refresh(self, most: int | None = None) -> int:
        """Look again at identities that changed, at most so many; how many are left."""
        gallery = self.gallery
        if not isinstance(gallery.scorer, CentredLinkage):
            return 0
        self._said = said_of(gallery)
        members = gallery.partition.members
        for name in [name for name in self._members if name not in members]:
            del self._members[name]
            self._found.pop(name, None)
        for name, ids in members.items():
            if self._members.get(name) != (now := tuple(ids)):
                self._members[name] = now
                self._due[name] = None
        done = 0
        while self._due and (most is None or done < most):
            name = next(iter(self._due))
            del self._due[name]
            done += 1
            scene = look(gallery, name) if name in members else None
            self._found[name] = [] if scene is None else list(_about(scene, name))
        return len(self._due)

    @property
    def looking(self) -> int:
        """Identities that are still to be looked at."""
        return len(self._due)

    def standing(self) -> Iterator[Question]:
        """Every question that can be asked now, each pair of identities once."""
        members, seen = self.gallery.partition.members, set[frozenset[str]]()
        home = self.gallery.partition.identity_of
        for name, questions in self._found.items():
            for question in questions:
                if question.kind == "join":
                    there = home.get(question.second, "")
                    pair = frozenset((name, there))
                    fresh = len(members.get(there, ())) == len(question.other) and self._members[name] == question.one
                    if not fresh or pair in seen or len(pair) < 2:
                        continue
                    seen.add(pair)
                if self._said.same(question.first, question.second) is None:
                    yield question

    def ranked(self) -> list[Asked]:
        """All of them, the most informative first."""
        found = list(self.standing())
        if not found:
            return []
        odds = np.array([question.odds for question in found])
        part = np.array([question.kind == "part" for question in found])
        same = self.refit.probability(odds, part)
        gain = np.where(part, 1 - same, same) * np.array([question.moved() for question in found])
        order = np.lexsort([[q.second for q in found], [q.first for q in found], -gain])
        return [Asked(found[i], float(same[i]), float(gain[i])) for i in order]


def _about(scene: Scene, name: str) -> Iterator[Question]:
    """What can be asked about the identity of a scene: one part of it, and each identity near it."""
    owners, llr = scene.index.owners, scene.llr
    mine = np.flatnonzero(owners == scene.own)
    if (weakest := _weakest(scene, llr, mine)) is not None:
        part, odds = weakest
        yield _question("part", scene, llr, part, np.setdiff1d(mine, part), odds)
    everybody = np.arange(len(owners))
    partition, within = scene.gallery.partition, closeness.within(llr, scene.expected(everybody, everybody), owners)
    for code in np.unique(owners):
        theirs = np.flatnonzero(owners == code)
        if code == scene.own or scene.apart[np.ix_(mine, theirs)].any():
            continue
        odds = scene.odds(mine, theirs, llr, (float(within[scene.own]), float(within[code])))
        asked = _question("join", scene, llr, mine, theirs, odds)
        there = partition.identity_of[asked.second]
        yield replace(asked, one=tuple(partition.members[name]), other=tuple(partition.members[there]))


def _question(kind: Kind, scene: Scene, llr: Float64s, one: Ints, other: Ints, odds: float) -> Question:
    first, second = _typical(llr, one), _typical(llr, other)
    ids = scene.ids
    return Question(kind, ids[first], ids[second], tuple(ids[i] for i in one), tuple(ids[i] for i in other), odds)


def _typical(llr: Float64s, group: Ints) -> int:
    """The member most like the others; poor pictures say little, and are like nobody."""
    within = llr[np.ix_(group, group)]
    return int(group[np.argmax(within.sum(axis=1) - np.diag(within))])


def _weakest(scene: Scene, llr: Float64s, mine: Ints) -> tuple[Ints, float] | None:
    """The part of an identity whose question is worth most, and its odds; None where all of it is said to be one.

    Parts are the branches of its tree by average linkage, in which what was said to be one is one leaf.
    """
    place = {int(row): i for i, row in enumerate(mine)}
    leaves = [{i} for i in range(len(mine))]
    for a, b in scene.together.tolist():
        if a in place and b in place:
            one, other = leaves[place[a]], leaves[place[b]]
            if one is not other:
                one |= other
                for i in other:
                    leaves[i] = one
    groups = [np.array(sorted(leaf)) for leaf in {id(leaf): leaf for leaf in leaves}.values()]
    best: tuple[float, Ints, float] | None = None
    for branch in _branches(llr[np.ix_(mine, mine)], groups):
        part, rest = mine[branch], np.delete(mine, branch)
        between, linked = float(llr[np.ix_(part, rest)].mean()), closeness.linked(scene.chain, part, rest)
        odds = float(np.dot(PART, [between, linked, 1.0]))
        gain = float(expit(-odds)) * 2 * len(part) * len(rest) / len(mine)
        if best is None or gain > best[0]:
            best = gain, part, odds
    return None if best is None else best[1:]


def _branches(llr: Float64s, groups: list[Ints]) -> Iterator[Ints]:
    """Every branch of the tree that average linkage makes of some groups, without the whole."""
    table = np.array([[llr[np.ix_(a, b)].mean() for b in groups] for a in groups])
    np.fill_diagonal(table, -np.inf)
    left = dict(enumerate(groups))
    if len(left) > 1:
        yield from groups
    while len(left) > 2:
        one, other = divmod(int(np.argmax(table)), len(groups))
        mine, theirs = left[one], left.pop(other)
        share = len(mine) / (len(mine) + len(theirs))
        with np.errstate(invalid="ignore"):
            table[one] = table[:, one] = share * table[one] + (1 - share) * table[other]
        table[one, one] = table[other] = table[:, other] = -np.inf
        left[one] = np.concatenate([mine, theirs])
        yield left[one]
