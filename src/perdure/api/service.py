"""The whole service in one process: the site's thread, the web server, and a graceful end of both."""

from __future__ import annotations

import logging
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import uvicorn

from perdure.api.app import create_app
from perdure.api.broadcast import Broadcast
from perdure.api.context import Context
from perdure.api.review_room import of_site
from perdure.config import Config, ServerConfig
from perdure.errors import ConfigError
from perdure.nodes.answer_log import AnswerLog
from perdure.nodes.live import DATABASE, LiveSite
from perdure.nodes.notifier import Notifiers
from perdure.store.accounts import FILE, Accounts
from perdure.store.site_reader import SiteReader

_ANYWHERE = ("127.0.0.1", "0.0.0.0", "::1", "::")

_log = logging.getLogger(__name__)


def serve(config: Config, folder: Path, listening: Callable[[str], None]) -> None:
    """Watch and answer until Ctrl-C or SIGTERM; then everything that was seen is kept.

    Args:
        config: with the cameras.
        folder: of the site.
        listening: is told the address of the page.

    Raises:
        PerdureError: the folder, a model or an address cannot be used, or the port is taken.
    """
    listener = _listener(config.server)
    with (
        listener,
        LiveSite(config, folder) as site,
        Accounts(folder / FILE) as accounts,
        SiteReader(folder / DATABASE) as reader,
        AnswerLog(folder) as answers,
        Notifiers(config.notify, reader, folder, site.now, config.rules),
    ):
        reviewing = of_site(site, answers)
        reviewing.note = lambda user, did, whom: accounts.note(site.now(), user.name, did, whom)
        app = create_app(Context(site, reader, accounts, Broadcast(site, reader), reviewing))
        settings = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=3)
        server = uvicorn.Server(settings)
        thread = threading.Thread(target=_run, args=(site, server), name="perdure site")
        thread.start()
        host, port = listener.getsockname()[:2]
        for number in (signal.SIGINT, signal.SIGTERM):  # the server raises them again when it has ended
            signal.signal(number, lambda *_: setattr(server, "should_exit", True))
        listening(f"http://{'localhost' if host in _ANYWHERE else host}:{port}")
        try:
            server.run(sockets=[listener])
        finally:
            site.stop()
            thread.join()


def _run(site: LiveSite, server: uvicorn.Server) -> None:
    """The site's thread; if it breaks, the service ends and says so, rather than go on blind."""
    try:
        site.run()
    except Exception:  # whatever it is, a service that sees nothing must not seem well
        _log.exception("the site has stopped")
        raise
    finally:
        server.should_exit = True


def _listener(server: ServerConfig) -> socket.socket:
    """Bound before anything else is begun: a taken port is said at once."""
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((server.host, server.port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"cannot listen on {server.host}:{server.port}: {error.strerror}; choose another --port or --host"
        ) from error
    return listener
