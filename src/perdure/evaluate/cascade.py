"""What one error does to all that comes after it: injected at many places of a stream, against the same run without it.

Faults, each at one tracklet and otherwise the same stream, gallery and past:

- *swap*: the tracklet and the next one in its camera that shows somebody else exchange the pictures of their second
  halves, as when a tracker confuses two people who cross.
- *bad crop*: the last picture of the tracklet is one of somebody else before the same camera.
- *false match*: the tracklet is put to the most similar identity that is not its person.
- *a crop less*: the last picture of the tracklet is left out. No error, but decisions that could have fallen either way
  fall another way: what the other faults have in common with it is not their doing.

Damage is looked for in later tracklets only; those that were tampered with do not count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, TypedDict, get_args

import numpy as np
from scipy.optimize import linear_sum_assignment

from perdure.errors import InputError
from perdure.evaluate.ablate import Setting, full
from perdure.evaluate.partition import partition
from perdure.evaluate.replay import Prepare, snapshot, tell
from perdure.evaluate.stream import Stream
from perdure.gallery.decide import Candidates, Rule
from perdure.gallery.gallery import Gallery
from perdure.gallery.scoring import CentredLinkage
from perdure.gallery.swaps import SECOND
from perdure.types import Bools, Decision, Evidence, Exemplars, Float64s, Ints, Match

Fault: TypeAlias = Literal["swap", "bad crop", "false match", "a crop less"]
FAULTS: tuple[Fault, ...] = get_args(Fault)
FIRST_PLACE, LAST_PLACE = 0.1, 0.7
"""Faults happen in this part of a stream, so that there are a past to spoil and a future to be spoilt."""


@dataclass(frozen=True, slots=True, eq=False)
class Damage:
    """Of one fault at one place; L later tracklets, in order."""

    fault: Fault
    place: int
    moved: Bools
    """(L,) True for those that are in other company than without the fault."""
    involved: Bools
    """(L,) True for those that show a person who took part in the fault."""
    lost: Float64s
    """(L,) B-cubed F of the tracklet without the fault less with it."""
    idf1_lost: float
    """Over the later tracklets."""
    errors: float
    """1 - IDF1 of the later tracklets without the fault."""
    left: Bools | None
    """(L,) ``moved`` after both galleries looked at everything again; None for policies without that step."""
    right: float = float("nan")
    """Of a swap: share of the pictures of both tracklets that are with their own person in the end."""
    apart: int = 0
    """Of a swap: how many of the two tracklets were taken apart."""

    @property
    def count(self) -> int:
        """Later tracklets in other company."""
        return int(self.moved.sum())

    @property
    def lasts(self) -> int:
        """The last of them is the so-many-th tracklet after the fault; 0 where there is none."""
        return int(np.flatnonzero(self.moved)[-1]) + 1 if self.moved.any() else 0


@dataclass(slots=True)
class FalseMatch:
    """A rule that once, when it is told who is right, decides for the most similar of the others."""

    rule: Rule
    right: frozenset[str] | None = None
    """Identities of the true person; None: decide as usual."""

    def __call__(self, candidates: Candidates) -> Decision:
        """Decide."""
        if self.right is None:
            return self.rule(candidates)
        correct = np.isin(candidates.identities, list(self.right))
        wrong = np.where(candidates.vetoed | correct, -np.inf, candidates.similarity)
        best = int(np.argmax(wrong))
        if not np.isfinite(wrong[best]):
            return self.rule(candidates)
        name = candidates.identities[best]
        return Match(name, Evidence(1.0, best=name, best_score=float(wrong[best])))


def cascade(
    setting: Setting,
    places: int,
    seed: int,
    told: Callable[[str], None] | None = None,
    faults: Sequence[Fault] = FAULTS,
) -> list[Damage]:
    """Every fault at so many random places of one stream, in which each tracklet is told once.

    Raises:
        InputError: the stream is too short, or nowhere has two tracklets of two pictures in one camera.
    """
    stream, prepare = setting.stream, full(setting).prepare
    chosen = _places(stream, places, np.random.default_rng([seed, 2]))
    clean = full(setting).gallery
    _finish(clean, stream, 0, prepare)
    clean_names, clean_second = _names(stream, clean), _second_names(stream, clean)
    running, begun, found = full(setting).gallery, 0, []
    for number, (place, partner) in enumerate(chosen):
        tell(running, stream, begun, place, prepare)
        begun = place
        for fault in faults:
            if told is not None:
                told(f"seed {seed + 1}, place {number + 1} of {len(chosen)}: {fault}")
            gallery = snapshot(running)
            spoilt = _spoilt(stream, gallery, fault, place, partner, prepare)
            second = _second_names(stream, gallery)
            both = None if clean_second is None or second is None else (clean_second, second)
            damage = _damage(stream, fault, place, partner, (clean_names, _names(stream, gallery)), both)
            if fault == "swap":
                damage = replace(damage, **_repaired(stream, spoilt, gallery, (place, partner)))
            found.append(damage)
    return found


def _places(stream: Stream, places: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Rows for the faults, in order, each with the next row in its camera that shows somebody else."""
    fit = np.flatnonzero([len(tracklet.exemplars[0]) >= 2 for tracklet in stream.told])
    cameras = np.array([tracklet.camera for tracklet in stream.told])
    pairs = []
    for row in fit[(fit >= FIRST_PLACE * len(stream)) & (fit < LAST_PLACE * len(stream))].tolist():
        later = fit[(fit > row) & (cameras[fit] == cameras[row]) & (stream.person[fit] != stream.person[row])]
        if len(later):
            pairs.append((row, int(later[0])))
    if not pairs:
        raise InputError(
            "no place for a fault: the stream needs two people before one camera, each with two pictures or more"
        )
    chosen = rng.permutation(len(pairs))[:places]
    return [pairs[i] for i in sorted(chosen.tolist())]


