"""Snapshots of tables and help at four widths.

`make snapshots` regenerates tests/render/snapshots/. Review the difference before you commit it.
"""

from __future__ import annotations

import io
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rich.cells import cell_len

from projects_cli.messages import Response
from projects_cli.render import charts, overview
from projects_cli.render.streams import Streams
from projects_cli.render.table import Style, draw
from projects_cli.render.views import VIEWS

if TYPE_CHECKING:
    from tests.conftest import Cli

RENEW = bool(os.environ.get("RENEW_SNAPSHOTS"))
FOLDER = Path(__file__).parent / "snapshots"
WIDTHS = (40, 80, 120, 200)
NOW = datetime(2024, 1, 11, 9, tzinfo=UTC)
ID = "0123456789abcdef0123456789abcdef"
NAMES = (
    "vision/detection/faster-rcnn/anchors of the second kind",
    "日本語/検出モデル",
    "family 👨‍👩‍👧 🇩🇪 👍🏽",
    "שלום עולם/12",
)


class Screen(Streams):
    """Streams without colour on a screen of that width, endlessly high."""

    columns = 80

    def size(self) -> tuple[int, int]:
        return self.columns, 1_000_000


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


def listed(name: str, number: int) -> dict[str, Any]:
    counts = {"total_tasks": 1234 * number, "total_runtime": 86_399 * number, "last_task_run": "2024-01-11T07:00:00"}
    status = {"in_progress": number, "completed": 1000 * number, "failed": 0}
    return {
        "id": f"{number}{ID[1:]}",
        "name": name,
        "description": "Which sign is it? " * 5,
        "company": ID,
        "created": datetime(2023, 12, 1, tzinfo=UTC),
        "tags": ["prod", "gpu", "日本"][:number],
        "last_update": f"2024-01-{10 - number:02}T08:00:00+00:00",
        "stats": {"active": {**counts, "status_count": status}},
        "models": 12 * number,
        "sub_project_count": number,
        "owner": {"id": ID, "name": ("Ada Lovelace", "山田 花子")[number % 2]},
    }


ROWS = [listed(name, number) for number, name in enumerate(NAMES)]
SHORT = [row | {"id": row["id"][:8]} for row in ROWS]
"""The rows with ids as a list on a terminal has them."""

STEPS = [
    {"action": "update", "collection": "task", "documents": 58, "id": None, "name": None, "why": "leave the project"},
    *(
        {"action": "delete", "collection": "project", "documents": 1, "id": ID, "name": name, "why": "delete"}
        for name in NAMES
    ),
]
CHANGES = [
    {"id": f"r20240111-0{number}0000-abcdef{number}", "operations": 1 + 99 * number, "state": state,
     "started": f"2024-01-11T0{number}:00:00", "summary": f"delete the project '{name}'",
     "by": "ann", "host": "build-1"}
    for number, (state, name) in enumerate(zip(("done", "undone", "applying", "void"), NAMES, strict=True))
]  # fmt: skip

FINDINGS = [
    {
        "name": "name-duplicated", "severity": "error", "count": 7, "fixable": 0, "fix": None,
        "description": "several projects of the company have the same name",
        "advice": "rename all but one (projects update ID --name), then make the unique index on name and company",
        "examples": [{"id": ID, "name": name, "detail": f"as {ID}"} for name in NAMES],
    },
    {
        "name": "tags-null", "severity": "warning", "count": 1, "fixable": 1, "fix": "sets an empty list",
        "description": "tags or system_tags is null",
        "advice": "an index and a query see null where they expect a list",
        "examples": [{"id": ID, "name": "vision", "detail": "tags"}],
    },
    {
        "name": "index-missing", "severity": "warning", "count": 50, "fixable": 0, "fix": None,
        "description": "an index that every ClearML server creates is missing", "advice": "projects indexes create",
        "examples": [{"name": f"project.{name}"} for name in ("parent_1", "path_1", "company_1_name_1")],
    },
    {
        "name": "lease-stale", "severity": "note", "count": 1, "fixable": 0, "fix": None,
        "description": "the lock is held by a process that has ended", "advice": "nothing to do",
        "examples": [{"id": ID, "name": None, "detail": "ann on build-1, pid 7"}],
    },
]  # fmt: skip

