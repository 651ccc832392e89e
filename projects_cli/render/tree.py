"""Records with children as a tree: for a terminal drawn by Rich, for formats with lines as a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from projects_cli.render.escaping import escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from projects_cli.messages import Document
    from projects_cli.render.charts import Marks
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
    from rich.tree import Tree

    from projects_cli.render.charts import console_of, drawn, marks_of

    records = list(records)
    most = max((record.get("tasks", 0) for record in records), default=0)
    console = console_of(streams, max(streams.size()[0], 40))
    marks = marks_of(streams)
    for record in records:
        top = Tree(_label(record, most, marks, shown_parent=""), guide_style="dim")
        pending: list[tuple[Tree, Document]] = [(top, record)]
        while pending:
            branch, parent = pending.pop()
            above = f"{parent['name']}/"
            pending += [
                (branch.add(_label(child, most, marks, shown_parent=above)), child) for child in parent["children"]
            ]
        yield drawn(top, console)


def _label(record: Document, most: int, marks: Marks, *, shown_parent: str) -> Any:
    from rich.text import Text

    from projects_cli.render.charts import ASCII, CYAN, bar

    # Below its parent the last segments of a name are enough; a misplaced project keeps its full name.
    label = Text(escape(str(record["name"]).removeprefix(shown_parent)), style="bold")
    label.overflow = "crop" if marks is ASCII else "ellipsis"
    if "tasks" not in record:
        return label
    if record["tasks"]:
        label.append("  " + bar(record["tasks"], most, BAR, marks), style=CYAN)
    counts = [_counted(record["tasks"], "task")]
    counts += [f"{record[name]} {name}" for name in ("running", "failed") if record[name]]
    counts += [_counted(record["models"], "model")] if record["models"] else []
    label.append("  " + ", ".join(counts), style="dim")
    return label


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
