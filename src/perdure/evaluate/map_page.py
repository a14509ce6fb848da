"""A map of embeddings: every picture where its neighbours are, and how far the people's clusters overlap."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perdure.errors import InputError
from perdure.evaluate.datasets import DISTRACTOR
from perdure.evaluate.embeddings import Embeddings
from perdure.evaluate.report import Report, Table, new_figure
from perdure.evaluate.tsne import tsne
from perdure.report.pictures import embedded
from perdure.types import Float64s, Ints

MOST_POINTS = 1200
"""t-SNE compares all pairs; of more pictures as many are drawn at random."""
MOST_PICTURES = 160
"""Pictures shown on the map itself; the page holds them all."""
NEIGHBOURS = 10
SIZE_PX = 1100
THUMB_PX = 52

_MAP = """<style>.map { width: 100%; max-width: 1100px; background: #f6f8fa; border: 1px solid #e2e5e9 }</style>
<svg class="map" viewBox="-30 -30 1160 1160" role="img" aria-label="map of embeddings">
{% for x, y, colour, title in dots %}<circle cx="{{ x }}" cy="{{ y }}" r="5" fill="{{ colour }}" fill-opacity=".75">
<title>{{ title }}</title></circle>
{% endfor %}{% for x, y, w, h, uri, colour, title in pictures %}<g><title>{{ title }}</title>
<image href="{{ uri }}" x="{{ x }}" y="{{ y }}" width="{{ w }}" height="{{ h }}"/>
<rect x="{{ x }}" y="{{ y }}" width="{{ w }}" height="{{ h }}" fill="none" stroke="{{ colour }}" stroke-width="3"/></g>
{% endfor %}</svg>"""


@dataclass(frozen=True, slots=True)
class Overlap:
    """How far the clusters of people overlap; every share is over pictures or pairs of known people."""

    own_neighbours: float
    """Share of a picture's 10 nearest that show the same person."""
    below_strangers: float
    """Share of same-person pairs less alike than the most alike 1 % of pairs of strangers."""
    same: Float64s
    """Cosines of same-person pairs."""
    different: Float64s
    """Cosines of pairs of strangers."""


def overlap(embeddings: Embeddings) -> Overlap | None:
    """None where fewer than two people, or nobody twice, are known."""
    known = embeddings[embeddings.person > DISTRACTOR]
    same_person = known.person[:, None] == known.person[None, :]
    above = np.triu(np.ones_like(same_person), 1)
    cosine = (known.vectors @ known.vectors.T).astype(np.float64)
    same, different = cosine[same_person & above], cosine[~same_person & above]
    if not len(same) or not len(different):
        return None
    np.fill_diagonal(cosine, -np.inf)
    nearest = np.argsort(-cosine, axis=1)[:, : min(NEIGHBOURS, len(known) - 1)]
    own = np.take_along_axis(same_person, nearest, axis=1).mean()
    return Overlap(float(own), float((same < np.quantile(different, 0.99)).mean()), same, different)


def map_report(embeddings: Embeddings, seed: int = 0) -> Report:
    """The map with pictures on it and, where people are known, the figures of their overlap.

    Raises:
        InputError: fewer than four pictures.
    """
    if len(embeddings) < 4:
        raise InputError(f"a map needs four pictures at least, found {len(embeddings)}")
    rows = np.arange(len(embeddings))
    if len(rows) > MOST_POINTS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MOST_POINTS, replace=False))
    shown = embeddings[rows]
    places = tsne(shown.vectors)
    notes = (
        f"{embeddings.model}: {len(shown):,} of {len(embeddings):,} pictures, placed by t-SNE: what is near is alike, "
        "what is far says nothing about how unlike. A colour is a person; grey is nobody in particular.",
    )
    found = overlap(shown)
    sections = {"Map": _map(shown, places)}
    if found is None:
        return Report("Map of embeddings", (), {}, notes, sections)
    figure = new_figure()
    axes = figure.add_subplot(xlabel="cosine", ylabel="density")
    for cosines, label in ((found.same, "same person"), (found.different, "different people")):
        axes.hist(cosines, bins=60, range=(-0.4, 1), density=True, histtype="step", label=label)
    axes.legend()
    table = Table(
        "How far clusters overlap",
        ("", "share"),
        (
            (f"of the {NEIGHBOURS} nearest show the same person", found.own_neighbours),
            ("of same-person pairs are less alike than the most alike 1 % of strangers", found.below_strangers),
        ),
    )
    return Report("Map of embeddings", (table,), {"Same and different pairs": figure}, notes, sections)


def _map(embeddings: Embeddings, places: Float64s) -> str:
    from jinja2 import Environment

    span = np.maximum(places.max(axis=0) - places.min(axis=0), 1e-9)
    at = (places - places.min(axis=0)) / span * SIZE_PX
    colours = [_colour(int(person)) for person in embeddings.person]
    titles = [
        f"person {person}, {path}" if person > DISTRACTOR else path
        for person, path in zip(embeddings.person.tolist(), embeddings.paths, strict=True)
    ]
    dots = [
        (round(x, 1), round(y, 1), colour, title) for (x, y), colour, title in zip(at, colours, titles, strict=True)
    ]
    pictures = []
    for row in spread(at, MOST_PICTURES, THUMB_PX).tolist():
        made = embedded(Path(embeddings.paths[row]), THUMB_PX) if embeddings.paths[row] else None
        if made is not None:
            x, y = at[row] - (made.width / 2, made.height / 2)
            pictures.append((round(x, 1), round(y, 1), made.width, made.height, made.uri, colours[row], titles[row]))
    return Environment(autoescape=True).from_string(_MAP).render(dots=dots, pictures=pictures)


def spread(places: Float64s, count: int, apart: float) -> Ints:
    """Up to `count` rows no two of which are nearer than `apart`: in order of row, so the same every time."""
    chosen: list[int] = []
    for row in range(len(places)):
        if len(chosen) == count:
            break
        away = np.abs(places[chosen] - places[row]).max(axis=1) if chosen else np.array([np.inf])
        if float(away.min()) >= apart:
            chosen.append(row)
    return np.asarray(chosen, np.int64)


def _colour(person: int) -> str:
    """One colour per person, far apart for numbers that follow each other; grey for nobody."""
    if person <= DISTRACTOR:
        return "#8b949e"
    return f"hsl({person * 137.508 % 360:.0f} {55 + person % 3 * 15}% {38 + person % 4 * 7}%)"