DIFFERENCES = [
    {"action": "create", "name": NAMES[0], "field": "", "old": None, "new": None},
    {"action": "update", "name": NAMES[1], "field": "description", "old": "", "new": "検出モデル " * 20},
    {"action": "update", "name": NAMES[1], "field": "tags", "old": ["gpu", "prod"], "new": ["prod", "日本", "👍🏽"]},
    {"action": "update", "name": NAMES[2], "field": "description", "old": "x" * 10_000, "new": "line\n\x1b[31mred"},
    {"action": "update", "name": NAMES[2], "field": "visibility", "old": "private", "new": "public"},
    {
        "action": "update",
        "name": NAMES[3],
        "field": "description",
        "old": "the same words again and again " * 40 + "and an end",
        "new": "the same words again and again " * 40 + "and another end",
    },
    {
        "action": "update",
        "name": NAMES[3],
        "field": "default_output_destination",
        "old": "s3://bucket/שלום/" + "long/" * 10,
        "new": None,
    },
    {"action": "delete", "name": NAMES[3], "field": "", "old": None, "new": None},
]

TABLES: dict[str, tuple[str, dict[str, Any]]] = {
    "list": ("projects.get_all", {"projects": SHORT}),
    "list --stats": ("projects.get_all_ex statistics", {"projects": SHORT}),
    "list -o wide": ("projects.get_all_ex statistics", {"projects": ROWS}),
    "get": ("projects.get_by_id", {"project": ROWS[1]}),
    "delete --dry-run": ("plan", {"steps": STEPS}),
    "delete": ("projects.delete", {"deleted": 5, "disassociated_tasks": 58, "deleted_models": 0, "deleted_tasks": 0}),
    "history": ("history", {"runs": CHANGES}),
    "metrics": ("projects.get_unique_metric_variants", {"metrics": [{"metric": "loss", "variant": "x" * 50}]}),
    "hyperparams": ("projects.get_hyper_parameters", {"parameters": [{"section": "Args", "name": "learning rate"}]}),
    "hyperparam-values": ("projects.get_hyperparam_values", {"total": 3, "values": ["0.1", "日本", "x" * 90]}),
    "task-parents": (
        "projects.get_task_parents",
        {"parents": [{"id": ID, "name": "train", "project": {"id": ID, "name": "vision/" + "x" * 60}}]},
    ),
    "task-tags": ("projects.get_task_tags", {"tags": ["prod", "日本"], "system_tags": ["archived"]}),
    "local status": (
        "local.status",
        {
            "running": True,
            "pid": 7,
            "socket": "/run/" + "x" * 60,
            "size": 319_100_000,
            "stops_at": "2024-01-11T09:15:00",
        },
    ),
    "doctor": ("doctor", {"findings": FINDINGS}),
    "diff": ("diff", {"changes": DIFFERENCES}),
    "nothing": ("projects.get_all", {"projects": []}),
}
"""The tables, by command: the view, and the data of the response."""

