"""From a configuration to working parts: models, trackers, gallery."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np

from perdure.config import CameraConfig, Config, EventsConfig, GalleryConfig, TrackingConfig
from perdure.detect.detector import Detector
from perdure.detect.open import open_detector
from perdure.detect.outside import Outside
from perdure.embed.embedder import Embedder
from perdure.embed.open import open_embedder
from perdure.errors import ConfigError, ModelError
from perdure.events.places import Line, Places, Zone
from perdure.events.tell import Events
from perdure.events.visits import VisitRule
from perdure.gallery.calibrate import Calibration, Poor
from perdure.gallery.decide import FixedThreshold, Nearest, Posterior, Rule
from perdure.gallery.exemplars import last, last_good, moving_average, ring_centroid
from perdure.gallery.gallery import Gallery
from perdure.gallery.maintain import Keeper
from perdure.gallery.scoring import CentredLinkage, Represent, Representatives, Scorer
from perdure.gallery.strangers import Strangers
from perdure.gallery.topology import SiteMap, Topology
from perdure.gallery.watching import OnList
from perdure.geometry import homography
from perdure.interop.detections import read_detections
from perdure.models.arrays import read_arrays
from perdure.models.card import Card
from perdure.models.catalogue import find
from perdure.models.integer_dots import integer_dots
from perdure.pipeline import Cameras, KeepPicture, Site, Stage
from perdure.track.build import build as build_tracker
from perdure.track.learned import Net
from perdure.track.tracker import Tracker
from perdure.video.camera_motion import CameraMotion

WATCH_RATE = 0.01
"""In the mode ``watch``, unless it is configured: the share of strangers that may be taken for somebody listed."""
FIELD_POLICIES: dict[str, Represent] = {
    "ema": moving_average,
    "ring-centroid": ring_centroid,
    "nearest": last,
    "micro-track": last_good,
}
"""The field's rules of what stands for an identity."""


def models(config: Config) -> tuple[Detector, Embedder]:
    """The detector and the embedder.

    Raises:
        ModelError: one of them is unknown, missing, or not of the form its card says.
    """
    detector = open_detector(config.detection.model, config.detection, config.device)
    return detector, open_embedder(config.embedding.model, config.device)


def cameras(
    names: list[str],
    config: Config,
    detector: Detector,
    embedder: Embedder,
    keep_picture: KeepPicture,
    stage: Stage = nullcontext,
    outside: Mapping[str, Outside] | None = None,
) -> Cameras:
    """Everything between pixels and tracklets."""
    trackers = {name: tracker(name, config) for name in names}
    moving = {name: CameraMotion() for name in names if name in config.cameras and config.cameras[name].moving}
    thinned = config.gallery.policy == "default"  # the field's policies take what the tracker gives
    keep = config.gallery.exemplars_per_tracklet if thinned else None
    return Cameras(detector, embedder, trackers, config.detection, keep, keep_picture, stage, outside or {}, moving)


def outside(config: Config) -> dict[str, Outside]:
    """The detections that were made elsewhere, by camera.

    Raises:
        InputError: a file is not as it should be.
    """
    files = {name: camera.detections for name, camera in config.cameras.items() if camera.detections is not None}
    told = {name: read_detections(Path(file)) for name, file in files.items()}
    return {name: Outside(one.frames, one.boxes, one.scores) for name, one in told.items()}


def tracker(camera: str, config: Config, first_number: int = 1) -> Tracker:
    """Of one camera; its tracks are numbered from ``first_number``."""
    return build_tracker(camera, config.tracking, first_number, association(config.tracking))


def association(config: TrackingConfig) -> Net | None:
    """What the tracker learned beside its fitted evidence, None where the configuration names nothing.

    Raises:
        ModelError: the file cannot be read, or is not what ``perdure train association`` writes.
    """
    if not config.association:
        return None
    path = Path(config.association)
    try:
        return Net.of(read_arrays(path))
    except ValueError as error:
        raise ModelError(f"{path} holds no weights of `perdure train association`: {error}") from error


def site(config: Config, embedder: Embedder) -> Site:
    """Everything between tracklets and events.

    Raises:
        ConfigError: the gallery's policy needs a calibration or threshold that the embedder's card does not give, or
            the topology names a camera that is not there.
    """
    rule = VisitRule(config.events.visit_gap_s, config.events.min_visit_s, config.events.min_evidence)
    calibration = calibration_of(config.embedding.model)
    topology = topology_of(config)
    people = gallery(config.gallery, embedder.name, embedder.dim, calibration, topology)
    people.index.dots = integer_dots()
    return Site(people, Events(rule, places(config.events, config.cameras)))


