"""Where enrolled people are kept, for whoever enrols them from outside: a site's folder, a running service, a file."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import Request, urlopen

import numpy as np

from perdure import assemble
from perdure.config import Config, DetectionConfig, load
from perdure.errors import ConfigError, InputError
from perdure.gallery import corrections, enrolment
from perdure.gallery.exemplars import select
from perdure.gallery.gallery import Gallery
from perdure.interop.people_file import NamedPeople, read_people, write_people
from perdure.nodes.enrolment import Given, Looked, Portraits, enrol, look, take_out
from perdure.nodes.live import LiveSite
from perdure.types import BY_HAND, Exemplars

_API: Final = "/api/v1"
_TIMEOUT_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody enrolled, as a list shows them."""

    id: str
    name: str
    pictures: int
    watched: bool
    last_seen: str


class People(Protocol):
    """Somewhere people are enrolled."""

    def enrol(self, name: str, given: Sequence[Given]) -> tuple[str | None, Sequence[Looked]]:
        """Who it is, or None where no picture could be used; and what became of each."""

    def everybody(self) -> list[Known]:
        """Who is enrolled, by name."""

    def remove(self, name: str) -> str | None:
        """Enrol somebody no longer; the new number of what cameras saw of them, if any."""

    def watch(self, identity: str) -> None:
        """Put somebody on the watch list."""

    def export(self, path: Path) -> None:
        """Write everybody to a file."""

    def bring_in(self, path: Path) -> list[str]:
        """Enrol everybody in a file; the names."""

    def close(self) -> None:
        """No more."""


class AtSite:
    """The folder of a site that no service is running on."""

    def __init__(self, data: Path, config: Path | None) -> None:
        """Opens it.

        Raises:
            ConfigError: there is no such folder.
            StoreError: a service is running on it.
        """
        if not data.is_dir():
            raise ConfigError(f"there is no site in {data}: perdure serve makes one; or give --server or --file")
        own = data / "perdure.yaml"
        settings = load(config or (own if own.exists() else None)).model_copy(
            update={"cameras": {}, "topology": _NOWHERE}
        )
        self._site = LiveSite(settings, data)
        self._thread = threading.Thread(target=self._site.run, name="perdure site")
        self._thread.start()

    def close(self) -> None:
        """Everything is in the database."""
        self._site.stop()
        self._thread.join()
        self._site.close()

    def enrol(self, name: str, given: Sequence[Given]) -> tuple[str | None, Sequence[Looked]]:
        """See ``People``."""
        site = self._site
        calibration = assemble.calibration_of(site.config.embedding.model)
        portraits = look(given, site.detector, site.embedder, calibration)
        return (enrol(site, name, portraits) if len(portraits.exemplars) else None), portraits.looked

    def everybody(self) -> list[Known]:
        """See ``People``."""

        def ask(gallery: Gallery, _: float) -> list[Known]:
            found = [gallery.identity(id) for id in sorted(gallery.enrolled())]
            return [
                Known(one.id, one.name, len(one.given), one.watched, _when(one.last_seen if one.sightings else None))
                for one in sorted(found, key=lambda one: one.name)
            ]

        return self._site.ask(ask, _TIMEOUT_S)

    def remove(self, name: str) -> str | None:
        """See ``People``."""
        return take_out(self._site, name)

    def watch(self, identity: str) -> None:
        """See ``People``."""
        self._site.ask(lambda gallery, at: corrections.watch(gallery, at, identity), _TIMEOUT_S)

    def export(self, path: Path) -> None:
        """See ``People``."""
        write_people(self._site.ask(lambda gallery, _: named_people(gallery), _TIMEOUT_S), path)

    def bring_in(self, path: Path) -> list[str]:
        """See ``People``."""
        named = read_people(path)
        self._site.ask(lambda gallery, at: enrol_all(gallery, at, named), _TIMEOUT_S)
        return list(named.people)