RANKED = [
    {"id": ID, "name": name, "tasks": 4321 // (number + 1), "completed": 3000 // (number + 1), "failed": 100 * number,
     "models": 7 * number, "runtime": 86_399 * (4 - number), "last_run": f"2024-01-0{8 - number}T08:00:00+00:00"}
    for number, name in enumerate(NAMES)
]  # fmt: skip
WEEKS = [
    {"id": f"2023-W{week}", "name": f"2023-{week // 5:02}-01", "tasks": week * (week % 3), "completed": 0, "failed": 0,
     "runtime": 3600 * week, "last_run": None}
    for week in range(26, 53)
]  # fmt: skip
OVERVIEW = {
    "project": {"id": ID, "name": NAMES[0]},
    "sub_projects": {"direct": 3, "all": 1234, "hidden": 12},
    "tasks": {"total": 4321, "archived": 100, "status_count": {"completed": 4000, "in_progress": 21, "failed": 300}},
    "models": {"total": 12, "archived": 0},
    "runtime": 12_345_678,
    "last_run": "2024-01-08T08:00:00+00:00",
    "activity": {"weeks": WEEKS},
    "largest": RANKED,
    "owners": [
        {"id": ID, "name": "山田 花子", "projects": 1200, "tasks": 4000},
        {"id": ID, "name": None, "projects": 3, "tasks": 321},
    ],
}

HELPS = ((), ("list", "--help"), ("delete", "--help"), ("local", "--help"))


def drawn(view: str, data: dict[str, Any], columns: int, *, wide: bool) -> str:
    screen = Screen(io.StringIO(), io.StringIO(), io.StringIO(), {"TERM": "dumb"})
    screen.columns = columns
    rows = VIEWS[view].rows
    response = Response("x", {**data, rows: iter(data[rows])} if rows else data)
    style = Style(heading=True, times="relative", now=NOW, wide=wide)
    return "".join(draw(response, VIEWS[view], screen, style))


def check(name: str, text: str) -> None:
    """Compare a text with its snapshot, or renew the snapshot."""
    file = FOLDER / f"{name}.txt"
    if RENEW:
        FOLDER.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8"), f"{file.name} is outdated; renew it with: make snapshots"


@pytest.mark.parametrize("columns", WIDTHS)
def test_tables(columns: int) -> None:
    texts = {command: drawn(*table, columns, wide=command.endswith("wide")) for command, table in TABLES.items()}
    for command, text in texts.items():
        # A wide table leaves nothing out, so it may be wider than the screen.
        too_long = [line for line in text.splitlines() if cell_len(line) > columns]
        assert command.endswith("wide") or too_long == [], command
    check(f"tables-{columns}", "\n".join(f"$ projects {command}\n{text}" for command, text in texts.items()))


@pytest.mark.parametrize("columns", WIDTHS)
def test_charts(columns: int) -> None:
    screen = Screen(io.StringIO(), Terminal(), io.StringIO(), {"TERM": "dumb"})
    screen.columns = columns
    style = Style(heading=True, times="relative", now=NOW)
    texts = {"stats": "".join(overview.draw(OVERVIEW, screen, style))}
    for command, view, rows in (
        ("top", "top by tasks", RANKED),
        ("top --by last-run", "top by last-run", RANKED[::-1]),
        ("activity --by project", "activity by project", RANKED),
        ("activity --by week", "activity by week", WEEKS[-5:]),
    ):
        chosen = [column for column in VIEWS[view].columns if column[1] != "ID"]
        texts[command] = "".join(charts.draw(rows, chosen, VIEWS[view].bars or "", screen, style))
    for command, text in texts.items():
        assert [line for line in text.splitlines() if cell_len(line) > columns] == [], command
    check(f"charts-{columns}", "\n".join(f"$ projects {command}\n{text}" for command, text in texts.items()))


@pytest.mark.parametrize("columns", WIDTHS)
def test_help(cli: Cli, columns: int) -> None:
    texts = {" ".join(words): cli(*words, COLUMNS=str(columns)).stdout for words in HELPS}
    for words, text in texts.items():
        # an example is a line to copy, however narrow the screen is
        assert columns < 80 or [line for line in text.splitlines() if len(line) > columns] == [], words
    check(f"help-{columns}", "\n".join(f"$ projects {words}\n{text}" for words, text in texts.items()))


def test_every_snapshot_is_compared() -> None:
    compared = {f"{kind}-{columns}" for kind in ("tables", "charts", "help") for columns in WIDTHS}
    assert {file.stem for file in FOLDER.iterdir()} == compared
