"""What a gallery holds, and the only ways in which that changes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace

import numpy as np

from perdure.errors import InputError
from perdure.gallery.admission import admitted
from perdure.gallery.exemplars import halves, mean, purest, summed_up, typical_quality
from perdure.gallery.index import Index
from perdure.gallery.ledger import Partition, fold, redacted
from perdure.gallery.passers import Passers
from perdure.gallery.portrait import identity_of
from perdure.gallery.rivals import Claims, rivals
from perdure.gallery.scoring import CentredLinkage, Scorer, weight_among_listed
from perdure.gallery.topology import Topology, by_appearance
from perdure.types import (
    Change,
    Enrolled,
    Exemplars,
    Float64s,
    Forgotten,
    Identity,
    Matched,
    Merged,
    Moved,
    Renamed,
    Split,
    Tracklet,
    Undone,
    Watched,
)


@dataclass(slots=True)
class Holdings:
    """All people of one site: evidence, log, and the partition it folds to. Every change goes through ``append``."""

    model: str
    dim: int
    scorer: Scorer
    _: KW_ONLY
    topology: Topology = field(default_factory=Topology)
    log: list[Change] = field(default_factory=list)
    partition: Partition = field(default_factory=Partition)
    evidence: dict[str, Tracklet] = field(default_factory=dict)
    """The highest revision of each tracklet."""
    listed_only: bool = False
    """Only who is enrolled or watched can be matched; whoever else comes is let go and counted, and no identity."""
    passers: Passers = field(default_factory=Passers)
    """Of a gallery of listed people only: who came and is not on the list."""
    _index: Index = field(init=False)
    _codes: dict[str, int] = field(default_factory=dict)
    _names: list[str] = field(default_factory=list)
    _camera_codes: dict[str, int] = field(default_factory=dict)
    _waiting: dict[str, float] = field(default_factory=dict)
    _likely: dict[str, str] = field(default_factory=dict)
    """Of tracklets that wait, who is the most probable."""
    _touched: dict[str, None] = field(default_factory=dict)
    _sure: dict[str, float] = field(default_factory=dict)
    """Tracklet -> probability of what was last decided about it."""
    _alike: dict[str, float] = field(default_factory=dict)
    """The same by appearance alone: what the topology may learn from."""
    _given: dict[str, None] = field(default_factory=dict)
    """Tracklets that are pictures given by hand."""

    def __post_init__(self) -> None:
        self._index = Index(self.dim)

    def append(self, change: Change) -> None:
        """The only way anything changes."""
        tracklets = _tracklets_of(change, self.partition)
        homes = {self.partition.identity_of.get(id) for id in tracklets}
        self.log.append(change)
        self.partition.apply(change)
        homes |= {self.partition.identity_of.get(id) for id in tracklets}
        if isinstance(change, Renamed | Watched):
            homes.add(self.partition.resolve(change.identity))
        self._note_certainty(change, tracklets)
        self._weigh(tracklets)
        for id in tracklets:
            if id in self._index:  # not retired
                self._index.owners[self._index.row(id)] = self._code(self.partition.identity_of[id])
        for name in sorted(home for home in homes if home is not None):
            self._touch(name)

    def take_evidence(self, tracklet: Tracklet) -> None:
        """Replace what is known of a tracklet, or know a new one, and decide nothing: whoever calls says who it is.

        Raises:
            InputError: it cannot be true (``admission``), or has no pictures.
        """
        body = admitted(tracklet, self.model, self.dim)
        if body is None:
            raise InputError(f"tracklet {tracklet.id} has no pictures")
        self.scorer.placed(self._put(tracklet, body), self._index)
        if (home := self.partition.identity_of.get(tracklet.id)) is not None:
            self._touch(home)

    def erase(self, tombstone: Forgotten) -> None:
        """Forget an identity: its evidence is overwritten, the log before says nothing of it any more."""
        self.log[:] = redacted(self.log, tombstone)
        self.append(tombstone)
        for id in tombstone.tracklets:
            self._drop(id)
        self._touch(tombstone.identity)

    def take_back(self, undone: Undone) -> None:
        """Fold the log again without a change.

        Raises:
            InputError: somebody would go back to a person who was forgotten since; nothing is changed.
        """
        before, partition = self.partition.identity_of, fold([*self.log, undone])
        now = partition.identity_of
        if homeless := [id for id in self.evidence if id in before and id not in now]:
            raise InputError(
                f"change {undone.position} cannot be taken back: {homeless[0]} would be of somebody who was forgotten"
            )
        self.log.append(undone)
        self.partition = partition
        moved = [id for id in self.evidence if before.get(id) != now.get(id)]
        homes = {home for id in moved for home in (before.get(id), now.get(id)) if home is not None}
        change = self.log[undone.position]
        if isinstance(change, Renamed | Watched):
            homes.add(self.partition.resolve(change.identity))
        for id in moved:
            if id in self._index:  # not retired
                self._index.owners[self._index.row(id)] = self._code(now[id])
        for name in sorted(homes):
            self._touch(name)

    def retire(self, tracklets: Iterable[str]) -> None:
        """Compare nothing with these any more and let go of their pictures; who they are stays as it is."""
        for id in list(tracklets):
            if id in self._index:
                self._index.remove(id)
                self.evidence[id] = replace(self.evidence[id], path=_ends(self.evidence[id].path))

    def note_certainty(self, certainty: Mapping[str, float]) -> None:
        """The probability of where these tracklets are, by somebody who looked at all of them."""
        self._sure |= certainty

    def mint(self) -> str:
        """The next number of an identity."""
        return f"P{self.partition.minted + 1}"

    # --- what there is ---------------------------------------------------------------------------------------------

    def take_touched(self) -> list[Identity]:
        """The identities that changed since the last call, as they are now; one that is gone has no sightings."""
        touched = [self.identity(name) for name in self._touched]
        self._touched.clear()
        return touched

    def identities(self) -> list[Identity]:
        """Everybody, in order of first sighting."""
        everybody = [self.identity(name) for name in self.partition.members]
        return sorted(everybody, key=lambda i: (i.first_seen if i.sightings else math.inf, i.id))

    def identity(self, name: str) -> Identity:
        """One identity as it is now."""
        members = [self.evidence[id] for id in self.partition.members.get(name, [])]
        return identity_of(name, members, self.model, self.partition, self._sure)

    @property
    def index(self) -> Index:
        """The tracklets that are compared with."""
        return self._index

    def enrolled(self) -> set[str]:
        """Identities that somebody gave pictures of by hand: never merged away, retired or let go by themselves."""
        return {self.partition.identity_of[id] for id in self._given}

    def listed(self) -> set[str]:
        """Identities that are enrolled or on the watch list."""
        return self.enrolled() | self.partition.watched

    @property
    def undecided(self) -> int:
        """Tracklets that wait for more evidence."""
        return len(self._waiting)

    def likely(self, tracklet: str) -> str:
        """Who a tracklet that waits for more evidence probably is; "" where it does not wait, or nobody is probable."""
        return self._likely.get(tracklet, "")

    def name_of(self, code: int) -> str:
        """The identity that the index and scores call by this code."""
        return self._names[code]

    def certainty_of(self, tracklet: str) -> float:
        """Probability of what was last decided about a tracklet."""
        return self._sure.get(tracklet, 1.0)

    def tracklets_of(self, change: Change) -> list[str]:
        """The tracklets that a change placed, as far as they are still there."""
        return [id for id in _tracklets_of(change, self.partition) if id in self.evidence]

    def rivals(self, tracklet: str) -> list[tuple[str, str]]:
        """Tracklets that show somebody else than this one for certain, each with the reason."""
        return self.rivals_among(tracklet, self._index)

    def rivals_among(self, tracklet: str, index: Index) -> list[tuple[str, str]]:
        """``rivals`` that are in this part of the index, which must hold the tracklet."""
        return self._rivals(self.evidence[tracklet], index)

    # --- inside -----------------------------------------------------------------------------------------------------

    def _put(self, tracklet: Tracklet, body: Exemplars) -> int:
        """Its row, new or renewed."""
        camera = self._take_note(tracklet)
        shown, alike = body, float("nan")
        if isinstance(self.scorer, CentredLinkage) and not tracklet.is_by_hand:  # given by hand: no order of time
            shown = purest(body, self.scorer.calibration.mixed_below)
            alike = halves(shown)
        said = mean(shown), tracklet.start, tracklet.end, camera, typical_quality(shown), alike
        row = self._index.put(tracklet.id, *said)
        self._own(tracklet.id, row)
        return row

    def _put_all(self, told: Sequence[tuple[Tracklet, Exemplars]]) -> None:
        """Many that are all new, as ``_put`` one by one but for rounding."""
        seen = [(tracklet, body) for tracklet, body in told if not tracklet.is_by_hand]
        if not told or not isinstance(self.scorer, CentredLinkage) or len(seen) < len(told):
            for tracklet, body in told:
                self._put(tracklet, body)
            return
        cameras = np.array([self._take_note(tracklet) for tracklet, _ in told])
        looks, worth, halved = summed_up([body for _, body in told], self.scorer.calibration.mixed_below)
        spans = np.array([(tracklet.start, tracklet.end) for tracklet, _ in told]).T
        ids = [tracklet.id for tracklet, _ in told]
        for id, row in zip(ids, self._index.put_all(ids, looks, spans, cameras, worth, halved).tolist(), strict=True):
            self._own(id, row)

    def _take_note(self, tracklet: Tracklet) -> int:
        """Hold its evidence; the code of its camera."""
        self.evidence[tracklet.id] = tracklet
        if tracklet.is_by_hand:
            self._given[tracklet.id] = None
        camera = self._camera_codes.setdefault(tracklet.camera, len(self._camera_codes))
        self.topology.meet(list(self._camera_codes))
        self.topology.told(tracklet)
        return camera

    def _own(self, tracklet: str, row: int) -> None:
        if (home := self.partition.identity_of.get(tracklet)) is not None:
            self._index.owners[row] = self._code(home)

    def _drop(self, tracklet: str) -> None:
        """Let go of all that is known of a tracklet."""
        for kept in (self.evidence, self._waiting, self._likely, self._sure, self._alike, self._given):
            kept.pop(tracklet, None)
        if tracklet in self._index:
            self._index.remove(tracklet)

    def _touch(self, name: str) -> None:
        self._touched[name] = None
        self.scorer.regrouped(self._code(name), lambda: self._pictures(name))

    def _note_certainty(self, change: Change, tracklets: Sequence[str]) -> None:
        match change:
            case Matched(evidence=evidence) | Merged(evidence=evidence):
                self._sure |= dict.fromkeys(tracklets, evidence.probability)
                self._alike |= dict.fromkeys(tracklets, by_appearance(evidence))
            case Enrolled(evidence=evidence):
                self._sure |= dict.fromkeys(tracklets, 1 - evidence.probability)

    def _weigh(self, tracklets: Iterable[str]) -> None:
        """How much these count among those of their identity; in an open gallery all alike."""
        if self.listed_only:
            for id in tracklets:
                if id in self._index:
                    weight = weight_among_listed(self.certainty_of(id), is_given=id in self._given)
                    self._index.weights[self._index.row(id)] = weight

    def _pictures(self, name: str) -> Exemplars | None:
        """All pictures of an identity in order of time."""
        parts = [self.evidence[id].body(self.model) for id in self.partition.members.get(name, [])]
        bodies = [part for part in parts if part is not None]
        if not bodies:
            return None
        joined = Exemplars(
            self.model,
            np.concatenate([b.vectors for b in bodies]),
            np.concatenate([b.quality for b in bodies]),
            np.concatenate([b.at for b in bodies]),
            tuple(picture for b in bodies for picture in b.pictures),
        )
        return joined[np.argsort(joined.at, kind="stable")]

    def _code(self, name: str) -> int:
        if name not in self._codes:
            self._codes[name] = len(self._names)
            self._names.append(name)
        return self._codes[name]

    def _rivals(self, tracklet: Tracklet, index: Index) -> list[tuple[str, str]]:
        """Tracklets of ``index`` that show somebody else for certain, each with the reason."""
        same_camera = index.cameras == self._camera_codes[tracklet.camera]
        return rivals(tracklet, index, Claims(self.evidence, self.partition, self.topology), same_camera)


def _ends(path: Float64s) -> Float64s:
    """The first and the last row."""
    return path[:: max(len(path) - 1, 1)]


def _tracklets_of(change: Change, partition: Partition) -> list[str]:
    """The tracklets whose identity a change sets."""
    match change:
        case Enrolled(tracklet=id) | Matched(tracklet=id) | Moved(tracklet=id):
            return [id]
        case Split(tracklets=ids):
            return list(ids)
        case Merged(source=source):
            return list(partition.members.get(partition.resolve(source), []))
    return []
