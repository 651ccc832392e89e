"""`projects edit`."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.commands.apply import apply_manifest
from projects_cli.cli.commands.config import run_editor
from projects_cli.cli.flow import expect, show
from projects_cli.cli.options import RequiredProject
from projects_cli.cli.request import file_request, named_projects
from projects_cli.errors import EditedMeanwhile, ManifestError, UsageError

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

    stored = hierarchy.writable_project(project_id(names[0], lambda: store), store, READ)
    name = hierarchy.shown_name(stored)
    lines: list[str] = []
    # With all fields, so that those that are empty can be filled.
    encode.write_value(
        {"projects": [as_manifest([stored], complete=True)["projects"][0]]}, "yaml", lines.append, pretty=True
    )
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / "project.yaml"
        draft.write_text("".join(lines), encoding="utf-8")
        before = _wanted(draft, name).fields
        while True:
            run_editor(context, draft, hint="use: projects update PROJECT")
            try:
                wanted = _wanted(draft, name)
                break
            except ManifestError as error:
                # A script would get the same mistake again and again.
                if not context.prompts.can_ask:
                    raise
                context.console.error(error)
                context.prompts.confirm("Edit it again?")
        # Only what the user changed: others may have changed the rest meanwhile.
        fields = {field: value for field, value in wanted.fields.items() if before.get(field) != value}
        request = file_request(context, "apply", creates=False)
        manifest = Manifest({name: replace(wanted, fields=fields)}, request, edited=stored)
        try:
            response = apply_manifest(context, manifest)
        except EditedMeanwhile as error:
            error.hint = f"the edited text is in {_kept(draft)}"
            raise
    show(context, response)


def _kept(draft: Path) -> str:
    """Copy the edited file to a place where it stays, and return its path."""
    with tempfile.NamedTemporaryFile(prefix="projects-edit-", suffix=draft.suffix, delete=False) as file:
        file.write(draft.read_bytes())
    return file.name


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
