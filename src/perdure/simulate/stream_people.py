"""Who the people of a simulated stream look like: vectors from a fitted model, or real ones drawn again.

The model works on normal scores: each coordinate of the real vectors, made normal by its rank. There it is a nested
random-effects model: a bias per camera, a mean per viewpoint, and Gaussian effects of person, person in a camera,
tracklet and picture, whose sum goes back through the coordinates' real distributions and is scaled to unit norm (a
Gaussian copula: Cario & Nelson, NORTA, 1997). Vectors of rectified networks are far from normal; this keeps their zeros
and their skew, and with them the long upper tail of scores between strangers that decides an open-set system.
Covariances are fitted by the method of moments: see ``stream_fit``. What labelled crops of a day or two cannot show
(clothes that change, look-alikes) is set, not fitted: see ``Habits``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

import numpy as np

from perdure.errors import InputError
from perdure.gallery.exemplars import unit
from perdure.types import Float32s, Float64s, Ints

MARGIN_REACH = 3.0
STYLES = 24
PERSON, OUTFIT, PLACE, STYLE = 1, 2, 3, 4
"""Streams of random numbers, so that a person's looks do not depend on who else was simulated before."""


class Looks(Protocol):
    """Gives every simulated person a look."""

    @property
    def model(self) -> str:
        """The embedder's name that the vectors stand for."""

    @property
    def dim(self) -> int:
        """D."""

    @property
    def people(self) -> int | None:
        """How many different people there are; None for any number."""

    def pictures(self, person: int, day: int, camera: int, count: int, rng: np.random.Generator) -> Pictures:
        """Up to ``count`` pictures of one tracklet; the person's own looks depend on nothing but the seed."""


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """K embedded pictures of one tracklet, in order of time."""

    vectors: Float32s
    """(K, D) float32, unit norm."""
    quality: Float32s
    """(K,) float32 in [0, 1]."""
    names: tuple[str, ...]
    """K names of real pictures; "" for made-up ones."""


@dataclass(frozen=True, slots=True)
class Habits:
    """What a data set of one day does not show."""

    new_clothes: float = 0.8
    """Probability that a person wears something else on another day."""
    clothes_share: float = 0.7
    """Share of what tells people apart that goes with their clothes, in [0, 1]."""
    look_alikes: float = 0.05
    """Share of people who look much like somebody before them (uniforms, siblings)."""
    alikeness: float = 0.85
    """Correlation of a look-alike's appearance with the original's."""


@dataclass(frozen=True, slots=True, eq=False)
class PeopleModel:
    """Parameters fitted to labelled embeddings."""

    model: str
    margins: Float32s
    """(D, Z) values of each coordinate at Z normal scores evenly spaced in [-``MARGIN_REACH``, ``MARGIN_REACH``]."""
    camera_bias: Float32s
    """(C, D), like all that follows in normal scores."""
    view_bias: Float32s
    """(V, D)"""
    view_share: Float64s
    """(C, V) how often a tracklet of the camera shows the viewpoint; rows sum to 1."""
    person: Float32s
    """(R, D) factor: a normal (R,) times it is a person's effect; the same for the next three."""
    place: Float32s
    tracklet: Float32s
    picture: Float32s
    style_share: float
    """Share of the person effect that goes with one of ``STYLES`` ways to dress, in [0, 1)."""
    uneven_places: float
    """Standard deviation of the logarithm of a factor on all three within-person effects: some places are far worse."""
    uneven_pictures: float
    """The same for the noise of single pictures."""
    quality: Float32s
    """(Q,) quantiles of quality."""
    noise_by_quality: Float32s
    """(Q,) factor on the picture noise at each of those quantiles; mean square 1."""


@dataclass(frozen=True, slots=True, eq=False)
class FittedPeople:
    """Any number of people from a fitted model; nothing is kept of them but a small cache."""

    fitted: PeopleModel
    seed: int = 0
    habits: Habits = field(default_factory=Habits)

    @property
    def model(self) -> str:
        """The embedder's name that the vectors stand for."""
        return self.fitted.model

    @property
    def dim(self) -> int:
        """D."""
        return len(self.fitted.margins)

    @property
    def people(self) -> None:
        """Any number."""

    def pictures(self, person: int, day: int, camera: int, count: int, rng: np.random.Generator) -> Pictures:
        """``count`` pictures of one tracklet: one viewpoint, turning half-way in one tracklet of five."""
        fitted = self.fitted
        place = camera % len(fitted.camera_bias)
        here = np.random.default_rng([self.seed, PLACE, person, day, camera])
        uneven = uneven_factor(fitted.uneven_places, here.standard_normal())
        base = fitted.camera_bias[place] + self._look(person, day)
        base = base + uneven * (_drawn(fitted.place, here) + _drawn(fitted.tracklet, rng))
        views = rng.choice(len(fitted.view_bias), size=2, p=fitted.view_share[place])
        turns_at = rng.integers(1, count) if count > 1 and rng.random() < 0.2 else count
        view = np.where(np.arange(count) < turns_at, views[0], views[1])
        rank = rng.integers(0, len(fitted.quality), count)
        noise = rng.standard_normal((count, len(fitted.picture)), dtype=np.float32) @ fitted.picture
        noise *= uneven * uneven_factor(fitted.uneven_pictures, rng.standard_normal((count, 1)))
        scores = base + fitted.view_bias[view] + noise * fitted.noise_by_quality[rank, None]
        return Pictures(through_margins(scores, fitted.margins), fitted.quality[rank], ("",) * count)

    def _look(self, person: int, day: int) -> Float32s:
        """What tells the person from others on this day."""
        return _look_of(self, person, self._outfit_day(person, day))

    def _outfit_day(self, person: int, day: int) -> int:
        """The day on which the person put on what they wear today."""
        for back in range(day, 0, -1):
            if np.random.default_rng([self.seed, OUTFIT, person, back]).random() < self.habits.new_clothes:
                return back
        return 0


