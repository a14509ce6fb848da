"""``perdure.yaml``: one file, every field with a description, bounds and a default that suits four home cameras."""

from perdure.config.cameras import (
    CameraConfig,
    DrawnConfig,
    FloorConfig,
    LineConfig,
    TopologyConfig,
    TravelConfig,
    ZoneConfig,
)
from perdure.config.events import EventsConfig, NotifyConfig, RuleConfig
from perdure.config.recognition import (
    DetectionConfig,
    EmbeddingConfig,
    GalleryConfig,
    PolicyName,
    TrackerName,
    TrackingConfig,
)
from perdure.config.section import CameraName, Clock
from perdure.config.service import LiveConfig, ServerConfig
from perdure.config.whole import Config, load, parse

__all__ = [
    "CameraConfig",
    "CameraName",
    "Clock",
    "Config",
    "DetectionConfig",
    "DrawnConfig",
    "EmbeddingConfig",
    "EventsConfig",
    "FloorConfig",
    "GalleryConfig",
    "LineConfig",
    "LiveConfig",
    "NotifyConfig",
    "PolicyName",
    "RuleConfig",
    "ServerConfig",
    "TopologyConfig",
    "TrackerName",
    "TrackingConfig",
    "TravelConfig",
    "ZoneConfig",
    "load",
    "parse",
]