def _spoilt(stream: Stream, gallery: Gallery, fault: Fault, place: int, partner: int, prepare: Prepare) -> Stream:
    """Tells the gallery everything from ``place`` on, with the fault; the stream as it was told."""
    if fault == "false match":
        same = [stream.told[row].id for row in np.flatnonzero(stream.person[:place] == stream.person[place])]
        rule = FalseMatch(gallery.rule, frozenset(gallery.partition.identity_of[id] for id in same))
        gallery.rule = rule
        tell(gallery, stream, place, place + 1, prepare)
        gallery.rule = rule.rule
        _finish(gallery, stream, place + 1, prepare)
        return stream
    told = list(stream.told)
    mine, theirs = told[place].exemplars[0], told[partner].exemplars[0]
    if fault == "swap":
        told[place] = replace(told[place], exemplars=(_exchanged(mine, theirs),))
        told[partner] = replace(told[partner], exemplars=(_exchanged(theirs, mine),))
    elif fault == "a crop less":
        told[place] = replace(told[place], exemplars=(mine[:-1],))
    else:
        vectors = np.concatenate([mine.vectors[:-1], theirs.vectors[:1]])
        told[place] = replace(told[place], exemplars=(replace(mine, vectors=vectors),))
    spoilt = replace(stream, told=tuple(told))
    _finish(gallery, spoilt, place, prepare)
    return spoilt


