"""The pictures kept of one track, and what their similarity says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from perdure.track.purity import change_of_person
from perdure.types import Crops, Exemplars, Float32s, Float64s

MOST_PICTURES = 32
_SIMILAR = 3


@dataclass(slots=True, eq=False)
class _Page:
    """Pictures of one part by one model, in order of time."""

    vectors: list[Float32s] = field(default_factory=list)
    quality: list[float] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)

    def add(self, vector: Float32s, quality: float, at: float, picture: str) -> None:
        self.vectors.append(vector)
        self.quality.append(quality)
        self.at.append(at)
        self.pictures.append(picture)
        if len(self.vectors) > MOST_PICTURES:
            self._drop_one()

    def _drop_one(self) -> None:
        """Of the two most alike pictures the one of lower quality goes: what stays is good and different."""
        matrix = np.stack(self.vectors)
        alike = matrix @ matrix.T
        np.fill_diagonal(alike, -np.inf)
        first, second = np.unravel_index(int(np.argmax(alike)), alike.shape)
        worse = int(first if self.quality[first] < self.quality[second] else second)
        for kept in (self.vectors, self.quality, self.at, self.pictures):
            del kept[worse]


class Album:
    """Exemplars of one tracklet by model and part; ``inherited`` vectors come from the tracklet it was cut from."""

    def __init__(self, inherited: dict[str, Float32s] | None = None) -> None:
        self._pages: dict[tuple[str, str], _Page] = {}
        self._inherited = inherited or {}
        self._bodies: dict[str, Float32s | None] = {}
        """What ``body`` has put together since the last picture."""

    def __len__(self) -> int:
        return max((len(page.vectors) for page in self._pages.values()), default=0)

    def add(self, crops: Crops, row: int, at: float) -> None:
        """Keep one crop (``row`` of ``crops``)."""
        self._bodies.clear()
        page = self._pages.setdefault((crops.model, crops.part), _Page())
        page.add(crops.vectors[row], float(crops.quality[row]), at, crops.pictures[row])

    def body(self, model: str) -> Float32s | None:
        """(K, D) body vectors of one model, inherited ones too, or None."""
        if model not in self._bodies:
            self._bodies[model] = self._together(model)
        return self._bodies[model]

    def _together(self, model: str) -> Float32s | None:
        page = self._pages.get((model, "body"))
        own = np.stack(page.vectors) if page else None
        old = self._inherited.get(model)
        if own is None or old is None:
            return own if old is None else old
        return np.concatenate([old, own])

    def heirs(self) -> Album:
        """An empty album that still recognises the person: for the next part of a cut track."""
        models = {model for model, part in self._pages if part == "body"} | set(self._inherited)
        last = {model: vectors[-8:] for model in models if (vectors := self.body(model)) is not None}
        return Album(last)

    def split(self, llr: Callable[[Float64s, Float64s], Float64s]) -> float | None:
        """UTC seconds at which the body pictures of some model begin to show a second person, or None."""
        for (_, part), page in self._pages.items():
            if part == "body":
                row = change_of_person(np.stack(page.vectors), np.array(page.quality, np.float32), llr)
                if row is not None:
                    return (page.at[row - 1] + page.at[row]) / 2
        return None

    def parted(self, at: float) -> tuple[Album, Album]:
        """What was taken before ``at``, and what after it."""
        albums = Album(self._inherited), Album()
        for key, page in self._pages.items():
            rows = list(zip(page.vectors, page.quality, page.at, page.pictures, strict=True))
            for album, kept in zip(
                albums, ([r for r in rows if r[2] < at], [r for r in rows if r[2] >= at]), strict=True
            ):
                if kept:
                    album._pages[key] = _Page(*(list(column) for column in zip(*kept, strict=True)))
        return albums

    def exemplars(self) -> tuple[Exemplars, ...]:
        """All that is kept, as told; inherited vectors belong to the former part and are not told again."""
        return tuple(
            Exemplars(
                model,
                np.stack(page.vectors),
                np.array(page.quality, np.float32),
                np.array(page.at),
                tuple(page.pictures),
                "face" if part == "face" else "body",
            )
            for (model, part), page in self._pages.items()
        )


def similarity(album: Float32s, vectors: Float32s) -> Float64s:
    """(M,) cosine of (M, D) crops to the (K, D) pictures of a track: mean of the three most alike.

    The most alike alone grows with K, so a long track would look like everybody; the mean forgets that people turn.
    """
    cosines = vectors @ album.T
    best = min(_SIMILAR, cosines.shape[1])
    return np.asarray(np.partition(cosines, -best, axis=1)[:, -best:].mean(axis=1), np.float64)


class SimilarityScale:
    """What a cosine is worth as evidence, learned on site without labels.

    Two tracks seen at once are different people; a crop that motion alone gives to a track beyond doubt is the same
    one. Both kinds of cosines are kept as running mean and variance, and two Gaussians of one pooled variance (so that
    more alike never counts less) give the log-likelihood ratio.
    The scale starts from a weak prior, because cosines of two models, and of two cameras, are not comparable.
    """

    def __init__(self) -> None:
        self._count = np.array([20.0, 20.0])
        self._mean = np.array([0.50, 0.78])
        self._square = self._count * np.array([0.14, 0.10]) ** 2
        self._most = 2000.0

    def learn(self, cosines: Float64s, same: bool) -> None:
        """Cosines of known pairs (Welford's update, with a memory of about 2,000 pairs)."""
        side = int(same)
        for cosine in cosines.tolist():
            self._count[side] += 1
            before = cosine - self._mean[side]
            self._mean[side] += before / self._count[side]
            self._square[side] += before * (cosine - self._mean[side])
            if self._count[side] > self._most:
                self._square[side] *= self._most / self._count[side]
                self._count[side] = self._most

    def llr(self, cosines: Float64s, quality: Float64s) -> Float64s:
        """Nats for the same person over another, in [-6, 6], weighted by quality; never falls with the cosine."""
        variance = max(float((self._square / self._count).mean()), 0.03**2)
        apart = max(float(self._mean[1] - self._mean[0]), 0.0)
        each = apart * (cosines - self._mean.mean()) / variance
        return np.asarray(np.clip(each, -6.0, 6.0) * quality)
