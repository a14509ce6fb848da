"""What follows from what was said: who is the same by way of others, who is not, and which sayings contradict."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from perdure.gallery.gallery import Gallery
from perdure.types import Constrained


class Said:
    """The closure of some constraints: "same" is transitive, "different" holds for all who are the same as either."""

    def __init__(self, constraints: Iterable[Constrained], cuts: Iterable[tuple[str, str]] = ()) -> None:
        """From constraints in order.

        Args:
            constraints: pairs of tracklets.
            cuts: pairs that are parts of one long stay, and so the same person.
        """
        self._group: dict[str, str] = {}
        self._members: dict[str, list[str]] = {}
        self._near: dict[str, list[tuple[str, Constrained | None]]] = {}
        self._apart: dict[frozenset[str], Constrained] = {}
        different = []
        for one, other in cuts:
            self._join(one, other, None)
        for said in constraints:
            if said.same:
                self._join(said.first, said.second, said)
            else:
                different.append(said)
        for said in different:
            self._apart.setdefault(frozenset((self._root(said.first), self._root(said.second))), said)

    def same(self, first: str, second: str) -> bool | None:
        """Whether two tracklets are one person by what was said; None where nothing follows."""
        one, other = self._root(first), self._root(second)
        if one == other:
            return True
        return False if frozenset((one, other)) in self._apart else None

    def group(self, tracklet: str) -> Sequence[str]:
        """All that are said to be the same person as this one, itself among them."""
        return self._members.get(self._root(tracklet), [tracklet])

    def against(self, said: Constrained) -> tuple[Constrained, ...]:
        """The sayings that together contradict one more, in order along the chain; none: it fits.

        To take back any one of them is enough.
        """
        known = self.same(said.first, said.second)
        if known is None or known == said.same:
            return ()
        if known:
            return self._path(said.first, said.second)
        apart = self._apart[frozenset((self._root(said.first), self._root(said.second)))]
        near, far = apart.first, apart.second
        if self._root(near) != self._root(said.first):
            near, far = far, near
        return (*self._path(said.first, near), apart, *self._path(far, said.second))

    def _path(self, first: str, second: str) -> tuple[Constrained, ...]:
        """The shortest chain of "same" from one to the other; cut stays are no sayings."""
        came: dict[str, tuple[str, Constrained | None]] = {first: ("", None)}
        waiting = deque([first])
        while waiting:
            here = waiting.popleft()
            if here == second:
                break
            for other, said in self._near.get(here, ()):
                if other not in came:
                    came[other] = (here, said)
                    waiting.append(other)
        chain, here = [], second
        while here != first:
            here, said = came[here]
            if said is not None:
                chain.append(said)
        return tuple(reversed(chain))

    def _join(self, first: str, second: str, said: Constrained | None) -> None:
        self._near.setdefault(first, []).append((second, said))
        self._near.setdefault(second, []).append((first, said))
        kept, gone = self._root(first), self._root(second)
        if kept == gone:
            return
        mine, theirs = self._members.pop(kept, [kept]), self._members.pop(gone, [gone])
        if len(mine) < len(theirs):
            kept, mine, theirs = gone, theirs, mine
        self._group |= dict.fromkeys(theirs, kept)
        self._members[kept] = mine + theirs

    def _root(self, tracklet: str) -> str:
        return self._group.get(tracklet, tracklet)


def said_of(gallery: Gallery, *, besides: Sequence[Constrained] = ()) -> Said:
    """What follows from the constraints and cut stays of a gallery.

    Args:
        gallery: is not changed.
        besides: what is about to be said, as far as it parts a stay.
    """
    return Said(gallery.partition.constraints, stays(gallery, gallery.evidence, besides=besides))


def stays(gallery: Gallery, ids: Iterable[str], *, besides: Sequence[Constrained] = ()) -> list[tuple[str, str]]:
    """Parts of one long stay, each of ``ids`` with the one it goes on from, unless these two were said to be two."""
    said = [*gallery.partition.constraints, *besides]
    parted = {frozenset((c.first, c.second)) for c in said if not c.same}
    parts = [(t.supersedes, id) for id in ids if (t := gallery.evidence[id]).began == "cut" and t.supersedes]
    return [part for part in parts if frozenset(part) not in parted]
