"""``perdure search`` in the folder of a run or a site: people and their journeys."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from perdure.evaluate.report import Cell
    from perdure.nodes.search_index import Found, Within
    from perdure.types import Event

_DATABASES: Final = ("site.db", "perdure.db")
_MOST_PICTURES: Final = 40
RETURN_RATE: Final = 0.88
"""As ``gallery.return_rate``: how many tracklets show somebody seen before."""


def database_in(folder: Path) -> Path | None:
    """The database of a run or a site in this folder; None: it is neither."""
    return next((folder / name for name in _DATABASES if (folder / name).is_file()), None)


def journeys(
    picture: Path,
    database: Path,
    embedder: str | None,
    asked: tuple[Sequence[str], str | None, str | None],
    top: int,
    device: Literal["auto", "cpu", "cuda"],
    as_json: bool,
    html: Path | None,
) -> None:
    """Print who it may be, with every visit in the time and by the cameras that were asked.

    Raises:
        InputError: the picture or the time is none, or shows nobody; nothing is stored; another model made the vectors.
    """
    from perdure.assemble import calibration_of
    from perdure.cli.eval_options import tell
    from perdure.embed.open import open_embedder
    from perdure.errors import InputError
    from perdure.evaluate.embeddings import picture as read_picture
    from perdure.evaluate.report import Report, Table
    from perdure.nodes.search_index import SearchIndex, models_in

    crop, within = read_picture(picture), _within(*asked)
    stored = models_in(database)
    if not stored:
        raise InputError(f"{database} holds nobody yet: was the run finished?")
    opened = open_embedder(embedder or stored[0], device)
    if opened.name not in stored:
        raise InputError(f"{database} is of {', '.join(stored)}, not of {opened.name}: two models cannot be compared")
    vectors, quality = opened.embed([crop])
    if quality[0] == 0:
        raise InputError(f"{picture} shows nobody that can be embedded: it is {crop.shape[1]}x{crop.shape[0]} px")
    index = SearchIndex(database, opened.name, opened.dim, calibration_of(embedder or stored[0]), RETURN_RATE)
    found = index.by_pictures(vectors, quality, within, top)
    index.close()
    notes = [f"{opened.name}; {len(index):,} sightings searched; quality of the picture {quality[0]:.2f}."]
    if not found:
        notes.append("Nobody was seen in that time by these cameras.")
    columns = ("person", "probability", "visit", "lasted", "journey")
    report = Report("perdure search", (Table(f"Like {picture.name}", columns, _rows(found)),), notes=tuple(notes))
    if html is not None:
        report = Report(
            report.title, report.tables, notes=report.notes, sections={"Pictures": _sheet(picture, database, found)}
        )
    figures = {"model": opened.name, "searched": len(index), "quality": float(quality[0])}
    tell(report, {**figures, "people": [_figures(one) for one in found]}, as_json, html)


def _within(cameras: Sequence[str], begin: str | None, end: str | None) -> Within:
    from perdure.analytics import calendar
    from perdure.errors import InputError
    from perdure.nodes.search_index import Within

    zone = calendar.zone(None)
    since = None if begin is None else calendar.moment(begin, zone)
    until = None if end is None else calendar.moment(end, zone)
    if since is not None and until is not None and since >= until:
        raise InputError("the time is empty: --to has to be after --from")
    return Within(tuple(cameras), since, until)


def _rows(found: Sequence[Found]) -> tuple[tuple[Cell, ...], ...]:
    from perdure.report.words import clock, duration

    rows: list[tuple[Cell, ...]] = []
    for one in found:
        sure = "" if one.probability is None else f"{one.probability:.2f}"
        for number, visit in enumerate(one.journeys):
            who = (one.identity, sure) if number == 0 else ("", "")
            rows.append((*who, clock(visit.start), duration(_end(visit) - visit.start), _journey(visit)))
    return tuple(rows)


def _end(visit: Event) -> float:
    return max(s.end for s in visit.sightings) if visit.end is None else visit.end


def _journey(visit: Event) -> str:
    """Cameras in order, each with when it first saw the person; the same one twice in a row is told once."""
    from perdure.report.words import clock

    steps = [s for n, s in enumerate(visit.sightings) if n == 0 or visit.sightings[n - 1].camera != s.camera]
    return " → ".join(f"{s.camera} {clock(s.start)}" for s in steps)


def _figures(one: Found) -> dict[str, object]:
    visits = [
        {
            "id": visit.id,
            "start": visit.start,
            "end": _end(visit),
            "stays": [
                {"camera": s.camera, "start": s.start, "end": s.end, "picture": s.picture} for s in visit.sightings
            ],
        }
        for visit in one.journeys
    ]
    return {"person": one.identity, "probability": one.probability, "similarity": one.similarity, "visits": visits}


def _sheet(picture: Path, database: Path, found: Sequence[Found]) -> str:
    """The best picture of each stay."""
    from perdure.evaluate.nearest import Hit, sheet

    hits = [
        Hit(str(database.parent / s.picture), one.similarity, one.probability, s.quality, None)
        for one in found
        for visit in one.journeys
        for s in visit.sightings
        if s.picture
    ]
    return sheet(picture, hits[:_MOST_PICTURES])
