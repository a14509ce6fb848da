"""What every route works with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from perdure import assemble
from perdure.analytics.read import Source
from perdure.analytics.recent import Recent
from perdure.api.broadcast import Broadcast
from perdure.api.limits import Limiter
from perdure.api.review_room import Reviewing
from perdure.nodes.live import DATABASE, LiveSite
from perdure.nodes.search_index import SearchIndex
from perdure.store.accounts import Accounts
from perdure.store.site_reader import SiteReader


@dataclass(slots=True)
class Context:
    """One running service."""

    site: LiveSite
    reader: SiteReader
    accounts: Accounts
    broadcast: Broadcast
    reviewing: Reviewing | None = None
    """What can be reviewed; None: nothing."""
    logins: Limiter = field(default_factory=lambda: Limiter(failures=5, per_s=60.0))
    searches: Limiter = field(default_factory=lambda: Limiter(failures=30, per_s=60.0))
    figures: Source = field(init=False)
    """Stays and paths, for analytics."""
    reports: Recent = field(init=False)
    """Of these figures."""
    everybody: SearchIndex = field(init=False)
    """All that is stored, for searches."""

    def __post_init__(self) -> None:
        path, embedder = self.site.folder / DATABASE, self.site.embedder
        self.figures = Source(path)
        self.reports = Recent(self.figures)
        calibration = assemble.calibration_of(self.site.config.embedding.model)
        return_rate = self.site.config.gallery.return_rate
        self.everybody = SearchIndex(path, embedder.name, embedder.dim, calibration, return_rate)
        self.site.when_erased.append(self.everybody.drop)

    def close(self) -> None:
        """No more questions."""
        self.figures.close()
        self.everybody.close()


def of(request: Request) -> Context:
    """The service that answers this request."""
    context = request.app.state.context
    assert isinstance(context, Context)
    return context


Service = Annotated[Context, Depends(of)]
