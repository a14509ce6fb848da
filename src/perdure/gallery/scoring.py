"""How alike a tracklet and the identities are: the default rule, and the simple ones of the field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from perdure.gallery.calibrate import Calibration
from perdure.gallery.index import Index
from perdure.gallery.neighbours import CROWDING_WEIGHT, crowding, known_share, uncrowded, with_help
from perdure.gallery.scan import Probes
from perdure.gallery.site import CARD_PAIRS, LATEST, Seen, calibrated, mean_apart, spread_of_strangers
from perdure.types import Exemplars, Float32s, Float64s, Ints

COHORT = 4096
"""Tracklets, the latest, that say how crowded it is around one: bounded work."""
BLOCK = 256
GIVEN_WEIGHT = 4.0
"""Of a closed set: pictures given by hand count as much as so many sightings that are certainly right."""
DOUBT_POWER = 2.0
"""There a sighting that is right with probability p counts as p to this power."""
LEAST_WEIGHT = 0.01
USUAL_OVER = 200
"""Tracklets over which the usual crowding is averaged."""
Represent = Callable[[Exemplars], Float32s]
"""Pictures of one identity in order of time -> (M, D) unit vectors that stand for it."""


def weight_among_listed(certainty: float, *, is_given: bool) -> float:
    """How much a tracklet counts in the mean of its identity where only listed people can be matched.

    There everybody is taken for somebody, so wrong ones come in among the right ones; in an open gallery, where who is
    in doubt becomes somebody new, all count alike.
    """
    return GIVEN_WEIGHT if is_given else max(certainty**DOUBT_POWER, LEAST_WEIGHT)


class Scorer(Protocol):
    """Compares a tracklet with identities. Identities are codes 0..N-1, tracklets are rows of the index."""

    def placed(self, row: int, index: Index) -> None:
        """A row is new or has other evidence now."""

    def regrouped(self, identity: int, pictures: Callable[[], Exemplars | None]) -> None:
        """An identity has other tracklets, or other evidence, than before; None: it is gone."""

    def similarity(self, row: int, index: Index, identities: int) -> Float64s:
        """(N,) similarity of the tracklet in ``row`` with each identity, -inf for one without (other) tracklets."""


@dataclass(slots=True)
class CentredLinkage:
    """Mean similarity with all tracklets of an identity, after what people of a camera have in common is taken off.

    A camera's light and viewpoint move all its vectors one way, which makes strangers in one camera alike and one
    person in two cameras unlike. So the mean of the camera is subtracted: shrunk towards the mean of the site while the
    camera has few tracklets, and in the share l = N / (N + ``identity_weight``) while the site has few identities N.

    The result is scaled so that strangers have mean 0 and identity is 1 whatever was subtracted. With m the mean,
    mu = |m|^2 the mean cosine of strangers and k = 2 l - l^2: cos = cos_centred (1 - k mu) + k mu, and the similarity
    is (cos - mu) / (1 - mu).

    Half of how crowded it is around either tracklet, beyond what is usual, is taken off (``neighbours``).

    Poor pictures are less like their own person and say less: the similarity becomes that of good pictures that is
    worth as much as this one is with pictures as poor as the poorer of the two (``Calibration.as_good``).

    Average linkage beat the best and the mean of the three best pairs on market1501-dev (docs/gallery.md).
    """

    calibration: Calibration
    camera_weight: float = 20.0
    """So many tracklets of a camera weigh as much as the mean of the site."""
    identity_weight: float = 10.0
    """So many identities weigh as much as the model's card."""
    crowding_weight: float = CROWDING_WEIGHT
    """Share of the crowding of either side that is taken off."""
    learns: bool = True
    """Whether ``calibration`` follows what the site's own tracklets say (``site``)."""
    _card: Calibration = field(init=False)
    """What the calibration was at first."""
    _means: Float64s = field(default_factory=lambda: np.zeros((0, 0)))
    """(C, D) by camera code, already multiplied by l."""
    _norms: Float64s = field(default_factory=lambda: np.zeros(0))
    _shared: Float64s = field(default_factory=lambda: np.zeros(0))
    """(D,) as ``_means``, of the site."""
    _kappa: float = 0.0
    _mu: float = 0.0
    _rows_at_refresh: int = -1
    _usual: float = 0.0
    """Running mean of how crowded it is around a tracklet."""
    _measured: int = 0
    """Tracklets behind it."""

    def __post_init__(self) -> None:
        self._card = self.calibration

    def placed(self, row: int, index: Index) -> None:
        """Refresh the means when the gallery grew by a twentieth; else only this row."""
        self.refresh(index, np.array([row]))
        self._measure_crowding(row, index)

    def regrouped(self, identity: int, pictures: Callable[[], Exemplars | None]) -> None:
        """Nothing is kept per identity."""

    def similarity(self, row: int, index: Index, identities: int) -> Float64s:
        """See ``Scorer``; the tracklet's own row does not count."""
        pairs = self.pairs(row, index)
        owners, weights = index.owners, index.weights.astype(np.float64)
        counted = owners >= 0
        counted[row] = False
        size = np.bincount(owners[counted], weights[counted], minlength=identities)
        total = np.bincount(owners[counted], (weights * pairs)[counted], minlength=identities)
        return np.asarray(np.divide(total, size, out=np.full(identities, -np.inf), where=size > 0))

    def pairs(self, row: int, index: Index, others: Ints | None = None) -> Float64s:
        """(N,) similarity of the tracklet in ``row`` with every tracklet, or with ``others``."""
        chosen = slice(None) if others is None else others
        raw = self._raw(slice(row, row + 1), chosen, index)[0]
        similarity = raw - self.crowding_weight * (index.crowding[chosen] + index.crowding[row])
        return self.calibration.as_good(similarity, np.minimum(index.qualities[chosen], index.qualities[row]))

    def table(self, index: Index) -> Float64s:
        """(N, N) similarity of all tracklets with all, as ``pairs``."""
        crowding, qualities = index.crowding, index.qualities
        raw = self._raw(slice(None), slice(None), index)
        similarity = raw - self.crowding_weight * (crowding[:, None] + crowding)
        return self.calibration.as_good(similarity, np.minimum(qualities[:, None], qualities))

    def matrix(self, rows: Ints, index: Index) -> Float64s:
        """(n, n) similarity of the tracklets in ``rows`` by all that is known now, with the help of their neighbours.

        Worth what the calibration says of a similarity, like all others.
        """
        self._refresh(index)
        raw, calibration, qualities = self._raw(rows, rows, index), self.calibration, index.qualities[rows]
        similarity = uncrowded(raw, self.crowding_weight)
        if calibration.second_slope > 0:
            helped = calibration.like_first(with_help(raw, calibration, self.crowding_weight))
            similarity += known_share(len(rows)) * (helped - similarity)
        return self.calibration.as_good(similarity, np.minimum(qualities[:, None], qualities))

    def _raw(self, rows: Ints | slice, others: Ints | slice, index: Index) -> Float64s:
        """(R, N) centred similarity of some tracklets with others."""
        means, cameras, gains = self._means, index.cameras, index.gains
        probes = index.vectors[rows] - means[cameras[rows]]
        dots = index.vectors[others] @ probes.astype(np.float32).T - (means @ probes.T)[cameras[others]]
        cosine = dots * gains[others, None] * gains[rows]
        return np.asarray(self._scaled(cosine)).T

    def _scaled(self, cosine: Float64s) -> Float64s:
        """Centred cosines as similarities: strangers have mean 0, identity is 1."""
        km = self._kappa * self._mu
        return np.asarray((cosine * (1 - km) + km - self._mu) / (1 - self._mu))

    def _measure_crowding(self, row: int, index: Index) -> None:
        """How much more crowded it is around a row than is usual, among the latest ``COHORT`` tracklets."""
        unknown = np.flatnonzero(np.isnan(index.crowding))
        rows = np.union1d(unknown, [row])
        cohort = slice(max(0, len(index) - COHORT), len(index))
        share = known_share(len(index) - 1)
        for first in range(0, len(rows), BLOCK):
            block = rows[first : first + BLOCK]
            raw = self._raw(block, cohort, index)
            raw[block[:, None] == np.arange(cohort.start, len(index))] = -np.inf
            found = crowding(raw)
            self._measured += len(block)
            step = len(block) / min(self._measured, USUAL_OVER)
            self._usual += min(step, 1.0) * (float(found.mean()) - self._usual)
            index.crowding[block] = share * (found - self._usual)

    def probes(self, rows: Ints, index: Index) -> Probes:
        """For a search by the centred cosine with the tracklets in ``rows``."""
        probe = (index.vectors[rows] - self._means[index.cameras[rows]]) * index.gains[rows, None]
        return Probes(probe.astype(np.float32), index.gains, (self._means @ probe.T).astype(np.float32))

    def probe_of(self, pictures: Float32s, index: Index) -> Probes:
        """For a search by the mean centred cosine with (B, D) pictures from elsewhere, which are not in the index."""
        centred = pictures - self._shared
        probe = (centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12)).mean(axis=0)
        return Probes(probe[None].astype(np.float32), index.gains, (self._means @ probe)[:, None].astype(np.float32))

    def probe_with(self, rows: Ints, index: Index) -> Probes:
        """For a search by the mean centred cosine with the tracklets in ``rows``, all together one probe."""
        each = self.probes(rows, index)
        assert each.shift is not None
        mean = each.vectors.mean(axis=0, keepdims=True), each.shift.mean(axis=1, keepdims=True)
        return Probes(mean[0], index.gains, mean[1])

    def similar(self, probe: Probes, quality: float, rows: Ints | slice, index: Index) -> Float64s:
        """(R,) similarity of the one probe, which has this quality, with the tracklets in ``rows``; crowding aside."""
        assert probe.shift is not None
        dots = index.vectors[rows] @ probe.vectors[0] - probe.shift[index.cameras[rows], 0]
        similarity = self._scaled(dots * index.gains[rows])
        return self.calibration.as_good(similarity, np.minimum(index.qualities[rows], quality))

    def refresh(self, index: Index, changed: Ints) -> None:
        """Learn the means of cameras and site anew where a twentieth came or went, else place some rows.

        No crowding is measured.

        Args:
            index: what is compared.
            changed: (R,) rows that are new or have other evidence.
        """
        # It shrinks where the stale are let go, a few at every tick.
        moved = abs(len(index) - self._rows_at_refresh) > len(index) // 20 or self._rows_at_refresh < 0
        if moved or index.cameras[changed].max(initial=-1) >= len(self._means):
            self._refresh(index)
        else:
            self._place(changed, index)

    def ceiling(self, cosine: float, row: int, index: Index) -> float:
        """No identity is more similar to the tracklet in ``row`` if all its tracklets have at most this cosine.

        Nor if it has others, with poorer pictures, that are not more similar than this (``poorer``).
        """
        crowding = index.crowding
        highest = self._scaled(np.array(cosine)) - self.crowding_weight * (crowding[row] + crowding.min())
        return max(self.calibration.neutral, float(self.calibration.as_good(highest, index.qualities[row])))

    def poorer(self, row: int, index: Index) -> tuple[Ints, Float64s]:
        """(R,) tracklets with poorer pictures than the one in ``row``, where these raise a similarity, and (R,) it."""
        poor = self.calibration.poor
        bar = -np.inf if poor is None else min(float(index.qualities[row]), poor.quality[-1])
        rows = np.flatnonzero(index.qualities < bar)
        return rows, self.pairs(row, index, rows)

    def _place(self, rows: slice | Ints, index: Index) -> None:
        """Note the lengths of rows after their camera's mean is taken off."""
        cameras = index.cameras[rows]
        projections = np.einsum("nd,nd->n", index.vectors[rows], self._means[cameras])
        index.gains[rows] = 1 / np.sqrt(np.maximum(1 - 2 * projections + self._norms[cameras], 1e-12))

    def _refresh(self, index: Index) -> None:
        """The means of cameras and site from everything that is in the gallery."""
        vectors, cameras = index.vectors, index.cameras
        by_camera, tracklets = _sums(vectors, cameras, int(cameras.max()) + 1)
        owned = index.owners >= 0
        if owned.any():
            sums, sizes = _sums(vectors[owned], index.owners[owned], int(index.owners.max()) + 1)
            people = sums[sizes > 0] / sizes[sizes > 0, None]
            share = len(people) / (len(people) + self.identity_weight)
            site = people.mean(axis=0)
        else:
            share, site = 0.0, np.zeros(vectors.shape[1])
        means = (by_camera + self.camera_weight * site) / (tracklets + self.camera_weight)[:, None]
        self._means, self._shared = share * means, share * site
        self._norms = np.sum(self._means**2, axis=1)
        self._mu = share * float(site @ site) + (1 - share) * self._mean_of_strangers(index)
        self._kappa = 2 * share - share**2
        self._place(slice(None), index)
        self._rows_at_refresh = len(index)
        if self.learns:
            self._learn(index)

    def _mean_of_strangers(self, index: Index) -> float:
        """Their cosine, uncentred: the card's, and that of those who were seen at once."""
        if not self.learns:
            return self._card.impostor_mean
        latest = slice(max(0, len(index) - LATEST), len(index))
        cosine, pairs = mean_apart(
            index.vectors[latest], index.cameras[latest], index.starts[latest], index.ends[latest]
        )
        return (CARD_PAIRS * self._card.impostor_mean + pairs * cosine) / (CARD_PAIRS + pairs)

    def _learn(self, index: Index) -> None:
        """What a similarity is worth here, by the latest tracklets."""
        rows = np.arange(max(0, len(index) - LATEST), len(index))
        crowding = np.nan_to_num(index.crowding[rows])
        similarity = self._raw(rows, rows, index) - self.crowding_weight * (crowding[:, None] + crowding)
        halved = rows[~np.isnan(index.halves[rows])]
        halves = self._halves(halved, index)
        self.calibration = calibrated(
            self._card,
            Seen(
                *spread_of_strangers(similarity, index.owners[rows]),
                float(halves.mean()) if len(halved) else 0.0,
                len(halved),
            ),
        )

    def _halves(self, rows: Ints, index: Index) -> Float64s:
        """(R,) similarity of the halves of tracklets, both taken to lie the same way to the mean of their camera."""
        means = self._means[index.cameras[rows]]
        lengths = np.sqrt((1 + index.halves[rows]) / 2)
        shift = self._norms[index.cameras[rows]] - 2 * lengths * np.einsum("nd,nd->n", index.vectors[rows], means)
        cosine = (index.halves[rows] + shift) / np.maximum(1 + shift, 1e-6)
        return self._scaled(cosine)


