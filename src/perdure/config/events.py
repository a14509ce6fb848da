"""What is worth telling, and to whom."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from perdure.config.section import CameraName, Clock, Section
from perdure.types import EventKind, Moment


class EventsConfig(Section):
    """What is worth telling."""

    visit_gap_s: float = Field(120.0, gt=0.0, le=86400.0, description="A visit ends when unseen for this long.")
    min_evidence: float = Field(
        0.4, ge=0.0, le=100.0, description="People whose pictures add up to less quality are not told."
    )
    min_visit_s: float = Field(0.5, ge=0.0, le=3600.0, description="Shorter visits are not told.")
    zone_gap_s: float = Field(
        5.0, gt=0.0, le=600.0, description="Unseen or outside for no longer than this, somebody has not left a zone."
    )
    max_people: int | None = Field(None, ge=0, le=100_000, description="More at once in the whole site are told.")
    crowd_hold_s: float = Field(
        3.0, ge=0.0, le=600.0, description="Too many people for less than this are not told, and fewer no end of it."
    )
    loiter_after_s: float | None = Field(
        None, gt=0.0, le=86400.0, description="Somebody seen for longer, by whatever cameras, is told as loitering."
    )
    loiter_within_s: float = Field(
        3600.0, gt=0.0, le=604800.0, description="That counts what was seen of them within this time."
    )

    @model_validator(mode="after")
    def _can_loiter(self) -> EventsConfig:
        if self.loiter_after_s is not None and self.loiter_after_s > self.loiter_within_s:
            raise ValueError(f"loiter_after_s is above loiter_within_s, {self.loiter_within_s:g}")
        return self


Who = Literal["everybody", "strangers", "known", "returning", "new", "watched"]
WHO = (
    "strangers: without a name; known: with one; returning: seen on an earlier visit; new: never before; watched: on "
    "the watch list."
)
Times = tuple[tuple[Clock, Clock], ...]


class RuleConfig(Section):
    """When a way of ``notify`` is told: what happened, where, to whom, at what time."""

    what: tuple[EventKind, ...] = Field(("visit",), min_length=1, description="Kinds of events (docs/events.md).")
    where: tuple[str, ...] = Field((), description="Cameras, or zones and lines as `camera/zone`; none: anywhere.")
    direction: Literal["", "in", "out"] = Field("", description="Crossings this way only; empty: both.")
    who: Who = Field("everybody", description=WHO)
    names: tuple[str, ...] = Field((), description="Only people of these names; none: whoever.")
    when: Times = Field((), description='Only then: `[["18:00", "06:00"]]`, local time; none: always.')
    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = Field(
        (), description="Only on these days of the week; none: on all."
    )
    moments: tuple[Moment, ...] = Field(("opened",), min_length=1, description="When it begins, and when it is over.")
    after_s: float = Field(5.0, ge=0.0, le=3600.0, description="It is told when it is this old.")
    tell: tuple[str, ...] = Field(min_length=1, description="Which ways of `notify`.")


class NotifyConfig(Section):
    """One way to be told: give exactly one of webhook, mqtt, mail, command and file.

    A way that a rule names is told what the rules say; another one of visits, as it says itself.
    """

    webhook: str = Field("", description="http(s) address that gets a POST of JSON.")
    secret: str = Field("", description="Webhook: signs what is sent (HMAC-SHA256, docs/live.md).")
    mqtt: str = Field("", description="mqtt(s)://user:password@broker:1883")
    topic: str = Field("perdure/visits", min_length=1, description="MQTT: where it is published.")
    mail: str = Field("", description="smtp(s)://user:password@server:587")
    sender: str = Field("", description="E-mail: from whom; empty: the first of `to`.")
    to: tuple[str, ...] = Field((), description="E-mail: to whom.")
    command: tuple[str, ...] = Field((), description="Program and arguments; gets the JSON on its standard input.")
    file: str = Field("", description="File that gets a line of JSON each.")
    tell: tuple[Moment, ...] = Field(("opened",), min_length=1, description="What of a visit.")
    cameras: tuple[CameraName, ...] = Field((), description="Only visits seen by one of these; none: all.")
    only: Who = Field("everybody", description=WHO)
    quiet: Times = Field((), description='Nothing is told: `[["22:00", "06:00"]]`, local time.')
    after_s: float = Field(5.0, ge=0.0, le=600.0, description="A visit is told when it is this old.")
