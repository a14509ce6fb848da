"""What every route works with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from perdure.api.broadcast import Broadcast
from perdure.api.limits import Limiter
from perdure.nodes.live import LiveSite
from perdure.store.accounts import Accounts
from perdure.store.site_reader import SiteReader


@dataclass(slots=True)
class Context:
    """One running service."""

    site: LiveSite
    reader: SiteReader
    accounts: Accounts
    broadcast: Broadcast
    logins: Limiter = field(default_factory=lambda: Limiter(failures=5, per_s=60.0))
    searches: Limiter = field(default_factory=lambda: Limiter(failures=30, per_s=60.0))


def of(request: Request) -> Context:
    """The service that answers this request."""
    context = request.app.state.context
    assert isinstance(context, Context)
    return context


Service = Annotated[Context, Depends(of)]
