"""The worst mistakes of a stream as people can judge them: the pictures, and the evidence when it was decided.

A *merge* is an identity that several people share, a *fragment* a person that several identities share. Both are ranked
by how many crops are in the wrong place: not of the identity's main person, or not in the person's main identity.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from perdure.evaluate.replay import assigned
from perdure.evaluate.stream import Stream
from perdure.gallery.ledger import Partition, fold
from perdure.report.words import percent
from perdure.types import Change, Enrolled, Evidence, Ints, Matched, Merged, Moved, Split

Kind: TypeAlias = Literal["merge", "fragment"]
MAX_MISTAKES = 8
"""Of each kind."""
MAX_SHOWN = 8
"""Tracklets of each mistake."""
MAIN_SHOWN = 2
"""Of them at most so many of the person or identity that is in the right."""


@dataclass(frozen=True, slots=True)
class Witness:
    """One tracklet of a mistake."""

    tracklet: str
    camera: str
    person: int
    identity: str
    crops: int
    in_place: bool
    """Of the main person of a merge, or in the main identity of a fragment."""
    picture: str
    """Of its best crop, as the stream names it."""
    said: tuple[str, ...]
    """What was decided about it, in order, with the evidence of the time."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One identity of several people, or one person with several identities."""

    kind: Kind
    name: str
    """The identity, or the number of the person."""
    parts: int
    """People, or identities."""
    crops: int
    wrong_crops: int
    tracklets: int
    shown: tuple[Witness, ...]
    """At most ``MAX_SHOWN``: a few that are in place, then one of each other part, largest parts first."""


def worst(stream: Stream, log: Sequence[Change], most: int = MAX_MISTAKES) -> list[Mistake]:
    """The worst merges, then the worst fragments, each kind worst first; at most ``most`` of each.

    ``log`` is that of the gallery that was told the stream; identities are those at its end.
    """
    rows, names = assigned(stream, fold(log), len(stream))
    identities, identity = np.unique(np.array(names, str), return_inverse=True)
    people, person = np.unique(stream.person[rows], return_inverse=True)
    weight = stream.crops[rows].astype(np.float64)
    table = np.zeros((len(people), len(identities)))
    np.add.at(table, (person, identity), weight)
    said = sayings(log)
    found: list[Mistake] = []
    for kind, mixed, group, part, labels in (
        ("merge", table.T, identity, person, [str(name) for name in identities]),
        ("fragment", table, person, identity, [str(number) for number in people]),
    ):
        wrong = mixed.sum(axis=1) - mixed.max(axis=1)
        for number in np.argsort(-wrong, kind="stable")[:most].tolist():
            if wrong[number] <= 0:
                break
            here = np.flatnonzero(group == number)
            main = int(mixed[number].argmax())
            shown = _chosen(here, part, mixed[number], main)
            found.append(
                Mistake(
                    "merge" if kind == "merge" else "fragment",
                    labels[number],
                    int((mixed[number] > 0).sum()),
                    int(mixed[number].sum()),
                    int(wrong[number]),
                    len(here),
                    tuple(_witness(stream, int(rows[i]), names[i], bool(part[i] == main), said) for i in shown),
                )
            )
    return found


def _chosen(here: Ints, part: Ints, weights: np.ndarray, main: int) -> list[int]:
    """A few tracklets of the main part, then the first of each other part, the largest part first, then the rest."""
    mine = [int(i) for i in here if part[i] == main][:MAIN_SHOWN]
    others = sorted((int(i) for i in here if part[i] != main), key=lambda i: (-weights[part[i]], i))
    first_of_each = list({int(part[i]): i for i in reversed(others)}.values())[::-1]
    rest = [i for i in others if i not in first_of_each]
    return (mine + first_of_each + rest)[:MAX_SHOWN]


def _witness(stream: Stream, row: int, identity: str, in_place: bool, said: dict[str, list[str]]) -> Witness:
    tracklet = stream.told[row]
    body = tracklet.exemplars[0]
    return Witness(
        tracklet.id,
        tracklet.camera,
        int(stream.person[row]),
        identity,
        int(stream.crops[row]),
        in_place,
        body.pictures[int(np.argmax(body.quality))],
        tuple(said.get(tracklet.id, [])),
    )


def sayings(log: Sequence[Change]) -> dict[str, list[str]]:
    """For each tracklet what the log says of it, as sentences in order."""
    partition, said = Partition(), dict[str, list[str]]()
    for change in log:
        match change:
            case Enrolled(identity=name, tracklet=id, evidence=evidence):
                said.setdefault(id, []).append(f"new: {name}{_why(evidence)}")
            case Matched(identity=name, tracklet=id, evidence=evidence):
                said.setdefault(id, []).append(f"matched {name}{_why(evidence)}")
            case Moved(tracklet=id, source=source, target=target, reason=reason):
                said.setdefault(id, []).append(f"moved from {source} to {target} ({reason})")
            case Split(source=source, target=target, tracklets=ids, reason=reason):
                for id in ids:
                    said.setdefault(id, []).append(f"split from {source} as {target} ({reason})")
            case Merged(source=source, target=target, evidence=evidence):
                for id in partition.members.get(partition.resolve(source), []):
                    said.setdefault(id, []).append(f"{source} merged into {target}{_why(evidence)}")
        partition.apply(change)
    return said


def _why(evidence: Evidence) -> str:
    """The evidence in brackets; what was not measured is left out."""
    parts = []
    if evidence.best is not None and not math.isnan(evidence.best_score):
        parts.append(f"best {evidence.best} at {evidence.best_score:.2f}")
    if evidence.second is not None and not math.isnan(evidence.second_score):
        parts.append(f"then {evidence.second} at {evidence.second_score:.2f}")
    if evidence.terms:
        terms = ", ".join(f"{term.name} {term.value:+.1f}" for term in evidence.terms)
        parts.append(f"same person {percent(evidence.probability)} from {terms} nats")
    parts += [f"not {veto}" for veto in evidence.vetoes[:3]]
    return f" ({'; '.join(parts)})" if parts else ""
