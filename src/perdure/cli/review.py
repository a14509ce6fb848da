"""``perdure review``: look at doubtful pairs on a page, answer with one key, and label data on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def review(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Run folders, a folder of runs, or a site's folder.")
    ],
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0: any that is free.")] = 0,
    reviewer: Annotated[
        str | None, typer.Option("--reviewer", help="In whose name the answers are kept (default: your log-in name).")
    ] = None,
    decide: Annotated[
        bool, typer.Option("--decide", help="What you say of pairs on which others differ decides.")
    ] = False,
    open_page: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in a browser.")] = True,
) -> None:
    """Review recorded runs, or a site that is not served now: the most informative doubtful pairs first.

    Serves a page on this machine only, behind a link that works once. Answers are kept beside each run in review.jsonl,
    which is only ever appended to; perdure export writes the corrected identities.
    """
    from contextlib import ExitStack

    from rich.console import Console

    from perdure.api.review_alone import open_hosts, run
    from perdure.nodes.review_open import found

    name = _reviewer(reviewer)
    with ExitStack() as stack:
        with Console(stderr=True).status("looking for doubtful pairs ..."):
            hosts = open_hosts(found(paths), stack)
        for host in hosts.values():
            partition = host.desk.gallery.partition
            doubtful = len(host.desk.agenda.ranked())
            typer.echo(
                f"{host.folder}: {len(partition.identity_of)} tracklets of {len(partition.members)} people, "
                f"{len(host.desk.verdicts.answers)} answers so far, {doubtful} questions that could be asked"
            )
        run(hosts, name, port, typer.echo, decides=decide, open_page=open_page)


def _reviewer(given: str | None) -> str:
    import getpass

    from perdure.errors import ConfigError

    if given is None:
        try:
            return getpass.getuser()
        except (OSError, KeyError):
            return "reviewer"
    if not given.strip() or len(given) > 64:
        raise ConfigError("--reviewer needs a name of at most 64 characters")
    return given.strip()
