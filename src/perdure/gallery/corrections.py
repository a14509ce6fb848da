"""What a person says about the gallery: names, who is who and who is not, forgetting, and taking back.

Each is a change of the log like any other, and what is said lasts: a merge says that two tracklets are the same person,
a split or an undone merge that two are not, and no later look at everything goes against that.
"""

from __future__ import annotations

from collections.abc import Sequence

from perdure.errors import InputError
from perdure.gallery.gallery import Gallery
from perdure.gallery.ledger import standing
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

SAID = Evidence(1.0)
"""Of a decision that a person made."""


def rename(gallery: Gallery, at: float, identity: str, name: str) -> list[Change]:
    """Give an identity a name; "" takes it away.

    Raises:
        InputError: there is no such identity.
    """
    return _append(gallery, [Renamed(at, known(gallery, identity), name.strip())])


def watch(gallery: Gallery, at: float, identity: str, *, watched: bool = True) -> list[Change]:
    """Follow an identity from now on, or no longer. Nothing changes where it is so already.

    Raises:
        InputError: there is no such identity.
    """
    identity = known(gallery, identity)
    if (identity in gallery.partition.watched) == watched:
        return []
    return _append(gallery, [Watched(at, identity, watched)])


def merge(gallery: Gallery, at: float, source: str, target: str) -> list[Change]:
    """All of ``source`` is ``target``; where only ``source`` is enrolled it keeps its number instead.

    Raises:
        InputError: no such identity, the same one, or two of their tracklets cannot be one person: says which and why.
    """
    source, target = known(gallery, source), known(gallery, target)
    if source == target:
        raise InputError(f"{source} and {target} are already one identity")
    if source in (enrolled := gallery.enrolled()) and target not in enrolled:
        source, target = target, source
    members = gallery.partition.members
    for first in members[source]:
        for second, reason in gallery.rivals(first):
            if gallery.partition.identity_of.get(second) == target:
                raise InputError(f"{source} cannot be {target}: {first} and {second} are two people ({reason})")
    said = Constrained(at, members[source][0], members[target][0], same=True)
    _check_consistent([*gallery.partition.constraints, said])
    return _append(gallery, [Merged(at, source, target, SAID), said])


def split(gallery: Gallery, at: float, identity: str, tracklets: Sequence[str]) -> list[Change]:
    """These tracklets of an identity are somebody else.

    Raises:
        InputError: no such identity, a tracklet that is not in it, none, or all of them.
    """
    identity = known(gallery, identity)
    leaving = tuple(dict.fromkeys(tracklets))
    staying = [id for id in gallery.partition.members[identity] if id not in leaving]
    for id in leaving:
        if gallery.partition.identity_of.get(id) != identity:
            raise InputError(f"{id} is not a tracklet of {identity}")
    if not leaving or not staying:
        raise InputError(f"a split of {identity} needs tracklets that leave and tracklets that stay")
    said = Constrained(at, leaving[0], staying[0], same=False)
    _check_consistent([*gallery.partition.constraints, said])
    return _append(gallery, [Split(at, identity, gallery.mint(), leaving, "the operator said so"), said])


def move(gallery: Gallery, at: float, tracklet: str, target: str) -> list[Change]:
    """One tracklet is somebody else known.

    Raises:
        InputError: no such tracklet or identity, it is there already, or it cannot be that person: says why.
    """
    target, source = known(gallery, target), _home(gallery, tracklet)
    if source == target:
        raise InputError(f"{tracklet} is already {target}")
    for other, reason in gallery.rivals(tracklet):
        if gallery.partition.identity_of.get(other) == target:
            raise InputError(f"{tracklet} cannot be {target}: {reason}")
    said = [Constrained(at, tracklet, gallery.partition.members[target][0], same=True)]
    if staying := [id for id in gallery.partition.members[source] if id != tracklet]:
        said.append(Constrained(at, tracklet, staying[0], same=False))
    _check_consistent([*gallery.partition.constraints, *said])
    return _append(gallery, [Moved(at, tracklet, source, target, "the operator said so"), *said])


def constrain(gallery: Gallery, at: float, first: str, second: str, *, same: bool) -> list[Change]:
    """Two tracklets are the same person, or are not; the partition follows.

    Raises:
        InputError: no such tracklet, or it contradicts what was said or seen: says what.
    """
    homes = _home(gallery, first), _home(gallery, second)
    if same and homes[0] != homes[1]:
        return merge_by(gallery, at, first, second)
    if not same and homes[0] == homes[1]:
        return split(gallery, at, homes[0], [second])
    said = Constrained(at, first, second, same)
    _check_consistent([*gallery.partition.constraints, said])
    return _append(gallery, [said])


