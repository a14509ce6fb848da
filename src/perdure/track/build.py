"""Trackers by name."""

from __future__ import annotations

from perdure.config import TrackingConfig
from perdure.track.baselines import ByteTrackRule, SortRule
from perdure.track.core import RuleTracker
from perdure.track.default import DefaultRule
from perdure.track.scene import Rule

_MAX_AGE = 30
"""Frames a lost track of a baseline is kept, as in the authors' code of all but SORT."""


def build(camera: str, config: TrackingConfig) -> RuleTracker:
    """The tracker of one camera; trackers of several cameras share nothing."""
    return RuleTracker(camera, config, _rule(config))


def _rule(config: TrackingConfig) -> Rule:
    match config.tracker:
        case "sort":
            return SortRule(config.high_score, _MAX_AGE)
        case "bytetrack":
            return ByteTrackRule(config.high_score, _MAX_AGE)
        case "default":
            return DefaultRule(config.high_score, config.confirm_s, config.lost_after_s)
