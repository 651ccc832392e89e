"""`projects edit`."""

from __future__ import annotations

import shlex
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.commands.apply import apply_manifest
from projects_cli.cli.commands.config import run_editor
from projects_cli.cli.flow import expect, show
from projects_cli.cli.options import RequiredProject
from projects_cli.cli.request import file_request, named_projects
from projects_cli.errors import ChangedMeanwhile, ManifestError, UsageError

if TYPE_CHECKING:
    from projects_cli.cli.context import Context
    from projects_cli.manifests.wanted import Wanted

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def edit(ctx: typer.Context, project: RequiredProject) -> None:
    """Open a project as a manifest in $VISUAL or $EDITOR, and apply what was changed.

    Example: projects edit vision
    """
    context: Context = ctx.obj
    expect(context, "apply")
    names = named_projects(context, "projects.get_by_id", [project])
    if len(names) > 1:
        raise UsageError(f"a single project was expected, but standard input names {len(names)}")
    store = context.store
    from projects_cli.endpoints import hierarchy
    from projects_cli.endpoints.address import project_id
    from projects_cli.manifests.comparison import READ, Manifest, as_manifest
    from projects_cli.render import encode

    identifier = project_id(names[0], lambda: store)

    def described() -> dict[str, Any]:
        """Return the project with all fields, so that those that are empty can be filled."""
        project: dict[str, Any]
        [project, *_] = as_manifest([hierarchy.writable_project(identifier, store, READ)], complete=True)["projects"]
        return project

    project_before = described()
    lines: list[str] = []
    encode.write_value({"projects": [project_before]}, "yaml", lines.append, pretty=True)
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / "project.yaml"
        draft.write_text("".join(lines), encoding="utf-8")
        before = _wanted(draft, project_before["name"]).fields
        while True:
            run_editor(context, draft, hint="use: projects update PROJECT")
            try:
                wanted = _wanted(draft, project_before["name"])
                break
            except ManifestError as error:
                # A script would get the same mistake again and again.
                if not context.prompts.can_ask:
                    raise
                context.console.error(error)
                context.prompts.confirm("Edit it again?")
    # Only what the user changed: others may have changed the rest meanwhile.
    fields = {field: value for field, value in wanted.fields.items() if before.get(field) != value}
    project_now = described()
    if theirs := [field for field in fields if project_now.get(field) != project_before.get(field)]:
        raise ChangedMeanwhile(
            f"'{wanted.name}' was changed by others while it was edited: {', '.join(theirs)}; nothing was changed",
            hint=f"edit it again: projects edit {shlex.quote(wanted.name)}",
        )
    request = file_request(context, "apply", creates=False)
    show(context, apply_manifest(context, Manifest({wanted.name: replace(wanted, fields=fields)}, request)))


def _wanted(draft: Path, name: str) -> Wanted:
    """Return the project as an edited file has it.

    Raises:
        ManifestError: the file is invalid, or has another project.
    """
    from projects_cli.manifests.reading import parse
    from projects_cli.manifests.wanted import wanted_projects

    wanted = wanted_projects([parse(draft.name, draft.read_bytes(), "yaml")])
    if list(wanted) != [name]:
        raise ManifestError(
            f"{draft.name} should have the project '{name}' and no other", hint="to rename it: projects rename"
        )
    return wanted[name]
