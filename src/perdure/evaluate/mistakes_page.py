"""The worst mistakes as a part of a page, with small pictures inside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from perdure.evaluate.mistakes import Mistake

PICTURE_HEIGHT_PX = 112

_PART = """<style>
.mistake { margin: 1rem 0 1.5rem; border-top: 1px solid #e2e5e9 }
.mistake h3 { font-size: 1rem; margin: .6rem 0 }
.witnesses { display: flex; flex-wrap: wrap; gap: .8rem }
.witness { width: 11rem; font-size: 12px; line-height: 1.35; overflow-wrap: anywhere }
.witness img, .witness .none { height: 112px; display: block; margin-bottom: .3rem }
.witness .none { width: 56px; background: #e2e5e9 }
.witness.wrong { outline: 2px solid #b42318; outline-offset: .2rem }
</style>
{% for mistake in mistakes %}<div class="mistake"><h3>{{ heading(mistake) }}</h3><div class="witnesses">
{% for w in mistake.shown %}<div class="witness{{ '' if w.in_place else ' wrong' }}">
{% if pictures[w.picture] %}<img src="{{ pictures[w.picture] }}" alt="{{ w.tracklet }}">
{% else %}<div class="none"></div>
{% endif %}<b>{{ 'identity ' ~ w.identity if mistake.kind == 'fragment' else 'person ' ~ w.person }}</b>,
{{ w.camera }}, {{ w.crops }} crops, {{ w.tracklet }}<br>{{ w.said | join('; ') }}</div>
{% endfor %}</div></div>
{% endfor %}"""


def section(mistakes: Sequence[Mistake], root: Path | None) -> str:
    """HTML with everything in it; pictures are looked for under ``root``, those not found are left grey."""
    from jinja2 import Environment

    names = {witness.picture for mistake in mistakes for witness in mistake.shown}
    pictures = {name: _uri(name, root) for name in names}
    part = Environment(autoescape=True).from_string(_PART)
    return part.render(mistakes=mistakes, pictures=pictures, heading=heading)


def heading(mistake: Mistake) -> str:
    """What is wrong, in one line."""
    wrong = f"{mistake.wrong_crops} of {mistake.crops} crops"
    tail = f"({mistake.tracklets} tracklets)"
    if mistake.kind == "merge":
        return f"Identity {mistake.name} is {mistake.parts} people: {wrong} are not its main person's {tail}"
    return f"Person {mistake.name} has {mistake.parts} identities: {wrong} are not in the main one {tail}"


def figures(mistakes: Sequence[Mistake]) -> list[Mapping[str, object]]:
    """All of it by name, without pictures."""
    return [
        {
            "kind": mistake.kind,
            "name": mistake.name,
            "parts": mistake.parts,
            "crops": mistake.crops,
            "wrong_crops": mistake.wrong_crops,
            "tracklets": mistake.tracklets,
            "shown": [
                {
                    "tracklet": witness.tracklet,
                    "camera": witness.camera,
                    "person": witness.person,
                    "identity": witness.identity,
                    "crops": witness.crops,
                    "in_place": witness.in_place,
                    "picture": witness.picture,
                    "said": list(witness.said),
                }
                for witness in mistake.shown
            ],
        }
        for mistake in mistakes
    ]


def _uri(name: str, root: Path | None) -> str | None:
    """The picture, made small, as a data URI; None where it is not there or no picture."""
    from perdure.report.pictures import embedded

    candidates = [Path(name)] if root is None else [root / name, root / Path(name).name, Path(name)]
    path = next((path for path in candidates if name and path.is_file()), None)
    picture = None if path is None else embedded(path, PICTURE_HEIGHT_PX)
    return None if picture is None else picture.uri
