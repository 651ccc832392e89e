"""Records with children as a tree: for a terminal drawn by Rich, for formats with lines as a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from projects_cli.render.escaping import escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from projects_cli.messages import Document
    from projects_cli.render.streams import Streams

BAR = 10
"""Cells of the longest bar."""


def flattened(records: Iterable[Document]) -> Iterator[Document]:
    """Yield each record before its children, without the children, with its `depth` from 0."""
    pending = [(record, 0) for record in reversed(list(records))]
    while pending:
        record, depth = pending.pop()
        rest = {name: value for name, value in record.items() if name != "children"}
        yield rest | {"depth": depth}
        pending += [(child, depth + 1) for child in reversed(record["children"])]


def draw(records: Iterable[Document], streams: Streams) -> Iterator[str]:
    """Yield the tree of each record, drawn; the bars are relative to the record with the most tasks."""
    from rich.console import Console
    from rich.tree import Tree

    records = list(records)
    most = max((record.get("tasks", 0) for record in records), default=0)
    console = Console(
        file=streams.stdout,
        width=max(streams.size()[0], 40),
        force_terminal=streams.has_colour(streams.stdout),
        no_color=not streams.has_colour(streams.stdout),
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
        _environ=dict(streams.environment),
    )
    for record in records:
        drawn = Tree(_label(record, most, shown_parent=""), guide_style="dim")
        pending: list[tuple[Tree, Document]] = [(drawn, record)]
        while pending:
            branch, parent = pending.pop()
            above = f"{parent['name']}/"
            pending += [(branch.add(_label(child, most, shown_parent=above)), child) for child in parent["children"]]
        with console.capture() as capture:
            console.print(drawn, soft_wrap=True)
        yield capture.get()


def _label(record: Document, most: int, *, shown_parent: str) -> Any:
    from rich.text import Text

    # Below its parent the last segments of a name are enough; a misplaced project keeps its full name.
    label = Text(escape(str(record["name"]).removeprefix(shown_parent)), style="bold")
    if "tasks" not in record:
        return label
    if record["tasks"]:
        # At least half a cell, so that a project with tasks differs from an empty one.
        halves = max(1, round(2 * BAR * record["tasks"] / most))
        label.append("  " + "━" * (halves // 2) + "╸" * (halves % 2), style="cyan")
    counts = [_counted(record["tasks"], "task")]
    counts += [f"{record[name]} {name}" for name in ("running", "failed") if record[name]]
    counts += [_counted(record["models"], "model")] if record["models"] else []
    label.append("  " + ", ".join(counts), style="dim")
    return label


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
