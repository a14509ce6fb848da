"""Pictures that somebody gives, as a person the site knows: find the person on each, embed, say what is wrong, keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from perdure import assemble
from perdure.detect.detector import Detector
from perdure.embed.crop import cut, usable
from perdure.embed.embedder import Embedder
from perdure.errors import InputError
from perdure.gallery import corrections, enrolment
from perdure.gallery.calibrate import Calibration
from perdure.gallery.gallery import Gallery
from perdure.nodes.live import LiveSite
from perdure.nodes.uploads import decoded
from perdure.store.pictures import encoded
from perdure.types import BY_HAND, Change, Detections, Exemplars, Image

SURE = 0.4
"""Score of a box that is taken for a person."""
WHOLE_SHARE = 0.5
"""A picture of which one box covers this much was cut out already: all of it is taken."""
UPRIGHT = 1.2
"""A picture without a box that is this much higher than wide is taken for somebody cut out."""
LEAST_HEIGHT_PX = 32
MOST_PIXELS = 40_000_000
FOLDER = "enrolled"
_PATIENCE_S = 120.0
"""Somebody waits for the answer, and the site may be busy."""

Outcome = Literal["used", "odd", "several", "nobody", "unusable"]
BoxXYXY = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """One picture as it was given."""

    label: str
    content: bytes
    box: BoxXYXY | None = None
    """Who on it, xyxy px; None: find out."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What became of one picture."""

    label: str
    outcome: Outcome
    said: str = ""
    """What is wrong and what to do; "" where nothing is."""
    boxes: tuple[BoxXYXY, ...] = ()
    """The people found on it, the surest first, where it has to be said which one is meant."""


@dataclass(frozen=True, slots=True, eq=False)
class Portraits:
    """What of some pictures can be used."""

    looked: tuple[Looked, ...]
    exemplars: Exemplars
    """Of the usable ones, in order; ``pictures`` are empty."""
    crops: tuple[Image, ...]


def look(given: Sequence[Given], detector: Detector, embedder: Embedder, calibration: Calibration | None) -> Portraits:
    """Find and embed the person on each picture; a broken one never stops the others."""
    looked, crops, places = [], [], []
    for place, one in enumerate(given):
        found, crop = _person(one, detector, embedder.border)
        looked.append(found)
        if crop is not None:
            crops.append(crop)
            places.append(place)
    vectors, quality = embedder.embed(crops) if crops else (np.zeros((0, embedder.dim), np.float32), np.zeros(0))
    seen = np.flatnonzero(quality > 0)
    for row in np.flatnonzero(quality <= 0).tolist():
        looked[places[row]] = replace(looked[places[row]], outcome="unusable", said="nobody can be recognised on it")
    exemplars = Exemplars(
        embedder.name,
        vectors[seen],
        np.asarray(quality[seen], np.float32),
        np.zeros(len(seen)),
        ("",) * len(seen),
    )
    if calibration is not None:
        for row in enrolment.odd_ones(exemplars, calibration).tolist():
            place = places[int(seen[row])]
            said = "it does not look like the person on the others: used, but look at it"
            looked[place] = replace(looked[place], outcome="odd", said=said)
    return Portraits(tuple(looked), exemplars, tuple(crops[row] for row in seen))


def enrol(site: LiveSite, name: str, portraits: Portraits) -> str:
    """Enrol somebody at a site with all pictures that can be used; the number of the identity. From any thread.

    Raises:
        InputError: see ``gallery.enrolment.enrol``.
        StoreError: a picture cannot be written.
    """

    def work(gallery: Gallery, at: float) -> str:
        number = enrolment.next_number(gallery)
        references = tuple(f"{FOLDER}/{number}/{i}.jpg" for i in range(len(portraits.crops)))
        identity, changes = enrolment.enrol(gallery, at, name, replace(portraits.exemplars, pictures=references))
        for picture in _kept(gallery, changes):
            site.pictures.write(picture, encoded(portraits.crops[references.index(picture)]))
        return identity

    return site.ask(work, _PATIENCE_S)


def take_out(site: LiveSite, identity: str) -> str | None:
    """Enrol somebody no longer: pictures, vectors and name are erased.

    Returns:
        the new number of what cameras saw of them, if they were seen.

    Raises:
        InputError: there is no such identity, or it is not enrolled.
    """
    old = site.ask(lambda gallery, _: corrections.known(gallery, identity), _PATIENCE_S)
    seen = site.ask(lambda gallery, at: enrolment.part(gallery, at, old), _PATIENCE_S)
    site.forget(old, "no longer enrolled")
    return seen


def calibration_at(site: LiveSite) -> Calibration | None:
    """What the site's embedder says a similarity is worth."""
    return assemble.calibration_of(site.config.embedding.model)


def _kept(gallery: Gallery, changes: Sequence[Change]) -> list[str]:
    """References of the pictures behind some changes."""
    ids = [id for change in changes for id in gallery.tracklets_of(change) if id.startswith(BY_HAND)]
    return [picture for id in ids for part in gallery.evidence[id].exemplars for picture in part.pictures]


def _person(given: Given, detector: Detector, border: float) -> tuple[Looked, Image | None]:
    """Who is meant on a picture, and their crop, with so much around the box as the embedder wants."""
    try:
        image = decoded(given.content, given.label, LEAST_HEIGHT_PX // 2, MOST_PIXELS)
    except InputError as error:
        return Looked(given.label, "unusable", str(error).removeprefix(f"{given.label}: ")), None
    height, width = image.shape[:2]
    if height < LEAST_HEIGHT_PX:
        return Looked(
            given.label, "unusable", f"it is only {height} px high, at least {LEAST_HEIGHT_PX} are needed"
        ), None
    if given.box is not None:
        box = np.array([given.box], np.float32)
        shown = cut(image, box)[0]
        if not usable(shown) or shown.shape[0] < LEAST_HEIGHT_PX:
            said = f"the box lies outside the picture of {width} x {height} px, or is too small"
            return Looked(given.label, "unusable", said), None
        return Looked(given.label, "used"), cut(image, box, border)[0]
    found = detector.detect([image])[0]
    found = found[found.scores >= SURE]
    if not len(found):
        if height >= UPRIGHT * width:
            return Looked(given.label, "used"), image
        said = "no person is found on it: give one cut out, or say where with a box"
        return Looked(given.label, "nobody", said), None
    return _chosen(given, image, found, border)


def _chosen(given: Given, image: Image, found: Detections, border: float) -> tuple[Looked, Image | None]:
    """The one person of those found who is meant, if that is clear."""
    height, width = image.shape[:2]
    area = (found.boxes[:, 2] - found.boxes[:, 0]) * (found.boxes[:, 3] - found.boxes[:, 1])
    if float(area.max()) >= WHOLE_SHARE * height * width and height >= UPRIGHT * width:
        return Looked(given.label, "used"), image
    order = np.argsort(-found.scores, kind="stable")
    if len(found) > 1:
        rows = np.round(found.boxes[order].astype(np.float64), 1).tolist()
        boxes = tuple((x1, y1, x2, y2) for x1, y1, x2, y2 in rows)
        said = f"{len(found)} people are on it: say which one with a box"
        return Looked(given.label, "several", said, boxes), None
    shown = cut(image, found.boxes[:1])[0]
    if not usable(shown) or shown.shape[0] < LEAST_HEIGHT_PX:
        return Looked(given.label, "unusable", f"the person on it is only {shown.shape[0]} px high"), None
    return Looked(given.label, "used"), cut(image, found.boxes[:1], border)[0]
