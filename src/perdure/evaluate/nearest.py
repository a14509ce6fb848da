"""Who looks like the person on this picture: the nearest of a set of embeddings, and the sheet that shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perdure.errors import InputError
from perdure.evaluate.datasets import DISTRACTOR
from perdure.evaluate.embeddings import Embeddings
from perdure.evaluate.report import Cell, Table
from perdure.models.card import Calibration
from perdure.report.pictures import embedded
from perdure.types import Float32s

PICTURE_HEIGHT_PX = 160

_SHEET = """<style>
.sheet { display: flex; flex-wrap: wrap; gap: .9rem; margin: .5rem 0 1.5rem }
.hit { width: 8rem; font-size: 12px; line-height: 1.35; overflow-wrap: anywhere }
.hit img, .hit .none { height: 160px; max-width: 8rem; object-fit: contain; display: block; margin-bottom: .3rem }
.hit .none { width: 80px; background: #e2e5e9 }
.hit.asked { outline: 2px solid #1f6feb; outline-offset: .25rem }
</style>
<div class="sheet"><div class="hit asked">{% if asked %}<img src="{{ asked }}" alt="searched for">{% endif %}
<b>searched for</b></div>
{% for hit, uri in hits %}<div class="hit">{% if uri %}<img src="{{ uri }}" alt="{{ hit.path }}">{% else %}
<div class="none"></div>{% endif %}<b>{{ loop.index }}. {{ '%.3f' % hit.similarity }}</b>
{% if hit.probability is not none %}probability {{ '%.2f' % hit.probability }}<br>{% endif %}
quality {{ '%.2f' % hit.quality }}<br>{{ hit.path }}</div>
{% endfor %}</div>"""


@dataclass(frozen=True, slots=True)
class Hit:
    """One picture that was found."""

    path: str
    similarity: float
    """Cosine, in [-1, 1]."""
    probability: float | None
    """That it is the same person, at even odds before looking; None where the model's card is not calibrated."""
    quality: float
    person: int | None
    """None where nobody said who it is."""


def nearest(
    vector: Float32s, among: Embeddings, count: int, calibration: Calibration | None, leave_out: Path | None = None
) -> list[Hit]:
    """The `count` pictures most like a unit vector (D,), best first; equal ones in their order.

    Args:
        vector: of the person searched for, by the same model.
        among: where to search.
        count: how many to give at most.
        calibration: of the model's card: turns a cosine into a probability.
        leave_out: the picture searched for, where it is itself among them.

    Raises:
        InputError: the vectors are of another length.
    """
    if among.vectors.shape[1] != len(vector):
        raise InputError(
            f"the picture has a vector of {len(vector)} numbers, the embeddings of {among.vectors.shape[1]}: "
            "they are of different models"
        )
    similarity = among.vectors @ vector
    if leave_out is not None:
        same = [bool(path) and Path(path).resolve() == leave_out.resolve() for path in among.paths]
        similarity = np.where(same, -np.inf, similarity)
    order = np.argsort(-similarity, kind="stable")[:count]
    return [
        Hit(
            among.paths[i],
            float(similarity[i]),
            None if calibration is None else _probability(float(similarity[i]), calibration),
            float(among.quality[i]),
            int(among.person[i]) if among.person[i] > DISTRACTOR else None,
        )
        for i in order.tolist()
        if np.isfinite(similarity[i])
    ]


def _probability(similarity: float, calibration: Calibration) -> float:
    """At even odds. The card's calibration is of centred similarities: what all crops share is taken off first, here
    with the card's mean of strangers, as if every vector had the same share of it.
    """
    centred = (similarity - calibration.impostor_mean) / (1 - calibration.impostor_mean)
    return float(1 / (1 + np.exp(-(calibration.slope * centred + calibration.offset))))


def table(asked: Path, hits: Sequence[Hit]) -> Table:
    """The hits as rows; the person's column only where somebody is known."""
    known = any(hit.person is not None for hit in hits)
    columns = ("picture", "similarity", "probability", "quality", *(("person",) if known else ()))
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (hit.path, hit.similarity, hit.probability, hit.quality, *((_number(hit.person),) if known else ()))
        for hit in hits
    )
    return Table(f"Most like {asked.name}", columns, rows)


def _number(person: int | None) -> str:
    """As a name: without the dots that group a count."""
    return "" if person is None else str(person)


def sheet(asked: Path, hits: Sequence[Hit]) -> str:
    """HTML with the pictures inside it; those that cannot be read are left grey."""
    from jinja2 import Environment

    shown = [(hit, _uri(Path(hit.path)) if hit.path else None) for hit in hits]
    return Environment(autoescape=True).from_string(_SHEET).render(asked=_uri(asked), hits=shown)


def _uri(path: Path) -> str | None:
    made = embedded(path, PICTURE_HEIGHT_PX)
    return None if made is None else made.uri
