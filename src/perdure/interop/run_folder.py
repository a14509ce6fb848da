"""The text files of a run folder; docs/formats.md fixes them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence

from perdure.types import Event, Identity, Sighting


def events_jsonl(events: Iterable[Event]) -> str:
    """``events.jsonl``: one event per line; what does not apply to its kind is left out."""
    return "".join(json.dumps(_event(event)) + "\n" for event in events)


def people_json(identities: Iterable[Identity], visits: Sequence[Event]) -> str:
    """``people.json``: everybody, in order of first sighting, with their best pictures by camera."""
    count = Counter(visit.identity for visit in visits)
    people = [_person(identity, count[identity.id]) for identity in identities]
    return json.dumps({"format": 1, "people": people}, indent=1) + "\n"


def number(identity: str) -> int:
    """The integer that stands for an identity where a format wants one: P12 is 12."""
    return int(identity.lstrip("P"))


def _event(event: Event) -> dict[str, object]:
    special = {"direction": event.direction, "outcome": event.outcome, "people": event.people}
    where = {} if event.kind in ("visit", "loitering") and not event.place else {"place": event.place}
    return {
        "id": event.id,
        "kind": event.kind,
        "identity": event.identity,
        "start": _seconds(event.start),
        "end": None if event.end is None else _seconds(event.end),
        "cameras": list(event.cameras),
        "sightings": [_sighting(s) for s in event.sightings],
        "picture": event.picture,
        "confidence": round(event.confidence, 4),
        "revision": event.revision,
        **where,
        **{key: value for key, value in special.items() if value},
    }


def _person(identity: Identity, visits: int) -> dict[str, object]:
    best: dict[str, Sighting] = {}
    for sighting in identity.sightings:
        if sighting.camera not in best or sighting.quality > best[sighting.camera].quality:
            best[sighting.camera] = sighting
    return {
        "id": identity.id,
        "name": identity.name,
        "first_seen": _seconds(identity.first_seen),
        "last_seen": _seconds(identity.last_seen),
        "cameras": list(identity.cameras),
        "visits": visits,
        "confidence": round(identity.confidence, 4),
        "pictures": {camera: sighting.picture for camera, sighting in best.items()},
        "sightings": [_sighting(s) for s in identity.sightings],
    }


def _sighting(sighting: Sighting) -> dict[str, object]:
    return {
        "camera": sighting.camera,
        "start": _seconds(sighting.start),
        "end": _seconds(sighting.end),
        "tracklet": sighting.tracklet,
    }


def _seconds(at: float) -> float:
    return round(at, 3)
