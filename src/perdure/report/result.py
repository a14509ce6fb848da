"""All there is to tell about a finished run: what the page and the other outputs are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from perdure.types import Change, Event, Identity, Tracklet


@dataclass(frozen=True, slots=True)
class CameraRun:
    """One camera's part in a run."""

    name: str
    source: str
    width: int
    height: int
    frames: int
    """Frames read."""
    looked_at: int
    """Frames on which people were searched."""
    footage_s: float
    broken: str = ""
    """Why it ended early, "" where it did not."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Where time and memory went."""

    wall_s: float
    stages_s: Mapping[str, float]
    """Seconds of this process by stage: decode, detect, track, embed, gallery, write."""
    embedded: int
    """Crops embedded."""
    memory_mb: float
    """Peak resident memory of the process."""
    memory_per_camera_mb: float
    """What reading and tracking added to it, by camera."""


@dataclass(frozen=True, slots=True, eq=False)
class RunResult:
    """A run."""

    cameras: tuple[CameraRun, ...]
    identities: tuple[Identity, ...]
    """In order of first sighting."""
    events: tuple[Event, ...]
    """Of all kinds, in order of start."""
    tracklets: Mapping[str, Tracklet]
    """By id, each in its highest revision."""
    changes: tuple[Change, ...]
    """The whole log, decisions with their evidence."""
    cost: Cost
    detector: str
    embedder: str
    policy: str
    version: str
    settings: str
    """The configuration as YAML."""
    interrupted: bool = False
    notes: tuple[str, ...] = ()
    """What the reader should know first, e.g. that a weak baseline model was used."""

    @property
    def visits(self) -> tuple[Event, ...]:
        """Those of the events that are visits."""
        return tuple(event for event in self.events if event.kind == "visit")

    @property
    def identity_of(self) -> dict[str, str]:
        """Tracklet -> identity."""
        return {s.tracklet: identity.id for identity in self.identities for s in identity.sightings}