def _exchanged(mine: Exemplars, theirs: Exemplars) -> Exemplars:
    """My first half, their second."""
    first, second = mine[: len(mine) // 2], theirs[len(theirs) // 2 :]
    return replace(
        mine,
        vectors=np.concatenate([first.vectors, second.vectors]),
        quality=np.concatenate([first.quality, second.quality]),
        at=np.concatenate([first.at, second.at]),
        pictures=first.pictures + second.pictures,
    )


class _Repair(TypedDict):
    right: float
    apart: int


def _repaired(stream: Stream, spoilt: Stream, gallery: Gallery, rows: tuple[int, int]) -> _Repair:
    """``Damage.right`` and ``Damage.apart``. An identity is who most of its other crops show."""
    swapped = {stream.told[row].id for row in rows}
    crops: dict[str, Counter[int]] = {}
    for row, tracklet in enumerate(stream.told):
        if tracklet.id not in swapped and (home := gallery.partition.identity_of.get(tracklet.id)) is not None:
            crops.setdefault(home, Counter())[int(stream.person[row])] += int(stream.crops[row])
    is_right, apart = [], 0
    for row, other in (rows, rows[::-1]):
        own, id = stream.told[row].exemplars[0].at, spoilt.told[row].id
        parts = [part for part in (id, id + SECOND) if part in gallery.evidence]
        apart += len(parts) - 1
        for part in parts:
            whose = crops.get(gallery.partition.identity_of[part], Counter()).most_common(1)
            for at in gallery.evidence[part].exemplars[0].at:
                shown = int(stream.person[row if at in own else other])
                is_right.append(bool(whose) and whose[0][0] == shown)
    return {"right": float(np.mean(is_right)), "apart": apart}


def _finish(gallery: Gallery, stream: Stream, begin: int, prepare: Prepare) -> None:
    tell(gallery, stream, begin, len(stream), prepare)
    gallery.tick(float("inf"))


def _second_names(stream: Stream, gallery: Gallery) -> Ints | None:
    """``_names`` after a second look; None where the policy has none."""
    if not isinstance(gallery.scorer, CentredLinkage):
        return None
    looked = snapshot(gallery)
    looked.consolidate(float(stream.at[-1]))
    return _names(stream, looked)


def _names(stream: Stream, gallery: Gallery) -> Ints:
    """(N,) identity of every tracklet, as a number."""
    names = [gallery.partition.identity_of[tracklet.id] for tracklet in stream.told]
    return np.asarray(np.unique(names, return_inverse=True)[1], np.int64)


def _damage(
    stream: Stream,
    fault: Fault,
    place: int,
    partner: int,
    online: tuple[Ints, Ints],
    second: tuple[Ints, Ints] | None,
) -> Damage:
    intact = np.ones(len(stream), bool)
    intact[[place, partner] if fault == "swap" else [place]] = False
    later = intact & (np.arange(len(stream)) > place)
    person, crops = stream.person[intact], stream.crops[intact].astype(np.float64)
    clean, spoilt = online[0][intact], online[1][intact]
    after = later[intact]
    anchored = np.where(after, 1.0, float(len(stream)))  # an identity is who it was before the fault
    lost = b_cubed_of_each(person, clean, crops) - b_cubed_of_each(person, spoilt, crops)
    others = partition(stream.person[later], online[0][later], stream.crops[later])
    mine = partition(stream.person[later], online[1][later], stream.crops[later])
    involved = np.isin(stream.person[later], _involved(stream, fault, place, partner, online[1]))
    return Damage(
        fault,
        place,
        elsewhere(clean, spoilt, anchored)[after],
        involved,
        lost[after],
        others.idf1 - mine.idf1,
        1 - others.idf1,
        None if second is None else elsewhere(second[0][intact], second[1][intact], anchored)[after],
    )


def _involved(stream: Stream, fault: Fault, place: int, partner: int, names: Ints) -> Ints:
    """Whose pictures the fault brought together."""
    if fault == "false match":
        company = np.flatnonzero(names[:place] == names[place])
        return np.append(stream.person[company], stream.person[place])
    return stream.person[[place] if fault == "a crop less" else [place, partner]]


def elsewhere(before: Ints, after: Ints, weight: Float64s) -> Bools:
    """(N,) True for items in other company, when the identities of two partitions are matched as well as possible."""
    table = np.zeros((int(before.max()) + 1, int(after.max()) + 1))
    np.add.at(table, (before, after), weight)
    rows, columns = linear_sum_assignment(table, maximize=True)
    partner = np.full(len(table), -1)
    partner[rows] = columns
    return np.asarray(partner[before] != after)


def b_cubed_of_each(person: Ints, identity: Ints, weight: Float64s) -> Float64s:
    """(N,) harmonic mean of the B-cubed precision and recall of each item: 2 x shared / (its person + its identity)."""
    people, who = np.unique(person, return_inverse=True)
    count = int(identity.max()) + 1
    cell = who * count + identity
    shared = np.bincount(cell, weight, minlength=len(people) * count)[cell]
    return np.asarray(2 * shared / (np.bincount(who, weight)[who] + np.bincount(identity, weight)[identity]))


def of_fault(damages: Sequence[Damage], fault: Fault) -> list[Damage]:
    """The damages of one kind of fault."""
    return [damage for damage in damages if damage.fault == fault]
