"""What is worth telling, and to whom."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from perdure.config.section import CameraName, Clock, Section


class EventsConfig(Section):
    """What is worth telling."""

    visit_gap_s: float = Field(120.0, gt=0.0, le=86400.0, description="A visit ends when unseen for this long.")
    min_evidence: float = Field(
        0.4, ge=0.0, le=100.0, description="People whose pictures add up to less quality are not told."
    )
    min_visit_s: float = Field(0.5, ge=0.0, le=3600.0, description="Shorter visits are not told.")


class NotifyConfig(Section):
    """One way to be told of visits: give exactly one of webhook, mqtt, mail, command and file."""

    webhook: str = Field("", description="http(s) address that gets a POST of JSON.")
    secret: str = Field("", description="Webhook: signs what is sent (HMAC-SHA256, docs/live.md).")
    mqtt: str = Field("", description="mqtt(s)://user:password@broker:1883")
    topic: str = Field("perdure/visits", min_length=1, description="MQTT: where it is published.")
    mail: str = Field("", description="smtp(s)://user:password@server:587")
    sender: str = Field("", description="E-mail: from whom; empty: the first of `to`.")
    to: tuple[str, ...] = Field((), description="E-mail: to whom.")
    command: tuple[str, ...] = Field((), description="Program and arguments; gets the JSON on its standard input.")
    file: str = Field("", description="File that gets a line of JSON each.")
    tell: tuple[Literal["opened", "closed"], ...] = Field(("opened",), min_length=1, description="What of a visit.")
    cameras: tuple[CameraName, ...] = Field((), description="Only visits seen by one of these; none: all.")
    only: Literal["everybody", "strangers", "known", "returning"] = Field(
        "everybody", description="strangers: without a name; known: with one; returning: seen on an earlier visit."
    )
    quiet: tuple[tuple[Clock, Clock], ...] = Field(
        (), description='Nothing is told: `[["22:00", "06:00"]]`, local time.'
    )
    after_s: float = Field(5.0, ge=0.0, le=600.0, description="A visit is told when it is this old.")