class InFile:
    """A file of people."""

    def __init__(self, path: Path, embedder: str, detector: str = "auto") -> None:
        """Of a file that need not be there yet."""
        self._path, self._embedder, self._detector = path, embedder, detector

    def close(self) -> None:
        """Nothing is open."""

    def enrol(self, name: str, given: Sequence[Given]) -> tuple[str | None, Sequence[Looked]]:
        """See ``People``."""
        from perdure.detect.open import open_detector
        from perdure.embed.open import open_embedder

        embedder = open_embedder(self._embedder)
        before = self._read(embedder.name)
        calibration = assemble.calibration_of(self._embedder)
        portraits: Portraits = look(given, open_detector(self._detector, DetectionConfig()), embedder, calibration)
        if not name.strip() or not len(portraits.exemplars):
            return None, portraits.looked
        known = before.people.get(name.strip())
        together = portraits.exemplars if known is None else _joined(known, portraits.exemplars)
        people = {**before.people, name.strip(): select(together, enrolment.KEPT)}
        write_people(NamedPeople(embedder.name, people), self._path)
        return name.strip(), portraits.looked

    def everybody(self) -> list[Known]:
        """See ``People``."""
        named = self._read("")
        return [Known("", name, len(exemplars), False, "") for name, exemplars in named.people.items()]

    def remove(self, name: str) -> str | None:
        """See ``People``."""
        named = self._read("")
        if name not in named.people:
            raise InputError(f"{self._path}: there is nobody called {name}")
        rest = {other: exemplars for other, exemplars in named.people.items() if other != name}
        write_people(NamedPeople(named.model, rest), self._path)
        return None

    def watch(self, identity: str) -> None:
        """A file has no watch list."""
        raise ConfigError(f"--watch for {identity}: {self._path} has no watch list; give --data or --server")

    def export(self, path: Path) -> None:
        """See ``People``."""
        write_people(self._read(""), path)

    def bring_in(self, path: Path) -> list[str]:
        """See ``People``."""
        named = read_people(path)
        before = self._read(named.model)
        write_people(NamedPeople(named.model, {**before.people, **named.people}), self._path)
        return list(named.people)

    def _read(self, model: str) -> NamedPeople:
        """What is in it; nobody where there is no file.

        Raises:
            InputError: vectors of another model than this, where one is given.
        """
        if not self._path.exists():
            return NamedPeople(model, {})
        named = read_people(self._path)
        if model and named.model != model and named.people:
            raise InputError(
                f"{self._path} holds vectors of {named.model}, not of {model}: give --embedder {named.model}"
            )
        return named


