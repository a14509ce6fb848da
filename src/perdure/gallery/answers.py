"""What follows from an answer about two tracklets: the merge, split or moves that make the gallery agree with it.

Only the pair that was asked about is said for good (a ``Constrained``); what moves with it goes by the gallery's own
evidence and may be corrected by later answers and by maintenance.
"""

from __future__ import annotations

from collections.abc import Sequence

from perdure.errors import InputError
from perdure.gallery.corrections import SAID
from perdure.gallery.gallery import Gallery
from perdure.gallery.said import Said, said_of
from perdure.types import Change, Constrained, Merged, Moved, Split

REASON = "a reviewer said so"


class ContradictionError(InputError):
    """An answer that cannot be true with what else was said."""

    def __init__(self, answer: Constrained, chain: tuple[Constrained, ...]) -> None:
        self.answer, self.chain = answer, chain
        said = ", ".join(f"{c.first} {'is' if c.same else 'is not'} {c.second}" for c in chain)
        verb = "the same person" if answer.same else "two people"
        super().__init__(
            f"{answer.first} and {answer.second} cannot be {verb}: it was said that {said}. Take one of these "
            "back first"
        )


def answer(
    gallery: Gallery, at: float, first: str, second: str, *, same: bool, leaving: Sequence[str] = ()
) -> list[Change]:
    """Make the gallery agree that two tracklets show one person, or two; the changes that took.

    Args:
        gallery: is changed, through its log only.
        at: UTC seconds.
        first: a tracklet with an identity.
        second: another.
        same: what was answered.
        leaving: tracklets that go with ``first`` where it has to leave the identity of both; whoever was said to be the
            same as ``first`` goes in any case, nobody said to be the same as ``second`` does.

    Raises:
        ContradictionError: by what else was said it cannot be; nothing is changed.
        InputError: no such tracklet, it was seen that it cannot be, or they are parts of one stay with others between.
    """
    homes = _home(gallery, first), _home(gallery, second)
    if first == second:
        raise InputError(f"{first} is one tracklet: an answer is about two")
    saying = Constrained(at, first, second, same)
    closure = said_of(gallery, besides=[saying])
    if chain := closure.against(saying):
        raise ContradictionError(saying, chain)
    if not same and closure.same(first, second):
        raise InputError(
            f"{first} and {second} are parts of one stay with others between: say which two that follow each other "
            "are two people"
        )
    said: list[Change] = []
    if closure.same(first, second) is None:
        said.append(saying)
    if same and homes[0] != homes[1]:
        changes = _unite(gallery, at, first, second, closure)
    elif not same and homes[0] == homes[1]:
        changes = _part(gallery, at, first, second, closure, leaving)
    else:
        changes = []
    for change in [*changes, *said]:
        gallery.append(change)
    return [*changes, *said]


def _unite(gallery: Gallery, at: float, first: str, second: str, closure: Said) -> list[Change]:
    """Two identities become one; where others of them cannot, only those said to be the same move."""
    partition = gallery.partition
    one, other = partition.identity_of[first], partition.identity_of[second]
    mine, theirs = set(closure.group(first)), set(closure.group(second))
    if reason := _clash(gallery, mine, theirs, closure):
        raise InputError(f"{first} and {second} cannot be one person: {reason}")
    whole = set(partition.members[one]), set(partition.members[other])
    if not _clash(gallery, whole[0], whole[1], closure):
        small, large = sorted((one, other), key=lambda name: (len(partition.members[name]), -_number(name)))
        return [Merged(at, small, large, SAID)]
    if not _clash(gallery, mine, whole[1], closure):
        return _moves(gallery, at, mine & whole[0], one, other)
    if not _clash(gallery, theirs, whole[0], closure):
        return _moves(gallery, at, theirs & whole[1], other, one)
    alone = gallery.mint()
    leaving = tuple(id for id in partition.members[one] if id in mine)
    return [Split(at, one, alone, leaving, REASON), *_moves(gallery, at, theirs & whole[1], other, alone)]


def _part(gallery: Gallery, at: float, first: str, second: str, closure: Said, leaving: Sequence[str]) -> list[Change]:
    """The first leaves the identity of both, with those that go with it; the rest stays."""
    home = gallery.partition.identity_of[first]
    stays = set(closure.group(second))
    goes = set(closure.group(first))
    for id in leaving:
        group = set(closure.group(id))
        if not group & stays and all(closure.same(first, other) is not False for other in group):
            goes |= group
    members = gallery.partition.members[home]
    return [Split(at, home, gallery.mint(), tuple(id for id in members if id in goes), REASON)]


def _moves(gallery: Gallery, at: float, ids: set[str], source: str, target: str) -> list[Change]:
    members = gallery.partition.members[source]
    return [Moved(at, id, source, target, REASON) for id in members if id in ids]


def _clash(gallery: Gallery, ones: set[str], others: set[str], closure: Said) -> str:
    """Why somebody of the first cannot be somebody of the second; "" where all can."""
    for id in sorted(ones):
        if id in gallery.index:
            for rival, reason in gallery.rivals(id):
                if rival in others:
                    return f"{id} and {rival} are two people ({reason})"
    for id in sorted(ones):
        for other in sorted(others):
            if closure.same(id, other) is False:
                return f"{id} and {other} are said to be two people"
    return ""


def _home(gallery: Gallery, tracklet: str) -> str:
    home = gallery.partition.identity_of.get(tracklet)
    if home is None:
        gone = tracklet in gallery.partition.erased
        raise InputError(f"{tracklet} was forgotten" if gone else f"there is no tracklet {tracklet} with an identity")
    return home


def _number(identity: str) -> int:
    return int(identity.lstrip("P") or 0)


def hold(gallery: Gallery, at: float) -> list[Change]:
    """Make the gallery agree with everything that was said, where a later change went against it; what that took.

    Where new evidence forbids it (two of them were seen side by side since), it stays as it is.
    """
    done: list[Change] = []
    for said in list(gallery.partition.constraints):
        identity_of = gallery.partition.identity_of
        one, other = identity_of.get(said.first), identity_of.get(said.second)
        if one is None or other is None or (one == other) == said.same:
            continue
        closure = said_of(gallery)
        try:
            if said.same:
                changes = _unite(gallery, at, said.first, said.second, closure)
            else:
                changes = _part(gallery, at, said.first, said.second, closure, ())
        except InputError:
            continue
        for change in changes:
            gallery.append(change)
        done += changes
    return done
