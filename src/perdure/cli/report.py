"""``perdure report``: the figures of a run, a site or a service as HTML, PDF or CSV."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from datetime import tzinfo

    from perdure.analytics.figures import Report


class Form(StrEnum):
    """What is written."""

    HTML = "html"
    PDF = "pdf"
    CSV = "csv"


class Bucket(StrEnum):
    """Bars of plots over time."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"


def report(
    where: Annotated[
        str, typer.Argument(metavar="DIR|SERVER", help="A run folder, a site's data folder, or http(s)://")
    ],
    begin: Annotated[
        str | None, typer.Option("--from", help="Date, date and time, or seconds (default: see above).")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="Until then, not included.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write (default: report.html, .pdf or .csv).")
    ] = None,
    form: Annotated[Form | None, typer.Option("--format", help="Default: as --out ends, or html.")] = None,
    plots: Annotated[
        Path | None, typer.Option("--plots", help="Every plot too, as CSV, SVG and PNG, into this folder.")
    ] = None,
    bucket: Annotated[Bucket | None, typer.Option("--by", help="Default: what fits the period.")] = None,
    camera: Annotated[list[str] | None, typer.Option("--camera", help="Only this one; may be said again.")] = None,
    compare: Annotated[bool, typer.Option("--compare/--no-compare", help="With as long a time before.")] = True,
    time_zone: Annotated[
        str | None, typer.Option("--time-zone", help="Such as Europe/Berlin (default: of here).")
    ] = None,
    key: Annotated[
        str, typer.Option("--key", envvar="PERDURE_KEY", help="Of a service: made on its page, Settings.")
    ] = "",
    config: Annotated[
        Path | None, typer.Option("--config", help="Of a site: perdure.yaml (default: the one in DIR).")
    ] = None,
) -> None:
    """How many people, when, for how long, from where to where.

    Of a run: the whole recording. Of a site or a service: the last seven days, compared with the seven before.
    """
    from perdure.analytics import calendar, document, sheets

    zone = calendar.zone(time_zone)
    wanted = form or _form_of(out)
    target = out or Path(f"report.{wanted.value}")
    times = (
        None if begin is None else calendar.moment(begin, zone),
        None if end is None else calendar.moment(end, zone),
    )
    if where.startswith(("http://", "https://")):
        found = _asked(where, key, times, bucket, camera or [], compare, time_zone)
    else:
        found = _made(Path(where), times, bucket, camera or [], compare, zone, time_zone, config)
    for note in found.notes:
        typer.echo(f"perdure: {note}", err=True)
    contents = {
        Form.HTML: lambda: document.html(found, zone).encode(),
        Form.PDF: lambda: document.pdf(found, zone),
        Form.CSV: lambda: sheets.sheets(found, zone).encode(),
    }
    _write(target, contents[wanted]())
    typer.echo(f"{document.period(found, zone)}: {target}")
    if plots is not None:
        _write_plots(plots, found, zone)


def _form_of(out: Path | None) -> Form:
    """As the name of the file ends.

    Raises:
        InputError: it ends otherwise.
    """
    from perdure.errors import InputError

    ending = "html" if out is None else out.suffix.lower().lstrip(".")
    if ending not in set(Form):
        raise InputError(f"{out} ends with none of .html, .pdf and .csv: rename it, or say --format")
    return Form(ending)


def _made(
    folder: Path,
    times: tuple[float | None, float | None],
    bucket: Bucket | None,
    cameras: list[str],
    compare: bool,
    zone: tzinfo,
    time_zone: str | None,
    config: Path | None,
) -> Report:
    """From the database in a folder."""
    from perdure.analytics import make
    from perdure.analytics.read import Rules, Source
    from perdure.config import load
    from perdure.errors import InputError

    with Source.of_folder(folder) as source:
        own = folder / "perdure.yaml"
        events = (source.config() or load(config or (own if own.exists() else None))).events
        known = source.cameras()
        if missing := [name for name in cameras if name not in known]:
            raise InputError(f"{folder} has seen nobody by a camera {missing[0]!r}; its cameras: {', '.join(known)}")
        since, until, before = make.usual_period(source, *times, compare=compare)
        asked = make.Question.of(
            since, until, zone, time_zone, None if bucket is None else bucket.value, cameras, before
        )
        return make.report(source, Rules(events.visit_gap_s, events.min_visit_s), asked, folder.resolve().name)


def _asked(
    server: str,
    key: str,
    times: tuple[float | None, float | None],
    bucket: Bucket | None,
    cameras: list[str],
    compare: bool,
    time_zone: str | None,
) -> Report:
    """From a running service.

    Raises:
        InputError: it does not answer, or not with figures.
    """
    import json
    from urllib.error import HTTPError, URLError
    from urllib.parse import urlencode
    from urllib.request import Request, urlopen

    from pydantic import ValidationError

    from perdure.analytics.figures import Report
    from perdure.errors import InputError

    if not key:
        raise InputError("a service wants a key: --key or PERDURE_KEY; make one on its page under Settings")
    given = [("since", times[0]), ("until", times[1]), ("bucket", bucket and bucket.value), ("time_zone", time_zone)]
    query = [(name, str(value)) for name, value in given if value is not None]
    query += [("compare", str(compare).lower()), *(("camera", name) for name in cameras)]
    address = f"{server.rstrip('/')}/api/v1/analytics?{urlencode(query)}"
    try:
        with urlopen(Request(address, headers={"Authorization": f"Bearer {key}"}), timeout=120) as answer:
            return Report.model_validate_json(answer.read())
    except HTTPError as error:
        try:
            said = json.loads(error.read()).get("detail", error.reason)
        except (ValueError, AttributeError):
            said = error.reason
        raise InputError(f"{server} says: {said}") from error
    except (URLError, TimeoutError, OSError, ValueError) as error:
        if isinstance(error, ValidationError):
            raise InputError(
                f"{server} answers, but not with figures: is it perdure, and as new as this one?"
            ) from error
        raise InputError(f"{server} does not answer: {getattr(error, 'reason', error)}") from error


def _write_plots(folder: Path, found: Report, zone: tzinfo) -> None:
    from perdure.analytics import charts, sheets

    for plot in found.plots:
        _write(folder / f"{plot.name}.csv", sheets.sheet(plot, zone).encode())
        if plot.kind != "table":
            _write(folder / f"{plot.name}.svg", charts.picture(plot, "svg", found.bucket, zone))
            _write(folder / f"{plot.name}.png", charts.picture(plot, "png", found.bucket, zone))
    typer.echo(f"{len(found.plots)} plots in {folder}")


def _write(path: Path, content: bytes) -> None:
    from perdure.errors import StoreError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}") from error
