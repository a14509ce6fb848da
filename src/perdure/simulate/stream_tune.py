"""Corrects a first people model until its scores have the means and spreads of the real ones.

The simulated method of moments (McFadden, Econometrica 1989): always the same random numbers, so each correction moves
the simulated moments smoothly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from perdure.simulate.stream_people import STYLES, PeopleModel, style_normals, through_margins, uneven_factor
from perdure.types import Bools, Float32s, Float64s, Ints

PEOPLE = 800
ROUNDS = 10
MOST_ROWS = 5000


@dataclass(frozen=True, slots=True)
class ScoreMoments:
    """Means and spreads of cosines between two pictures, by what they share. NaN where there are no such pairs."""

    same_tracklet: float
    same_place: float
    """Same person and camera, another tracklet."""
    same_person: float
    """Another camera."""
    different: float
    different_top: float
    """What one pair of strangers in a hundred exceeds."""
    same_tracklet_std: float
    same_person_std: float


def score_moments(vectors: Float32s, person: Ints, camera: Ints, tracklet: Ints) -> ScoreMoments:
    """Of real pictures; of whole people up to about ``MOST_ROWS`` pictures, in order of their number."""
    allowed = np.sort(person)[min(MOST_ROWS, len(person)) - 1]
    rows = np.flatnonzero(person <= allowed)
    vectors, person, camera, tracklet = vectors[rows], person[rows], camera[rows], tracklet[rows]
    cosine = vectors @ vectors.T
    above = np.triu(np.ones(cosine.shape, bool), 1)
    together = (person[:, None] == person) & above
    placed = together & (camera[:, None] == camera)
    tracked = together & (tracklet[:, None] == tracklet)
    across = together & ~placed
    return ScoreMoments(
        _mean(cosine, tracked),
        _mean(cosine, placed & ~tracked),
        _mean(cosine, across),
        _mean(cosine, above & ~together),
        float(np.quantile(cosine[above & ~together], 0.99)),
        float(cosine[tracked].std()) if tracked.any() else float("nan"),
        float(cosine[across].std()) if across.any() else float("nan"),
    )


def _mean(cosine: Float32s, pairs: Bools) -> float:
    chosen = cosine[pairs]
    return float(chosen.mean(dtype=np.float64)) if len(chosen) else float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class _Draws:
    """Random numbers of people with four pictures each: 0 and 1 of one tracklet, 2 of another, 3 of another camera."""

    style: Float32s
    person: Float32s
    place: Float32s
    tracklet: Float32s
    picture: Float32s
    uneven_place: Float64s
    uneven_picture: Float64s
    noise: Float32s
    bias: Float32s

    @classmethod
    def of(cls, model: PeopleModel, seed: int = 0) -> _Draws:
        rng = np.random.default_rng(seed)

        def normal(*shape: int) -> Float32s:
            return rng.standard_normal(shape, dtype=np.float32)

        cameras = rng.integers(0, len(model.camera_bias), (PEOPLE, 2))[:, [0, 0, 0, 1]]
        views = np.array([[rng.choice(len(model.view_bias), p=model.view_share[c]) for c in row] for row in cameras])
        views[:, 1] = views[:, 0]
        return cls(
            style_normals(rng, len(model.person))[rng.integers(0, STYLES, (PEOPLE, 1))],
            normal(PEOPLE, 1, len(model.person)),
            normal(PEOPLE, 2, len(model.place))[:, [0, 0, 0, 1]],
            normal(PEOPLE, 3, len(model.tracklet))[:, [0, 0, 1, 2]],
            normal(PEOPLE, 4, len(model.picture)),
            rng.standard_normal((PEOPLE, 2, 1))[:, [0, 0, 0, 1]],
            rng.standard_normal((PEOPLE, 4, 1)),
            model.noise_by_quality[rng.integers(0, len(model.quality), (PEOPLE, 4, 1))],
            model.camera_bias[cameras] + model.view_bias[views],
        )

    def moments(self, model: PeopleModel) -> ScoreMoments:
        """What the model's scores are like with these random numbers."""
        uneven = uneven_factor(model.uneven_places, self.uneven_place)
        within = self.place @ model.place + self.tracklet @ model.tracklet
        noise = (self.picture @ model.picture) * self.noise * uneven_factor(model.uneven_pictures, self.uneven_picture)
        person = np.sqrt(model.style_share) * self.style + np.sqrt(1 - model.style_share) * self.person
        scores = self.bias + person.astype(np.float32) @ model.person + uneven * (within + noise)
        vectors = through_margins(scores.reshape(PEOPLE * 4, -1).astype(np.float32), model.margins)
        pictures = vectors.reshape(PEOPLE, 4, -1)
        tracked, placed, across = (np.einsum("nd,nd->n", pictures[:, 0], pictures[:, k]) for k in (1, 2, 3))
        strangers = (pictures[:, 0] @ pictures[:, 3].T)[~np.eye(PEOPLE, dtype=bool)]
        return ScoreMoments(
            float(tracked.mean()),
            float(placed.mean()),
            float(across.mean()),
            float(strangers.mean(dtype=np.float64)),
            float(np.quantile(strangers, 0.99)),
            float(tracked.std()),
            float(across.std()),
        )


def tuned(model: PeopleModel, wanted: ScoreMoments) -> PeopleModel:
    """The model with the variance of its four effects, their sum and its unevenness set so that the moments agree."""
    draws = _Draws.of(model)
    variance = np.array([float((f**2).sum()) for f in (model.person, model.place, model.tracklet, model.picture)])
    total = float(variance.sum())
    shared = np.cumsum(variance)[:3] / total
    uneven, style = np.array([model.uneven_places, model.uneven_pictures]), model.style_share
    for _ in range(ROUNDS):
        model = replace(_with(model, np.diff(shared, prepend=0.0, append=1.0) * total, uneven), style_share=style)
        got = draws.moments(model)
        reach = 1 - got.different
        step = np.array(
            [
                wanted.same_person - got.same_person,
                wanted.same_place - got.same_place,
                wanted.same_tracklet - got.same_tracklet,
            ]
        )
        shared = np.clip(shared + np.nan_to_num(step) / reach, 0.02, 0.98)
        shared = np.maximum.accumulate(shared)
        spread = np.array(
            [
                wanted.same_person_std - got.same_person_std,
                wanted.same_tracklet_std - got.same_tracklet_std,
            ]
        )
        uneven = np.clip(uneven + 3 * np.nan_to_num(spread), 0.0, 0.6)
        style = float(np.clip(style + 4 * np.nan_to_num(wanted.different_top - got.different_top), 0.0, 0.9))
        total *= float(np.clip(1 + 2 * np.nan_to_num(got.different - wanted.different) / reach, 0.8, 1.25))
    return model


def _with(model: PeopleModel, variance: Float64s, uneven: Float64s) -> PeopleModel:
    """The model with these variances of its effects and this unevenness."""

    def scaled(factor: Float32s, target: float) -> Float32s:
        now = float((factor**2).sum())
        return np.asarray(factor * np.sqrt(target / now) if now > 0 else factor, np.float32)

    person, place, tracklet, picture = (
        scaled(factor, float(target))
        for factor, target in zip((model.person, model.place, model.tracklet, model.picture), variance, strict=True)
    )
    return replace(
        model,
        person=person,
        place=place,
        tracklet=tracklet,
        picture=picture,
        uneven_places=float(uneven[0]),
        uneven_pictures=float(uneven[1]),
    )