def merge_by(gallery: Gallery, at: float, first: str, second: str) -> list[Change]:
    """The identities of two tracklets are one, because these two are the same person.

    Raises:
        InputError: see ``merge``.
    """
    said = Constrained(at, first, second, same=True)
    _check_consistent([*gallery.partition.constraints, said])
    return [*merge(gallery, at, _home(gallery, second), _home(gallery, first)), *_append(gallery, [said])]


def forget(gallery: Gallery, at: float, identity: str, reason: str) -> Forgotten:
    """Erase a person: evidence, names and what was decided are gone from the gallery and its log, a tombstone stays.

    The log before it is rewritten (``ledger.redacted``); whoever keeps it elsewhere must do the same.

    Raises:
        InputError: there is no such identity.
    """
    identity = known(gallery, identity)
    tombstone = Forgotten(at, identity, reason, tuple(gallery.partition.members[identity]))
    gallery.erase(tombstone)
    return tombstone


def undo(gallery: Gallery, at: float, position: int) -> list[Change]:
    """Take the change at this position of the log back, with what was said by it; an undone merge stays apart.

    Raises:
        InputError: no such change, already taken back, or one that cannot be: says what to do instead.
    """
    if not 0 <= position < len(gallery.log):
        raise InputError(f"there is no change {position}: the log has {len(gallery.log)}, from 0")
    change = gallery.log[position]
    if not standing(gallery.log)[position]:
        raise InputError(f"change {position} is already taken back")
    match change:
        case Forgotten():
            raise InputError(f"change {position} erased evidence, which cannot be brought back")
        case Enrolled(tracklet=id) | Matched(tracklet=id):
            raise InputError(f"change {position} placed {id}: move it, or split it off, instead")
    apart: list[Change] = []
    before = dict(gallery.partition.identity_of)
    undone = [Undone(at, place) for place in (position, *_said_by(gallery.log, position))]
    for one in undone:
        gallery.take_back(one)
    now = gallery.partition
    if isinstance(change, Merged):
        left = [id for id, home in now.identity_of.items() if home != before.get(id)]
        stayed = [id for id in now.members.get(now.resolve(change.target), []) if id not in left]
        if left and stayed:
            apart = [Constrained(at, left[0], stayed[0], same=False)]
    return [*undone, *_append(gallery, apart)]


def _said_by(log: Sequence[Change], position: int) -> list[int]:
    """Positions of the constraints that a correction at this one brought along, as far as they stand."""
    if not isinstance(log[position], Merged | Split | Moved):
        return []
    stands, found = standing(log), []
    for place in range(position + 1, len(log)):
        if not isinstance(log[place], Constrained) or log[place].at != log[position].at:
            break
        found.append(place)
    return [place for place in found if stands[place]]


def known(gallery: Gallery, identity: str) -> str:
    """The identity that a name, number or alias stands for.

    Raises:
        InputError: there is none; says so where it was forgotten.
    """
    partition = gallery.partition
    by_name = sorted(id for id, name in partition.names.items() if name == identity and id in partition.members)
    if len(by_name) > 1:
        raise InputError(f"{len(by_name)} identities are called {identity}: {', '.join(by_name)}")
    found = by_name[0] if by_name else partition.resolve(identity)
    if found in partition.members:
        return found
    if found in partition.tombstones:
        raise InputError(f"{identity} was forgotten")
    raise InputError(f"there is no identity {identity}")


def _home(gallery: Gallery, tracklet: str) -> str:
    home = gallery.partition.identity_of.get(tracklet)
    if home is None:
        gone = tracklet in gallery.partition.erased
        raise InputError(f"{tracklet} was forgotten" if gone else f"there is no tracklet {tracklet} with an identity")
    return home


def _append(gallery: Gallery, changes: Sequence[Change]) -> list[Change]:
    for change in changes:
        gallery.append(change)
    return list(changes)


def _check_consistent(constraints: Sequence[Constrained]) -> None:
    """Raises InputError where two tracklets are the same, by way of others or not, and are said not to be."""
    group: dict[str, str] = {}

    def root(id: str) -> str:
        while group.get(id, id) != id:
            id = group[id]
        return id

    for c in constraints:
        if c.same:
            group[root(c.first)] = root(c.second)
    for c in constraints:
        if not c.same and root(c.first) == root(c.second):
            raise InputError(
                f"{c.first} and {c.second} are said to be two people, and the same person by what else was said: "
                "undo one of these first"
            )
