"""What the quality of a crop is worth: the probability that the crop ranks its own identity first.

Fitted to labelled crops: the quality as it is told is made a probability by isotonic regression (pool adjacent
violators: Ayer et al., Ann. Math. Statist. 1955; for probabilities: Zadrozny & Elkan, KDD 2002).
"""

from __future__ import annotations

import numpy as np

from perdure.embed.quality import Scale
from perdure.errors import InputError
from perdure.evaluate.calibration import isotonic, reliability
from perdure.evaluate.embeddings import Embeddings
from perdure.types import Float32s, Float64s

GALLERY = 50
"""People among whom a crop has to rank its own first."""
POINTS = 20
"""At most so many points of the line, each from as many crops: fewer crops in one say too little."""
BLOCK = 512


def ranks_first(embeddings: Embeddings, gallery: int = GALLERY, among: Embeddings | None = None) -> Float64s:
    """(N,) probability that each crop finds its own identity first among so many people; NaN where it cannot.

    By the Market-1501 protocol: crops of the same person by the same camera do not count. The others are drawn at
    random from all people there are; how often nobody of a draw is nearer than the nearest of one's own is counted
    exactly (hypergeometric).

    Args:
        embeddings: what is looked for.
        gallery: people in a draw.
        among: what it is looked for in; None: among themselves.

    Raises:
        InputError: there are fewer people than that.
    """
    among = embeddings if among is None else among
    people, owner = np.unique(among.person, return_inverse=True)
    others = len(people[people > 0]) - 1
    if others < gallery - 1:
        raise InputError(f"the quality of crops needs {gallery} people or more, found {others + 1}")
    order = np.argsort(owner, kind="stable")
    firsts = np.searchsorted(owner[order], np.arange(len(people)))
    found = np.full(len(embeddings), np.nan)
    asked = np.flatnonzero((embeddings.person > 0) & np.isin(embeddings.person, people))
    for rows in np.array_split(asked, len(asked) // BLOCK + 1):
        person = embeddings.person[rows]
        cosines = embeddings.vectors[rows] @ among.vectors.T
        own = person[:, None] == among.person
        cosines[own & (embeddings.camera[rows, None] == among.camera)] = -np.inf
        best = np.maximum.reduceat(cosines[:, order], firsts, axis=1)
        mine = best[np.arange(len(rows)), np.searchsorted(people, person)]
        nearer = ((best > mine[:, None]) & (people > 0)).sum(axis=1)
        found[rows] = np.where(np.isfinite(mine), _none_drawn(nearer, others, gallery - 1), np.nan)
    return found


def _none_drawn(nearer: Float64s, others: int, drawn: int) -> Float64s:
    """(N,) probability that a draw of so many of the others has none of those who are nearer."""
    from scipy.special import gammaln

    left = others - nearer - drawn
    safe = np.maximum(left, 0)
    log = gammaln(others - nearer + 1) - gammaln(safe + 1) - gammaln(others + 1) + gammaln(others - drawn + 1)
    return np.where(left < 0, 0.0, np.exp(log))


def fit_scale(told: Float32s, first: Float64s) -> Scale:
    """The scale of a model.

    Args:
        told: (N,) the model's own quality, or the plain one where it has none.
        first: (N,) ``ranks_first``; crops with NaN are left out.
    """
    known = np.isfinite(first)
    told, first = told[known].astype(np.float64), first[known]
    order = np.argsort(told, kind="stable")
    parts = [part for part in np.array_split(order, POINTS) if len(part)]
    centres = np.round([told[part].mean() for part in parts], 4)
    shares = isotonic(np.repeat(centres, [len(part) for part in parts]), first[order])
    places, ends = np.unique(np.repeat(centres, [len(part) for part in parts]), return_index=True)
    levels = np.round(shares[ends], 4)[places > 0]
    return Scale((0.0, *places[places > 0].tolist()), (0.0, *levels.tolist()))


def error(scale: Scale, told: Float32s, first: Float64s) -> float:
    """Expected calibration error of a scale over crops with a known (N,) ``ranks_first``."""
    known = np.isfinite(first)
    return reliability(scale(told[known]).astype(np.float64), first[known], bins=10).ece