@dataclass(slots=True)
class Representatives:
    """Best cosine of the tracklet's mean with the few vectors that stand for an identity: the policies of the field."""

    represent: Represent
    _vectors: dict[int, Float32s] = field(default_factory=dict)

    def placed(self, row: int, index: Index) -> None:
        """The index holds all that is needed."""

    def regrouped(self, identity: int, pictures: Callable[[], Exemplars | None]) -> None:
        """Work out anew what stands for this identity."""
        exemplars = pictures()
        if exemplars is None:
            self._vectors.pop(identity, None)
        else:
            self._vectors[identity] = self.represent(exemplars)

    def similarity(self, row: int, index: Index, identities: int) -> Float64s:
        """See ``Scorer``."""
        best = np.full(identities, -np.inf)
        if self._vectors:
            owners = np.repeat(np.fromiter(self._vectors, np.int64), [len(v) for v in self._vectors.values()])
            np.maximum.at(best, owners, np.concatenate(list(self._vectors.values())) @ index.vectors[row])
        return best


def _sums(vectors: Float32s, groups: Ints, count: int) -> tuple[Float64s, Float64s]:
    """(G, D) sum and (G,) number of the vectors of each group."""
    order = np.argsort(groups, kind="stable")
    present, starts, sizes = np.unique(groups[order], return_index=True, return_counts=True)
    sums, counts = np.zeros((count, vectors.shape[1])), np.zeros(count)
    sums[present] = np.add.reduceat(vectors[order], starts, axis=0)
    counts[present] = sizes
    return sums, counts
