"""Tables of ``site.db``: what a live site keeps for good. The evidence is as in a run's database."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, MetaData, String, Table, Text

from perdure.store import schema

metadata = MetaData()

LONGEST_VISIT_S = "longest_visit_s"
"""A fact of ``meta``."""

meta = schema.meta.to_metadata(metadata)
tracklets = schema.tracklets.to_metadata(metadata)
exemplars = schema.exemplars.to_metadata(metadata)
changes = schema.changes.to_metadata(metadata)

events = Table(
    "events",
    metadata,
    Column("id", String, primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("identity", String, nullable=False, index=True),
    Column("start", Float, nullable=False),
    Column("end", Float, index=True),
    Column("cameras", Text, nullable=False),
    Column("superseded_by", String, nullable=False),
    Column("content", Text, nullable=False),
    Column("place", String),
)
"""``cameras`` is ``|door|yard|``, so that one can be looked for."""

mentions = Table(
    "mentions",
    metadata,
    Column("name", String, primary_key=True),
    Column("position", Integer, primary_key=True),
)
"""Which changes of the log are about a tracklet, or merge an identity away."""

people = Table(
    "people",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("first_seen", Float, nullable=False),
    Column("last_seen", Float, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("evidence", Float, nullable=False),
    Column("sightings", Integer, nullable=False),
    Column("cameras", Text, nullable=False),
    Column("picture", String, nullable=False),
    Column("enrolled", Integer, nullable=False, server_default="0"),
    Column("watched", Integer, nullable=False, server_default="0"),
)
"""The gallery's people as they are now, so that a page of them costs a page of rows.

``first_seen`` and ``last_seen`` are 0 for somebody enrolled whom no camera has seen; ``enrolled`` counts pictures.
"""

passers = Table(
    "passers",
    metadata,
    Column("day", String, primary_key=True),
    Column("camera", String, primary_key=True),
    Column("stays", Integer, nullable=False),
)
"""Where only listed people are kept: how many stays of others there were, by day (UTC, YYYY-MM-DD) and camera."""

told = Table(
    "told",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("event", String, nullable=False),
    Column("content", Text, nullable=False),
    sqlite_autoincrement=True,
)
"""Every revision of every event in the order in which it was told: whoever was away can catch up from here."""

touched = Table(
    "touched", metadata, Column("day", Integer, primary_key=True), Column("version", Integer, nullable=False)
)
"""How often what was changed of which day (``touched``)."""

Index("events_by_start", events.c.start, events.c.id)
Index("events_by_kind", events.c.kind, events.c.start)
Index("people_by_last_seen", people.c.last_seen, people.c.id)
Index("tracklets_by_identity", tracklets.c.identity, tracklets.c.start)
tracklets_by_start = Index(
    "tracklets_by_start", tracklets.c.start, tracklets.c.end, tracklets.c.camera, tracklets.c.identity
)
"""Holds all that is asked of stays of a time, so that their paths, which are long, are not read past."""
events_told = Index("events_told", events.c.kind, events.c.superseded_by, events.c.identity)
"""Who was told of, without reading what was told."""
