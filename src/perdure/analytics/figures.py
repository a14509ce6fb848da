"""What analytics answer: a report of plots, each a table with a way to draw it. The same in files, API and page."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Cell = float | str | None
Kind = Literal["bars", "lines", "week", "flows", "heat", "ranges", "table"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(_Part):
    """What one number of every row is."""

    name: str
    unit: Literal["", "people", "visits", "s", "time", "share"] = Field(
        "", description="time: seconds, UTC or since the start of a recording."
    )


class Plot(_Part):
    """A table, and how it is best drawn. The first column says what a row is of."""

    name: str = Field(description="Unique in a report; names files.")
    title: str
    about: str = Field(description="What it says, and what to know about it, in a sentence or two.")
    kind: Kind = Field(
        description="bars and lines: over the first column. week: weekdays by hours. flows: from, to, how many. heat: "
        "rows of a picture from the top. ranges: low, middle and high of each row."
    )
    columns: list[Column]
    rows: list[list[Cell]]
    camera: str = Field("", description="heat: whose picture it is.")

    def numbers(self, column: int) -> list[float]:
        """A column as numbers; what is not known is 0."""
        return [float(row[column]) if isinstance(row[column], int | float) else 0.0 for row in self.rows]  # type: ignore[arg-type]

    def texts(self, column: int = 0) -> list[str]:
        """A column as text."""
        return ["" if row[column] is None else str(row[column]) for row in self.rows]


class Headline(_Part):
    """One number to know first."""

    name: str
    value: float | None
    unit: Literal["people", "visits", "s", "share"]
    before: float | None = Field(None, description="The same of the period it is compared with.")


class Report(_Part):
    """The figures of a time."""

    place: str = Field(description="Which run or site.")
    since: float
    until: float
    time_zone: str = Field(description="Whose hours and days are meant.")
    bucket: Literal["minute", "hour", "day", "week"]
    compared_with: tuple[float, float] | None = Field(None, description="The other period, from and to.")
    cameras: list[str] = Field(description="That were asked.")
    headlines: list[Headline]
    plots: list[Plot]
    notes: list[str] = Field(description="What the reader should know first, such as that nobody was seen.")

    def plot(self, name: str) -> Plot | None:
        """One of the plots."""
        return next((plot for plot in self.plots if plot.name == name), None)
