"""How a gallery is doing, in figures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from perdure.gallery.gallery import Gallery

UNCERTAIN = 0.2
"""An identity is doubtful where the most doubtful of its tracklets is wrong with a higher probability."""


@dataclass(frozen=True, slots=True)
class Health:
    """How a gallery is doing."""

    identities: int
    established: int
    """Seen twice or more."""
    on_probation: int
    """Seen once."""
    tracklets: int
    retired: int
    """Tracklets that last, but are compared with no more."""
    waiting: int
    """Tracklets not decided yet."""
    uncertain: int
    """Identities that are more doubtful than ``UNCERTAIN``."""
    changes: dict[str, int]
    """How often each kind of change was made."""


def health(gallery: Gallery) -> Health:
    """Counts over the whole gallery."""
    members = gallery.partition.members
    sizes = np.array([len(ids) for ids in members.values()], np.int64)
    placed = int(sizes.sum())
    doubtful = sum(uncertainty(gallery, name) > UNCERTAIN for name in members)
    held = len(gallery.index)
    waiting = gallery.undecided
    return Health(
        len(members),
        int((sizes > 1).sum()),
        int((sizes == 1).sum()),
        placed + waiting,
        placed + waiting - held,
        waiting,
        doubtful,
        dict(sorted(Counter(type(change).__name__ for change in gallery.log).items())),
    )


def uncertainty(gallery: Gallery, name: str) -> float:
    """Probability that what was last decided about the most doubtful tracklet of an identity is wrong."""
    return 1 - min((gallery.certainty_of(id) for id in gallery.partition.members[name]), default=1.0)
