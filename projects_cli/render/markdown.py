"""A report as Markdown, for chats, issues and mails."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from projects_cli.render.report import Report, Table

LONGEST = 15
"""Rows of a table in a message."""


def markdown(report: Report) -> str:
    """Return a report in the dialect of GitHub, which chats have too; names are code, so that none is markup."""
    lines = [f"# Report on {code(report.name) if report.name else 'all projects'}", f"\n{report.period}\n"]
    lines += [f"- {label}: **{figure}**" for label, figure in report.figures]
    for section in report.sections.values():
        if section.table.rows:
            lines.append(f"\n## {section.title}\n")
            lines += _table(section.table, latest=section.chart is not None and section.chart.kind == "columns")
    return "\n".join([*lines, ""])


def _table(table: Table, *, latest: bool) -> Iterator[str]:
    """Yield the lines of a table: its first rows, or the last ones of those that are in order of time."""
    rows = table.rows[-LONGEST:] if latest else table.rows[:LONGEST]
    yield _row(table.heading)
    yield _row(["---", *["---:"] * (len(table.heading) - 1)])
    yield from (_row([code(row[0]), *row[1:]]) for row in rows)
    if rest := table.rest + len(table.rows) - len(rows):
        yield f"\n{rest:,} {'earlier' if latest else 'more'}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def code(text: str) -> str:
    """Return a text as code, in which markup, links and @mentions have no effect."""
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    padding = " " if text.startswith("`") or text.endswith("`") else ""
    # In a table a bar separates cells even in code, unless it is escaped.
    return f"{fence}{padding}{text}{padding}{fence}".replace("|", "\\|")
