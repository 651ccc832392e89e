"""The amounts of data of each size."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """The parameters of one generated database.

    `roots` is the number of projects at the top level (0: a fiftieth of all), `document` a task's size in bytes.
    """

    projects: int
    tasks: int = 0
    models: int = 0
    roots: int = 0
    depth: int = 8
    document: int = 2048

    @property
    def name(self) -> str:
        """Return the database's name."""
        counts = f"{self.projects}_{self.tasks}_{self.models}"
        return f"bench_{counts}_r{self.roots}_d{self.depth}_b{self.document}"


@dataclass(frozen=True, slots=True)
class Size:
    """The databases of all rows."""

    listed: Shape
    listed_more: Shape
    table_rows: int
    statistics: Shape
    statistics_less: Shape
    paged: Shape
    page: int
    tags: Shape
    values: Shape
    deleted: Shape
    relocated: Shape
    retagged: Shape
    examined: Shape
    examined_less: Shape


def _deleted(tasks: int) -> Shape:
    """Return a project with ten sub-projects, which have this many tasks in total."""
    return Shape(11, tasks, models=tasks // 20, roots=1)


SIZES: dict[str, Size] = {
    "tiny": Size(
        listed=Shape(300),
        listed_more=Shape(300),
        table_rows=100,
        statistics=Shape(200, 600),
        statistics_less=Shape(200, 600),
        paged=Shape(200, 600),
        page=20,
        tags=Shape(200, 600),
        values=Shape(200, 600),
        deleted=_deleted(100),
        relocated=Shape(30, 100, models=5, roots=1),
        retagged=Shape(12, 100, roots=1),
        examined=Shape(200, 600),
        examined_less=Shape(200, 600),
    ),
    "small": Size(
        listed=Shape(20_000),
        listed_more=Shape(60_000),
        table_rows=10_000,
        statistics=Shape(5_000, 50_000),
        statistics_less=Shape(500, 5_000),
        paged=Shape(5_000, 50_000),
        page=500,
        tags=Shape(5_000, 50_000),
        values=Shape(5_000, 50_000),
        deleted=_deleted(5_000),
        relocated=Shape(500, 20_000, models=1_000, roots=1),
        retagged=Shape(12, 20_000, roots=1),
        examined=Shape(5_000, 50_000),
        examined_less=Shape(5_000, 5_000),
    ),
    "full": Size(
        listed=Shape(100_000),
        listed_more=Shape(1_000_000),
        table_rows=10_000,
        statistics=Shape(100_000, 1_000_000),
        statistics_less=Shape(10_000, 100_000),
        paged=Shape(20_000, 200_000),
        page=500,
        tags=Shape(100_000, 1_000_000),
        values=Shape(20_000, 200_000),
        deleted=_deleted(200_000),
        relocated=Shape(5_000, 500_000, models=25_000, roots=1),
        retagged=Shape(12, 200_000, roots=1),
        examined=Shape(100_000, 1_000_000),
        examined_less=Shape(100_000, 100_000),
    ),
}
"""The bars apply to `full`. `small` is for a quick check, `tiny` for the test of every row."""