def places(config: EventsConfig, cameras: Mapping[str, CameraConfig], since: float = -math.inf) -> Places:
    """The zones and lines of these cameras; for ``since`` see ``Places``."""
    zones = tuple(
        Zone(camera, name, z.polygon, z.min_stay_s, z.max_people, z.loiter_after_s, z.queue, z.served_by or "")
        for camera, drawn in cameras.items()
        for name, z in drawn.zones.items()
    )
    lines = tuple(
        Line(camera, name, line.start, line.end)
        for camera, drawn in cameras.items()
        for name, line in drawn.lines.items()
    )
    most = {"": config.max_people} | {name: camera.max_people for name, camera in cameras.items()}
    most |= {zone.place: zone.max_people for zone in zones}
    limits = {place: limit for place, limit in most.items() if limit is not None}
    gap_s, hold_s = config.zone_gap_s, config.crowd_hold_s
    return Places(zones, lines, limits, gap_s, hold_s, config.loiter_after_s, config.loiter_within_s, since)


def topology_of(config: Config) -> Topology:
    """What is declared about the cameras, and room for what will be learned.

    Raises:
        ConfigError: it names a camera that is not there.
    """
    ways, cameras = config.topology, list(config.cameras)
    for name in sorted(ways.cameras() - set(cameras)):
        close = difflib.get_close_matches(name, cameras, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"the cameras are {', '.join(cameras)}"
        raise ConfigError(f"topology: there is no camera {name!r}; {hint}")
    travel = {frozenset(way.between): way.at_least_s for way in ways.travel}
    overlapping = frozenset(frozenset(pair) for pair in ways.overlapping)
    floors = {
        name: homography(np.array(camera.floor.pixels), np.array(camera.floor.metres))
        for name, camera in config.cameras.items()
        if camera.floor is not None
    }
    return Topology(SiteMap(travel, overlapping, ways.cameras_overlap, floors), ways.learn)


def gallery(
    config: GalleryConfig, model: str, dim: int, calibration: Calibration | None, topology: Topology | None = None
) -> Gallery:
    """An empty gallery for the vectors of one model, by the policy of the configuration.

    Raises:
        ConfigError: see ``site``.
    """
    scorer, rule = policy(config, model, calibration)
    listed_only = config.mode != "open"  # then nobody new is made, so nothing has to be joined or taken apart
    upkeep = Keeper() if config.maintain and config.policy == "default" and not listed_only else None
    return Gallery(
        model,
        dim,
        scorer,
        rule,
        config.wait_s,
        config.return_rate,
        upkeep=upkeep,
        listed_only=listed_only,
        topology=topology or Topology(),
    )


def policy(config: GalleryConfig, model: str, calibration: Calibration | None) -> tuple[Scorer, Rule]:
    """How identities are compared and decided."""
    if config.policy == "default":
        if calibration is None:
            raise ConfigError(
                f"the card of {model} has no calibration, which gallery.policy 'default' needs: measure one "
                "(docs/models.md), or choose another policy and a gallery.threshold"
            )
        if config.mode == "watch" or config.false_match_rate is not None:
            # How near strangers come was measured with good pictures: no rate would hold for poor ones taken for these.
            calibration = replace(calibration, poor=None)
        scorer = CentredLinkage(calibration)
        if config.mode == "closed":
            return scorer, Nearest(calibration)
        if config.mode == "watch":
            return scorer, OnList.of(calibration, config.return_rate, config.false_match_rate or WATCH_RATE)
        return scorer, Posterior(calibration, config.return_rate, config.false_match_rate)
    threshold = -1.0 if config.mode == "closed" else config.threshold
    if threshold is None and calibration is not None:
        threshold = calibration.threshold
    if threshold is None:
        raise ConfigError(f"gallery.policy {config.policy!r} needs a gallery.threshold: the card of {model} has none")
    return Representatives(FIELD_POLICIES[config.policy]), FixedThreshold(threshold)


def calibration_of(name_or_path: str) -> Calibration | None:
    """What the card of an embedder says a similarity is worth; None where nobody measured it."""
    return measured_by(find(name_or_path, "embedder")[0])


def measured_by(card: Card) -> Calibration | None:
    """What a card says a similarity is worth, as the gallery takes it."""
    measured = card.calibration
    if measured is None:
        return None
    return Calibration(
        measured.slope,
        measured.offset,
        measured.impostor_mean,
        measured.impostor_std,
        measured.threshold,
        measured.quality,
        measured.second_slope,
        measured.second_offset,
        measured.halves,
        None if measured.strangers is None else Strangers(**measured.strangers.model_dump()),
        None if measured.poor is None else Poor(**measured.poor.model_dump()),
    )
