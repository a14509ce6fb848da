"""The seam for whoever wants to be told."""

from __future__ import annotations

from typing import Protocol

from perdure.types import Event


class Sink(Protocol):
    """Somebody who is told events: a log, a webhook, a message broker."""

    def send(self, event: Event) -> None:
        """Take one event; the same id comes again with a higher revision when it changes."""
