"""Trackers by name."""

from __future__ import annotations

from perdure.config import TrackingConfig
from perdure.track.botsort import BotSortRule
from perdure.track.bytetrack import ByteTrackRule
from perdure.track.core import RuleTracker
from perdure.track.deepsort import DeepSortRule
from perdure.track.default import DefaultRule
from perdure.track.learned import Net
from perdure.track.ocsort import OcSortRule
from perdure.track.scene import Rule
from perdure.track.sort import SortRule

_MAX_AGE = 30
"""Frames a lost track of a baseline is kept, as in the authors' code of all but SORT."""


def build(camera: str, config: TrackingConfig, first_number: int = 1, net: Net | None = None) -> RuleTracker:
    """The tracker of one camera, whose tracks are numbered from here; trackers of several cameras share nothing.

    ``net`` is what was learned beside the fitted evidence of the default tracker; the baselines have none.
    """
    return RuleTracker(camera, config, _rule(config, net or Net.none()), first_number)


def _rule(config: TrackingConfig, net: Net) -> Rule:
    match config.tracker:
        case "sort":
            return SortRule(config.high_score, _MAX_AGE)
        case "bytetrack":
            return ByteTrackRule(config.high_score, _MAX_AGE)
        case "deepsort":
            return DeepSortRule(config.high_score, _MAX_AGE)
        case "ocsort":
            return OcSortRule(config.high_score, _MAX_AGE)
        case "botsort":
            return BotSortRule(config.high_score, _MAX_AGE)
        case "default":
            return DefaultRule(config.high_score, config.confirm_s, config.lost_after_s, net=net)
