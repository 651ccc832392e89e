"""`projects apply`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.flow import DocumentChange, expect, perform, show
from projects_cli.cli.request import file_request, stdin_bytes
from projects_cli.extended_json import compact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from projects_cli.cli.context import Context
    from projects_cli.manifests.comparison import Difference, Manifest
    from projects_cli.messages import Response

NOTED = 20
"""Differences that are listed before the question; `projects diff` lists all."""

LONGEST_VALUE = 60

app = typer.Typer(**TYPER_OPTIONS)

File = Annotated[
    list[str],
    typer.Option("--file", "-f", metavar="FILE", help="YAML, JSON, HOCON or CSV, a folder, or - for YAML on stdin."),
]
Prune = Annotated[
    str | None,
    typer.Option("--prune", metavar="TAG", help="Tag the projects of the files; delete tagged ones they don't have."),
]


@app.command(cls=GroupedCommand)
def apply(ctx: typer.Context, file: File, prune: Prune = None) -> None:
    """Make projects as files describe them (asks first; can be undone).

    Projects that are missing are created. Of the others only the fields change that the file mentions. What the files
    don't have stays, unless --prune names a tag. A second run changes nothing.

    Example: projects export vision --as-manifest | projects apply -f -
    """
    context: Context = ctx.obj
    expect(context, "apply")
    show(context, apply_manifest(context, manifest_of(context, file, prune)))


def manifest_of(context: Context, files: Sequence[str], prune: str | None) -> Manifest:
    """Return the wanted projects of files; they are read before the database is used.

    Raises:
        ManifestError: a file is invalid.
    """
    from projects_cli.manifests.reading import read_all
    from projects_cli.manifests.wanted import wanted_projects

    parsed = [part for file in files for part in read_all(file, stdin_bytes(context))]
    wanted = wanted_projects(parsed)
    request = file_request(context, "apply", creates=False)
    from projects_cli.manifests.comparison import Manifest

    return Manifest(wanted, request, prune)


def apply_manifest(context: Context, manifest: Manifest) -> Response:
    """Perform the change; the owner is looked up only if a project is created."""
    change = DocumentChange(manifest)
    plan = change.plan(context)
    if any(step.action == "insert" for step in plan.steps):
        manifest.request = file_request(context, "apply", creates=True)
        plan = change.plan(context)
    notes = [described(difference) for difference in manifest.differences[:NOTED]]
    if len(manifest.differences) > NOTED:
        notes.append(f"… and {len(manifest.differences) - NOTED:,} more: see projects diff")
    return perform(context, change, replace(plan, notes=notes))


def described(difference: Difference) -> str:
    """Return a difference as a sentence in one line."""
    action, name, field, old, new = difference
    if not field:
        return f"{action} {name}"
    return f"{action} {name}: {field} {_short(old)} → {_short(new)}"


def _short(value: object) -> str:
    text = ", ".join(map(compact, value)) if isinstance(value, list) else compact(value)
    return repr(text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…")
