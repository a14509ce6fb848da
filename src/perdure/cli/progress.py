"""A progress bar per camera."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from perdure.errors import SourceError
    from perdure.video.source import Source


class Silent:
    """Nobody watches."""

    def began(self, sources: list[Source]) -> None:
        """Nothing."""

    def progress(self, camera: str, frames: int, people: int) -> None:
        """Nothing."""

    def broken(self, camera: str, error: SourceError) -> None:
        """Nothing: the outcome says it."""

    def stage(self, name: str) -> None:
        """Nothing."""


class Bars:
    """Bars on stderr with frames, fps, people so far and time left; plain lines where that is no terminal."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[fps]} fps"),
            TextColumn("{task.fields[people]} people"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def began(self, sources: list[Source]) -> None:
        """One bar per camera."""
        for source in sources:
            self._tasks[source.camera] = self._bars.add_task(source.camera, total=source.length, fps="-", people=0)

    def filmed(self, camera: str, frames: int, total: int) -> None:
        """A simulated camera has filmed so much."""
        if camera not in self._tasks:
            self._tasks[camera] = self._bars.add_task(camera, total=total, fps="-", people=0)
        self.progress(camera, frames, 0)

    def progress(self, camera: str, frames: int, people: int) -> None:
        """Move one bar."""
        id = self._tasks[camera]
        speed = self._bars.tasks[id].speed
        self._bars.update(id, completed=frames, people=people, fps=f"{speed:.1f}" if speed else "-")

    def broken(self, camera: str, error: SourceError) -> None:
        """Say so above the bars."""
        self._console.print(f"[yellow]{camera}:[/] {error}")

    def stage(self, name: str) -> None:
        """Say what is going on after the last frame."""
        self.say(f"{name} ...")

    def say(self, text: str) -> None:
        """A line above the bars."""
        self._console.print(text, style="dim")
