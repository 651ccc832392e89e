"""The overview of projects: a panel on a terminal, the same as plain text in a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from projects_cli.render import charts
from projects_cli.render.cells import LEFT_TO_RIGHT_MARK
from projects_cli.render.charts import GREY, LEAST_SCREEN
from projects_cli.render.colours import COLOURS
from projects_cli.render.escaping import escape
from projects_cli.render.streams import is_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from projects_cli.messages import Document
    from projects_cli.render.charts import Marks
    from projects_cli.render.streams import Streams
    from projects_cli.render.table import Style

WIDEST = 100
"""Columns of the panel on a wide screen: longer lines are hard to read."""

PIPE = 80
"""Columns in a pipe."""

BORDER = 4
"""Cells of the border and the space inside, on both sides together."""

LABEL = 14
"""Cells of the labels at the left."""

SUB_PROJECTS = (("name", "LARGEST"), ("tasks", "TASKS"), ("models", "MODELS"), ("runtime", "RUNTIME"))
OWNERS = (("name", "OWNER"), ("projects", "PROJECTS"), ("tasks", "TASKS"))


def draw(record: Document, streams: Streams, style: Style) -> Iterator[str]:
    """Yield the overview, drawn. `record` is one of `inspection.overview`."""
    on_terminal = is_terminal(streams.stdout)
    width = min(max(streams.size()[0], LEAST_SCREEN), WIDEST) if on_terminal else PIPE
    console = charts.console_of(streams, width)
    marks = charts.marks_of(streams)
    project = record["project"]
    title = "all projects" if project is None else escape(str(project["name"]))
    inner = width - BORDER * on_terminal
    lines = [*_counts(record, marks, style, inner), *_activity(record["activity"], marks, inner)]
    for rows, columns, measured in ((record["largest"], SUB_PROJECTS, "tasks"), (record["owners"], OWNERS, "projects")):
        if rows:
            lines += [Text(), *charts.chart(rows, columns, measured, inner, marks, style._replace(heading=True))]
    if not on_terminal:
        yield f"{title}\n\n"
        # Only a terminal needs the mark, as in `table`.
        yield "".join(f"{line.plain.rstrip()}\n" for line in lines).replace(LEFT_TO_RIGHT_MARK, "")
        return
    from rich.box import ROUNDED
    from rich.console import Group
    from rich.panel import Panel

    shown = Text(f" {charts.fitted(title, width - 2 * BORDER, marks)} ", style="bold")
    panel = Panel(Group(*lines), title=shown, title_align="left", box=ROUNDED, border_style=GREY, width=width)
    yield charts.drawn(panel, console, wrap=True)


def _counts(record: Document, marks: Marks, style: Style, width: int) -> Iterator[Text]:
    below, tasks, models = record["sub_projects"], record["tasks"], record["models"]
    word = "at the top level" if record["project"] is None else "directly below"
    yield _labelled("projects", f"{below['all']:,}", [f"{below['direct']:,} {word}", _some(below["hidden"], "hidden")])
    yield _labelled("models", f"{models['total']:,}", [_some(models["archived"], "more archived")])
    yield _labelled("run time", charts.as_text(record["runtime"], "runtime", style), [])
    if record["last_run"] is not None:
        yield _labelled("last run", charts.as_text(record["last_run"], "last_run", style), [])
    yield _labelled("tasks", f"{tasks['total']:,}", [_some(tasks["archived"], "more archived")])
    statuses: Mapping[str, int] = tasks["status_count"]
    most = max(statuses.values(), default=0)
    digits = len(f"{most:,}")
    for status, count in sorted(statuses.items(), key=lambda item: (-item[1], item[0])):
        name = charts.fitted(escape(status), LABEL - 3, marks)
        line = Text(f"  {name:{LABEL - 2}}{count:{digits},}  ", no_wrap=True)
        cells = min(charts.WIDEST_BAR, width - LABEL - digits - charts.GAP)
        line.append(charts.bar(count, most, cells, marks), style=STATUS_STYLES.get(status, charts.CYAN))
        yield line


def _activity(activity: Document, marks: Marks, width: int) -> Iterator[Text]:
    weeks: list[Document] = activity["weeks"]
    if not weeks:
        return
    counts = [week["tasks"] for week in weeks][-(width - LABEL) :]
    line = Text(f"{'by week':{LABEL}}", no_wrap=True)
    line.append(charts.spark_line(counts, marks), style=charts.CYAN)
    yield Text()
    yield line
    first, last = weeks[-len(counts)]["name"], weeks[-1]["name"]
    caption = f"{first} to {last}, peak: {max(counts):,}"
    yield Text(" " * min(LABEL, max(0, width - len(caption))) + caption, style=GREY)


def _labelled(label: str, value: str, details: list[str]) -> Text:
    line = Text(f"{label:{LABEL}}")
    line.append(value, style="bold")
    shown = ", ".join(filter(None, details))
    line.append(f"  {shown}" if shown else "", style=GREY)
    return line


def _some(count: int, word: str) -> str:
    return f"{count:,} {word}" if count else ""


STATUS_STYLES: dict[str, Any] = {
    status: f"color({COLOURS[colour][0]})"
    for status, colour in (("failed", "red"), ("completed", "green"), ("published", "green"), ("in_progress", "blue"))
}
"""The colour of a status; the word beside it says the same."""
