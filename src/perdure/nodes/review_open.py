"""Opening what can be reviewed: a run folder, several of them, or the folder of a site that is not served now."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from perdure import assemble
from perdure.config import Config, load, parse
from perdure.errors import ConfigError, InputError, ModelError
from perdure.gallery.calibrate import Calibration
from perdure.gallery.gallery import Gallery
from perdure.gallery.ledger import fold
from perdure.nodes import camera_book
from perdure.nodes.answer_log import AnswerLog
from perdure.nodes.review import Desk
from perdure.store.run_store import RunStore
from perdure.store.site_store import SiteStore
from perdure.types import Change, Tracklet

RUN, SITE = "perdure.db", "site.db"


def found(paths: Sequence[Path]) -> list[Path]:
    """The folders to review: each path itself, or the runs in it.

    Raises:
        InputError: one holds neither; says what was expected.
    """
    folders: list[Path] = []
    for path in paths:
        if not path.is_dir():
            raise InputError(
                f"{path} is {'a file' if path.exists() else 'not there'}: give the folder of a run or site"
            )
        inside = sorted(child for child in path.iterdir() if (child / RUN).is_file())
        if (path / RUN).is_file() or (path / SITE).is_file():
            folders.append(path)
        elif inside:
            folders += inside
        else:
            raise InputError(
                f"{path} holds no run ({RUN}, from perdure run), no site ({SITE}, from perdure serve) and no folder "
                "of runs"
            )
    return list(dict.fromkeys(folder.resolve() for folder in folders))


def names(folders: Sequence[Path]) -> list[str]:
    """A short name for each, unique."""
    short = [folder.name for folder in folders]
    return [
        name if short.count(name) == 1 else f"{folder.parent.name}-{name}-{place + 1}"
        for place, (folder, name) in enumerate(zip(folders, short, strict=True))
    ]


def open_desk(folder: Path, name: str, log: AnswerLog) -> Desk:
    """The desk of one folder, with everything that was answered before.

    Raises:
        InputError: there is nobody in it.
        ConfigError: nobody measured what similarities of its embedder are worth.
        StoreError: another process reviews it, or it cannot be read or written.
    """
    is_run = (folder / RUN).is_file()
    gallery = run_gallery(folder) if is_run else site_gallery(folder)
    desk = Desk(name, gallery, log, "beside" if is_run else "later")
    desk.agenda.refresh()
    return desk


def run_gallery(folder: Path) -> Gallery:
    """The gallery of a finished run as it left it.

    Raises:
        InputError: nobody was seen in it, or it did not end.
        ConfigError: see ``open_desk``.
    """
    with RunStore(folder / RUN) as store:
        plan = json.loads(store.get("plan", "{}"))
        tracklets, changes = store.tracklets(), store.changes()
        state = store.get("state")
    if not tracklets:
        more = "" if state == "finished" else ": the run has not ended; perdure run --resume goes on with it"
        raise InputError(f"{folder}: there is nobody in it{more}")
    return _gallery(folder, parse(plan.get("config", {}), where=str(folder / RUN)), tracklets, changes)


def site_gallery(folder: Path) -> Gallery:
    """The gallery of a site's folder as the service left it.

    Raises:
        InputError: nobody was seen yet.
        ConfigError: see ``open_desk``.
    """
    with SiteStore(folder / SITE) as store:
        kept = store.load()
    if not kept.tracklets:
        raise InputError(f"{folder}: nobody was seen there yet")
    own = folder / "perdure.yaml"
    config = camera_book.together(load(own if own.exists() else None), folder)
    return _gallery(folder, config, kept.tracklets, kept.changes)


def _gallery(folder: Path, config: Config, tracklets: Sequence[Tracklet], changes: Sequence[Change]) -> Gallery:
    pictured = [part for t in tracklets for part in t.exemplars if part.part == "body"]
    if not pictured:
        raise InputError(f"{folder}: none of its {len(tracklets)} tracklets has a picture")
    model, dim = pictured[-1].model, pictured[-1].vectors.shape[1]
    settings = config.gallery.model_copy(update={"policy": "default"})
    calibration = _calibration(model, config.embedding.model)
    gallery = assemble.gallery(settings, model, dim, calibration, assemble.topology_of(config))
    gallery.restore(tracklets, changes, fold(changes))
    return gallery


def _calibration(model: str, configured: str) -> Calibration | None:
    """Of the card of the model that made the vectors, by its name or where the configuration says it lies."""
    for name in (model, configured):
        try:
            return assemble.calibration_of(name)
        except (ModelError, ConfigError):
            continue
    return None
