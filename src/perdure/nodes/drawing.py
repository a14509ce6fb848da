"""Since when a site's zones and lines are drawn as they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from perdure import assemble
from perdure.config import CameraConfig, EventsConfig
from perdure.events.places import Places
from perdure.store.site_store import SiteStore

_DRAWN: Final = "drawn"
"""A fact of the database: what is drawn, and since when."""


def places_since(config: EventsConfig, cameras: Mapping[str, CameraConfig], store: SiteStore, at: float) -> Places:
    """What is drawn; where the database knows it otherwise, it counts from ``at`` on, and what was told before stands.

    Raises:
        StoreError: the database cannot be written.
    """
    places = assemble.places(config, cameras)
    text, before = repr(places), json.loads(store.get(_DRAWN, "null"))
    if before is not None and before["places"] == text:
        return replace(places, since=before["since"])
    store.put(_DRAWN, json.dumps({"places": text, "since": at}))
    return replace(places, since=at)
