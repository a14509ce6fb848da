"""A stream through the real gallery, with the scores as it grows."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from perdure.assemble import gallery as open_gallery
from perdure.config import GalleryConfig
from perdure.evaluate.partition import PartitionScores, partition
from perdure.evaluate.stream import Stream
from perdure.gallery.calibrate import Calibration
from perdure.gallery.exemplars import select, unit
from perdure.gallery.gallery import Gallery
from perdure.gallery.ledger import Partition
from perdure.gallery.scoring import CentredLinkage
from perdure.gallery.topology import Topology
from perdure.types import Float64s, Ints, Tracklet

LOOSEST = -0.1
"""No threshold lower than what 80 % of all pairs exceed is tried."""
Prepare = Callable[[Gallery, Tracklet], Tracklet]
"""What becomes of a tracklet before the gallery is told."""


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """How good the identities are after a part of the stream."""

    told: int
    """Rows of the stream so far."""
    online: PartitionScores
    """As the gallery knew it at that moment."""
    consolidated: PartitionScores | None
    """Had the stream ended here and everything been looked at again; None for policies without that step."""


@dataclass(frozen=True, slots=True, eq=False)
class Replay:
    """One policy's run over one stream."""

    stream: Stream
    checkpoints: tuple[Checkpoint, ...]
    """The last one is the whole stream."""
    online: Gallery
    """At the end of the stream."""
    consolidated: Gallery | None
    """The same after it looked at everything again; None for policies without that step."""

    @property
    def end(self) -> Checkpoint:
        """After the whole stream."""
        return self.checkpoints[-1]


def replay(
    stream: Stream, gallery: Gallery, checkpoints: int = 1, prepare: Prepare | None = None, *, consolidate: bool = True
) -> Replay:
    """Tell an empty gallery everything in order, and score it after so many equal parts of the stream."""
    stops = np.unique(np.linspace(0, len(stream), checkpoints + 1).astype(np.int64)[1:]).tolist()
    found = []
    looked_again: Gallery | None = None
    begun = 0
    for stop in stops:
        tell(gallery, stream, begun, stop, prepare)
        if stop == len(stream):
            gallery.tick(float("inf"))
        if consolidate and isinstance(gallery.scorer, CentredLinkage):
            looked_again = snapshot(gallery)
            looked_again.consolidate(float(stream.at[stop - 1]))
        after = None if looked_again is None else scores(stream, looked_again, stop)
        found.append(Checkpoint(stop, scores(stream, gallery, stop), after))
        begun = stop
    return Replay(stream, tuple(found), gallery, looked_again)


def tell(gallery: Gallery, stream: Stream, begin: int, end: int, prepare: Prepare | None = None) -> None:
    """Tell the gallery the rows ``begin`` to ``end - 1``; what waited is decided when its time has come."""
    for row in range(begin, end):
        gallery.tick(float(stream.at[row]))
        tracklet = stream.told[row]
        gallery.observe([tracklet if prepare is None else prepare(gallery, tracklet)])


def scores(stream: Stream, gallery: Gallery, count: int) -> PartitionScores:
    """Of the tracklets among the first ``count`` rows that have an identity, weighted by crops."""
    rows, identities = assigned(stream, gallery.partition, count)
    return partition(stream.person[rows], np.array(identities, str), stream.crops[rows])


def assigned(stream: Stream, partition: Partition, count: int) -> tuple[Ints, list[str]]:
    """The latest rows of tracklets with an identity, and that identity."""
    identity_of = partition.identity_of
    rows = [row for row in stream.latest(count).tolist() if stream.told[row].id in identity_of]
    return np.array(rows, np.int64), [identity_of[stream.told[row].id] for row in rows]


def snapshot(gallery: Gallery) -> Gallery:
    """A copy that can go another way; what is immutable (evidence, changes) is shared."""
    shared = {id(gallery.evidence): dict(gallery.evidence), id(gallery.log): list(gallery.log)}
    return copy.deepcopy(gallery, shared)


def thinned(keep: int) -> Prepare:
    """At most so many good and different pictures of each tracklet, as the pipeline hands them to the gallery."""
    return lambda _, tracklet: replace(tracklet, exemplars=tuple(select(e, keep) for e in tracklet.exemplars))


def run_policy(
    stream: Stream,
    config: GalleryConfig,
    calibration: Calibration | None,
    checkpoints: int = 1,
    topology: Topology | None = None,
) -> Replay:
    """One policy over the stream; ``topology``: what is known of the cameras, None: it is learned.

    Raises:
        ConfigError: the policy needs a calibration or a threshold that is not there.
    """
    gallery = open_gallery(config, stream.model, stream.dim, calibration, topology)
    prepare = thinned(config.exemplars_per_tracklet) if config.policy == "default" else None
    return replay(stream, gallery, checkpoints, prepare, consolidate=config.consolidate)


def best_threshold(stream: Stream, config: GalleryConfig, told: Callable[[float, float], None] | None = None) -> float:
    """The cosine with the best IDF1 **in hindsight**: no system could have known it; an upper bound for its policy.

    Climbs, with a step halved at every top, over the logarithm of the share of all pairs of tracklets that exceed the
    cosine, from one pair in a thousand. ``told`` hears of every threshold and its IDF1.
    """
    cosines = _cosines_of_pairs(stream)
    found: dict[float, float] = {}

    def idf1(place: float) -> float:
        if place not in found:
            cosine = float(np.quantile(cosines, 1 - 10**place))
            at = config.model_copy(update={"threshold": cosine})
            found[place] = run_policy(stream, at, None).end.online.idf1
            if told is not None:
                told(cosine, found[place])
        return found[place]

    best, step = -3.0, 0.5
    while step >= 0.125:
        top = max((best, best - step, min(best + step, LOOSEST)), key=idf1)
        best, step = (best, step / 2) if top == best else (top, step)
    return float(np.quantile(cosines, 1 - 10**best))


def _cosines_of_pairs(stream: Stream, sample: int = 2000) -> Float64s:
    """Of the means of (at most ``sample``) tracklets, all pairs."""
    rows = stream.latest(len(stream))
    if len(rows) > sample:
        rows = np.sort(np.random.default_rng(0).choice(rows, sample, replace=False))
    means = unit(np.array([stream.told[row].exemplars[0].vectors.mean(axis=0) for row in rows]))
    first, second = np.triu_indices(len(means), 1)
    return (means @ means.T)[first, second].astype(np.float64) if len(means) > 1 else np.array([0.5])