class AtServer:
    """A running service, by its API."""

    def __init__(self, address: str, key: str) -> None:
        """Raises ConfigError where it is no address."""
        if urlsplit(address).scheme not in ("http", "https") or not urlsplit(address).hostname:
            raise ConfigError(f"--server {address}: expected http(s)://HOST[:PORT]")
        self._root, self._key = address.rstrip("/") + _API, key

    def close(self) -> None:
        """Nothing is open."""

    def enrol(self, name: str, given: Sequence[Given]) -> tuple[str | None, Sequence[Looked]]:
        """See ``People``."""
        boxes = json.dumps([one.box for one in given])
        told = self._ask("POST", "/people", *_form({"name": name, "boxes": boxes}, given))
        looked = [
            Looked(one["file"], one["outcome"], one["said"], tuple(map(tuple, one["boxes"])))
            for one in told["pictures"]
        ]
        return (None if told["person"] is None else str(told["person"]["id"])), looked

    def everybody(self) -> list[Known]:
        """See ``People``."""
        found, after = [], ""
        while True:
            page = self._ask("GET", f"/people?listed=enrolled&limit=200{after}")
            found += page["items"]
            if page["next"] is None:
                break
            after = f"&after={quote(page['next'])}"
        return [
            Known(one["id"], one["name"], one["enrolled"], one["watched"], _when(one["last_seen"]))
            for one in sorted(found, key=lambda one: str(one["name"]))
        ]

    def remove(self, name: str) -> str | None:
        """See ``People``."""
        of_name = [one.id for one in self.everybody() if name in (one.name, one.id)]
        if len(of_name) != 1:
            raise InputError(f"there are {len(of_name)} enrolled people called {name}")
        left = self._ask("DELETE", f"/people/{quote(of_name[0], safe='')}/enrolment")["person"]
        return None if left is None else str(left)

    def watch(self, identity: str) -> None:
        """See ``People``."""
        self._ask("POST", f"/people/{quote(identity, safe='')}/watch")

    def export(self, path: Path) -> None:
        """Vectors do not leave a service."""
        raise ConfigError(f"--export {path}: needs a site's folder (--data, while no service runs on it) or a --file")

    def bring_in(self, path: Path) -> list[str]:
        """Vectors do not go into a service."""
        raise ConfigError(f"--import {path}: needs a site's folder (--data, while no service runs on it) or a --file")

    def _ask(self, method: str, path: str, body: bytes | None = None, kind: str = "application/json") -> Any:
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": kind}
        request = Request(self._root + path, body, headers, method=method)
        try:
            with urlopen(request, timeout=_TIMEOUT_S) as answer:
                return json.load(answer)
        except HTTPError as error:
            try:
                said = json.load(error)["detail"]
            except (ValueError, KeyError, TypeError):
                said = error.reason
            raise InputError(f"{self._root}: {said}") from error
        except (URLError, OSError, ValueError) as error:
            raise InputError(f"{self._root} does not answer: {getattr(error, 'reason', error)}") from error


def named_people(gallery: Gallery) -> NamedPeople:
    """Everybody enrolled, by name or number, with the vectors of the pictures that were given."""
    found: dict[str, Exemplars] = {}
    for identity in sorted(gallery.enrolled()):
        name = gallery.partition.names.get(identity) or identity
        for id in gallery.partition.members[identity]:
            body = gallery.evidence[id].body(gallery.model) if id.startswith(BY_HAND) else None
            if body is not None:
                bare = replace(body, pictures=("",) * len(body))
                found[name] = _joined(found[name], bare) if name in found else bare
    return NamedPeople(gallery.model, found)


def enrol_all(gallery: Gallery, at: float, named: NamedPeople) -> None:
    """Enrol everybody of a file.

    Raises:
        InputError: vectors of another model.
    """
    if named.model != gallery.model and named.people:
        raise InputError(f"the file of people holds vectors of {named.model}, the gallery those of {gallery.model}")
    for name, exemplars in named.people.items():
        enrolment.enrol(gallery, at, name, exemplars)


def _joined(one: Exemplars, other: Exemplars) -> Exemplars:
    return Exemplars(
        one.model,
        np.concatenate([one.vectors, other.vectors]),
        np.concatenate([one.quality, other.quality]),
        np.concatenate([one.at, other.at]),
        one.pictures + other.pictures,
    )


def _when(at: float | None) -> str:
    return "never" if at is None else datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M")


def _form(fields: dict[str, str], given: Sequence[Given]) -> tuple[bytes, str]:
    """A multipart form (RFC 7578) and its content type."""
    mark = uuid.uuid4().hex
    head = 'Content-Disposition: form-data; name="{}"'
    parts = [f"{head.format(name)}\r\n\r\n{value}".encode() for name, value in fields.items()]
    for one in given:
        label = one.label.replace('"', "'").replace("\r", " ").replace("\n", " ")
        line = f'{head.format("pictures")}; filename="{label}"\r\nContent-Type: application/octet-stream\r\n\r\n'
        parts.append(line.encode() + one.content)
    body = b"".join(f"--{mark}\r\n".encode() + part + b"\r\n" for part in parts) + f"--{mark}--\r\n".encode()
    return body, f"multipart/form-data; boundary={mark}"


_NOWHERE = Config().topology
"""Of a site that is only opened to enrol people: its cameras are not watched."""