@lru_cache(maxsize=4096)
def _look_of(people: FittedPeople, person: int, outfit_day: int) -> Float32s:
    """Body and clothes of a person; of two look-alikes the later takes after the earlier, clothes included."""
    body = _effect(people, person, -1)
    clothes = _effect(people, person, outfit_day)
    share = people.habits.clothes_share
    return np.asarray(np.sqrt(1 - share) * body + np.sqrt(share) * clothes, np.float32)


def _effect(people: FittedPeople, person: int, outfit_day: int) -> Float32s:
    rng = np.random.default_rng([people.seed, PERSON, person])
    is_alike, original = rng.random() < people.habits.look_alikes, int(rng.integers(0, max(person, 1)))
    own = _styled(people, person, outfit_day)
    if person == 0 or not is_alike:
        return own
    theirs = _styled(people, original, outfit_day)
    alike = people.habits.alikeness
    return np.asarray(alike * theirs + np.sqrt(1 - alike**2) * own, np.float32)


def _styled(people: FittedPeople, person: int, outfit_day: int) -> Float32s:
    """A person's own effect around that of a style, which many share."""
    rng = np.random.default_rng([people.seed, PERSON, person, outfit_day + 1])
    share, factor = people.fitted.style_share, people.fitted.person
    style = _style_effects(people)[int(rng.integers(STYLES))]
    return np.asarray(np.sqrt(share) * style + np.sqrt(1 - share) * _drawn(factor, rng), np.float32)


@lru_cache(maxsize=16)
def _style_effects(people: FittedPeople) -> Float32s:
    """(STYLES, D)"""
    rng = np.random.default_rng([people.seed, STYLE])
    return np.asarray(style_normals(rng, len(people.fitted.person)) @ people.fitted.person, np.float32)


def style_normals(rng: np.random.Generator, size: int) -> Float32s:
    """(STYLES, size) normal numbers without a common mean, which would make all strangers alike."""
    normals = rng.standard_normal((STYLES, size), dtype=np.float32)
    return np.asarray((normals - normals.mean(axis=0)) * np.sqrt(STYLES / (STYLES - 1)), np.float32)


def uneven_factor(spread: float, normal: Float64s | float) -> Float32s:
    """Log-normal factors of mean square 1 from normal numbers."""
    return np.asarray(np.exp(spread * normal - spread**2), np.float32)


def through_margins(scores: Float32s, margins: Float32s) -> Float32s:
    """(K, D) normal scores to unit vectors, by straight lines between the knots of each coordinate."""
    steps = margins.shape[1] - 1
    place = np.clip((scores + MARGIN_REACH) * (steps / (2 * MARGIN_REACH)), 0, steps)
    below = np.minimum(place.astype(np.int64), steps - 1)
    coordinate = np.arange(len(margins))
    low, high = margins[coordinate, below], margins[coordinate, below + 1]
    values = low + (place - below) * (high - low)
    return unit(values)


def _drawn(factor: Float32s, rng: np.random.Generator) -> Float32s:
    return np.asarray(rng.standard_normal(len(factor), dtype=np.float32) @ factor, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class RealPeople:
    """Real vectors: a tracklet of a simulated person is one of the same real person's.

    From the same camera each time the simulated one is the same. There are only as many people as in the data.
    """

    model: str
    vectors: Float32s
    """(N, D) float32, unit norm."""
    quality: Float32s
    names: tuple[str, ...]
    groups: tuple[tuple[tuple[int, Ints], ...], ...]
    """Of each person their tracklets: camera and rows in order of time."""

    @classmethod
    def of(
        cls,
        model: str,
        vectors: Float32s,
        person: Ints,
        camera: Ints,
        tracklet: Ints,
        quality: Float32s | None = None,
        names: Sequence[str] | None = None,
    ) -> RealPeople:
        """From N labelled vectors; rows of a ``tracklet`` label are one tracklet, in the order given."""
        groups: dict[int, list[tuple[int, Ints]]] = {}
        order = np.argsort(tracklet, kind="stable")
        for rows in np.split(order, np.flatnonzero(np.diff(tracklet[order])) + 1):
            if len(rows) and person[rows[0]] > 0:
                groups.setdefault(int(person[rows[0]]), []).append((int(camera[rows[0]]), rows))
        if not groups:
            raise InputError("the embeddings show no people (numbers from 1), only distractors or junk")
        return cls(
            model,
            vectors,
            np.ones(len(vectors), np.float32) if quality is None else quality,
            ("",) * len(vectors) if names is None else tuple(names),
            tuple(tuple(groups[key]) for key in sorted(groups)),
        )

    @property
    def dim(self) -> int:
        """D."""
        return int(self.vectors.shape[1])

    @property
    def people(self) -> int:
        """Real people in the data."""
        return len(self.groups)

    def pictures(self, person: int, day: int, camera: int, count: int, rng: np.random.Generator) -> Pictures:
        """Up to ``count`` pictures of one real tracklet; the day changes nothing."""
        del day
        mine = self.groups[person]
        cameras = sorted({number for number, _ in mine})
        fitting = [rows for number, rows in mine if number == cameras[camera % len(cameras)]]
        rows = fitting[int(rng.integers(len(fitting)))]
        chosen = np.sort(rng.permutation(len(rows))[:count])
        rows = rows[chosen]
        return Pictures(self.vectors[rows], self.quality[rows], tuple(self.names[row] for row in rows))
