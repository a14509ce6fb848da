"""From pixels to people: detection, embedding, tracking, gallery."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from perdure.config.section import Section

TrackerName = Literal["default", "sort", "deepsort", "bytetrack", "ocsort", "botsort"]
PolicyName = Literal["default", "ema", "ring-centroid", "nearest", "micro-track"]


class DetectionConfig(Section):
    """Which people are found, and how much compute that may take."""

    model: str = Field("auto", description="Name in the catalogue or an ONNX file with a card; auto: the built-in one.")
    min_score: float = Field(0.1, ge=0.0, le=1.0, description="Boxes below this are not even looked at.")
    min_height_px: float = Field(24.0, ge=1.0, le=10000.0, description="Smaller people are ignored.")
    nms_iou: float = Field(0.65, gt=0.0, le=1.0, description="Of two boxes that overlap more, the weaker one goes.")
    tiles: Literal["auto", "off", "on"] = Field(
        "off", description="Closer looks at small people: auto: where one moves or is expected; on: everywhere, always."
    )
    tiles_at_most: int = Field(1, ge=1, le=16, description="Closer looks at a frame, four places each, with auto.")
    every: int = Field(1, ge=1, le=1000, description="Leave out all frames but every n-th, whatever happens in them.")
    motion: bool = Field(True, description="Look where something moves; false: at every frame.")
    heartbeat_s: float = Field(2.0, gt=0.0, le=60.0, description="Look this often where nothing moves and nobody is.")
    still_every_s: float = Field(0.5, gt=0.0, le=10.0, description="Where people are who do not move.")
    steady_every_s: float = Field(0.2, gt=0.0, le=10.0, description="Where all that moves are people surely followed.")
    moving_every_s: float = Field(
        0.1, gt=0.0, le=10.0, description="Where something else moves; in doubt: every frame."
    )


class EmbeddingConfig(Section):
    """How appearance becomes a vector."""

    model: str = Field("auto", description="Name in the catalogue or an ONNX file with a card; auto: the built-in one.")


class TrackingConfig(Section):
    """Short-term tracking inside one camera."""

    tracker: TrackerName = Field("default", description="Association rule; the others are baselines.")
    high_score: float = Field(0.5, ge=0.0, le=1.0, description="Boxes from here on may start a track (first pass).")
    low_score: float = Field(0.1, ge=0.0, le=1.0, description="Boxes from here on may continue a track (second pass).")
    confirm_s: float = Field(0.25, ge=0.0, le=10.0, description="A track is believed after this long.")
    lost_after_s: float = Field(3.0, gt=0.0, le=600.0, description="A track unseen for longer is closed.")
    cut_after_s: float = Field(60.0, ge=5.0, le=3600.0, description="A longer stay is cut into linked tracklets.")
    embed_every_s: float = Field(0.5, ge=0.0, le=60.0, description="Seconds between embedded crops of one track.")
    tell_after_s: float = Field(1.0, ge=0.0, le=60.0, description="A track is told, open, once it is this old.")
    association: str = Field("", description="npz of `perdure train association` for the default; empty: none.")

    @model_validator(mode="after")
    def _ordered(self) -> TrackingConfig:
        if self.low_score > self.high_score:
            raise ValueError(f"low_score {self.low_score} is above high_score {self.high_score}")
        return self


class GalleryConfig(Section):
    """Who is who."""

    policy: PolicyName = Field("default", description="Representation and decision rule; the others are baselines.")
    mode: Literal["open", "closed", "watch"] = Field(
        "open",
        description="closed: everybody is one of the enrolled people; watch: who is neither enrolled nor watched is "
        "counted, and neither picture nor vector is kept.",
    )
    people: str = Field("", description="Recorded footage: a file of enrolled people (perdure enrol --file).")
    false_match_rate: float | None = Field(
        None,
        gt=0.0,
        lt=0.5,
        description="At most this share of strangers is matched; none: what is most probable (mode watch: 0.01).",
    )
    return_rate: float = Field(0.88, gt=0.0, lt=1.0, description="Share of tracklets of people seen before.")
    threshold: float | None = Field(None, ge=-1.0, le=1.0, description="For the baselines; None: from the card.")
    wait_s: float = Field(10.0, ge=0.0, le=600.0, description="An unclear tracklet waits at most this long.")
    exemplars_per_tracklet: int = Field(8, ge=1, le=64, description="Pictures kept of one tracklet.")
    maintain: bool = Field(True, description="Look after the gallery all the time: split, move, merge, retire.")
    consolidate: bool = Field(True, description="Look at everything again at the end of recorded footage.")
