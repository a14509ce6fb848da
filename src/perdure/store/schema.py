"""Tables of ``perdure.db``. Arrays are raw little-endian bytes; their shapes follow from the row."""

from __future__ import annotations

from sqlalchemy import Column, Float, Integer, LargeBinary, MetaData, String, Table, Text

metadata = MetaData()

meta = Table("meta", metadata, Column("key", String, primary_key=True), Column("value", Text, nullable=False))

seen = Table(
    "seen",
    metadata,
    Column("batch", Integer, primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("camera", String, nullable=False),
    Column("frame_index", Integer, nullable=False),
    Column("at", Float, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("boxes", LargeBinary, nullable=False),
    Column("scores", LargeBinary, nullable=False),
    Column("flags", LargeBinary, nullable=False),
    Column("warp", LargeBinary),
)

crops = Table(
    "crops",
    metadata,
    Column("batch", Integer, primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("model", String, nullable=False),
    Column("part", String, nullable=False),
    Column("rows", LargeBinary, nullable=False),
    Column("vectors", LargeBinary, nullable=False),
    Column("quality", LargeBinary, nullable=False),
    Column("pictures", Text, nullable=False),
)

tracklets = Table(
    "tracklets",
    metadata,
    Column("id", String, primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("camera", String, nullable=False),
    Column("identity", String),
    Column("start", Float, nullable=False),
    Column("end", Float, nullable=False),
    Column("began", String, nullable=False),
    Column("ended", String, nullable=False),
    Column("supersedes", String),
    Column("path", LargeBinary, nullable=False),
    Column("width", Integer),
    Column("height", Integer),
)

exemplars = Table(
    "exemplars",
    metadata,
    Column("tracklet", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("model", String, nullable=False),
    Column("part", String, nullable=False),
    Column("vectors", LargeBinary, nullable=False),
    Column("quality", LargeBinary, nullable=False),
    Column("at", LargeBinary, nullable=False),
    Column("pictures", Text, nullable=False),
)

changes = Table(
    "changes",
    metadata,
    Column("position", Integer, primary_key=True),
    Column("kind", String, nullable=False),
    Column("at", Float, nullable=False),
    Column("content", Text, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("id", String, primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("identity", String, nullable=False),
    Column("start", Float, nullable=False),
    Column("end", Float),
    Column("content", Text, nullable=False),
)
