"""`projects delete`.

Several projects are one plan and one prompt, but each is a change with its own lease and its own record in the journal:
if one fails the others are still deleted, and each can be undone by itself.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from projects_cli import endpoints, private_files
from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.flow import DocumentChange, expect, partial_failure, perform, show
from projects_cli.cli.options import Interactive, ProjectArguments
from projects_cli.cli.request import named_projects, requested
from projects_cli.errors import (
    AmbiguousProject,
    CannotUndo,
    ChangedMeanwhile,
    EmptyName,
    PartialFailure,
    ProjectNotFound,
    ProjectsError,
    ServiceError,
    UsageError,
    unwritable,
)
from projects_cli.messages import Plan, Response, Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from io import FileIO

    from projects_cli.cli.context import Context
    from projects_cli.cli.flow import Scope
    from projects_cli.messages import Request
    from projects_cli.store.collections import Store

ENDPOINT = "projects.delete"

FAULTS_OF_A_PROJECT = (ServiceError, ProjectNotFound, AmbiguousProject, EmptyName, ChangedMeanwhile)
"""Errors about one project among several. Any other would come again with the next project, so the run ends."""

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def delete(
    ctx: typer.Context,
    project: ProjectArguments = None,
    force: Annotated[
        bool, typer.Option("--force", help="Delete despite tasks or models that are not archived; asks nothing.")
    ] = False,
    max_delete: Annotated[
        int | None,
        typer.Option("--max-delete", metavar="N", help="Refuse to delete more projects, sub-projects counted."),
    ] = None,
    delete_contents: Annotated[
        bool, typer.Option("--delete-contents", help="Delete the tasks and models of the projects too.")
    ] = False,
    archived_contents: Annotated[
        bool,
        typer.Option("--archived-contents", help="Delete tasks and models too, if all are archived; otherwise refuse."),
    ] = False,
    delete_external_artifacts: Annotated[
        bool | None,
        typer.Option(
            "--delete-external-artifacts/--no-delete-external-artifacts",
            help="Hand URLs of s3, gs and azure over to the server's clean-up job (default), or list them.",
        ),
    ] = None,
    urls_file: Annotated[
        str | None,
        typer.Option("--urls-file", metavar="FILE", help="Write the URLs of files that remain to a new file."),
    ] = None,
    interactive: Interactive = False,
) -> None:
    """Delete projects and their sub-projects; their tasks and models are kept, without a project.

    With --delete-contents tasks and models are deleted as well, and references to them from elsewhere are cleared. With
    --archived-contents archived ones are, and any that is not archived refuses the delete.
    This program touches neither events in Elasticsearch nor stored files: the response lists the URLs of files that
    remain, and --urls-file writes them, one a line, before the first document is deleted.

    Example: projects delete vision/detection --force --dry-run
    """
    context: Context = ctx.obj
    delete_contents = delete_contents or archived_contents
    files = _urls_file(urls_file, delete_contents=delete_contents, refuses=archived_contents, force=force)
    parameters = {
        "force": force,
        "delete_contents": delete_contents,
        "delete_external_artifacts": delete_external_artifacts,
    }
    make = Deleting(context, parameters, files, only_archived=archived_contents)
    if max_delete is not None:
        context.add_flag("max_delete", max_delete)
    expect(context, ENDPOINT)
    if interactive:
        from projects_cli.cli.project_picker import with_picked

        project = with_picked(context, ENDPOINT, {"ids": project or []})["ids"]
    names = named_projects(context, ENDPOINT, project or [])
    if len(names) == 1:
        with nullcontext() if files is None else files.reported(context):
            response = perform(context, make.change(names[0]))
        show(context, response)
        return
    failures = Failures(context)
    deletions: dict[str, Deletion] = {}
    for name in names:
        try:
            change = make.change(name)
            plan = change.plan(context)
            deletions.setdefault(plan.samples[0].id, Deletion(name, change, plan))
        except FAULTS_OF_A_PROJECT as error:
            failures.add(name, error)
    # A project below another one that is named goes with it.
    below = {sample.id for deletion in deletions.values() for sample in deletion.plan.samples[1:]}
    chosen = [deletion for root, deletion in deletions.items() if root not in below]
    if chosen:
        with nullcontext() if files is None else files.reported(context):
            response = perform(context, Deletions(chosen, failures, files))
        if response.data:
            show(context, response)
    if failures.errors:
        raise PartialFailure(f"{len(failures.errors)} of {len(names)} did not succeed", failures=failures.errors)


def _urls_file(path: str | None, *, delete_contents: bool, refuses: bool, force: bool) -> UrlsFile | None:
    """Check options against each other, and return the file for the URLs, if one is named.

    Raises:
        UsageError: two options contradict each other, or the file exists.
    """
    if refuses and force:
        raise UsageError("--archived-contents can't be used with --force, which deletes what is not archived as well")
    if path is not None and not delete_contents:
        raise UsageError("--urls-file needs --delete-contents: without it no file loses its task")
    return None if path is None else UrlsFile(path)


@dataclass(frozen=True, slots=True)
class Deleting:
    """What the options of the command line say about every project that is deleted."""

    context: Context
    parameters: Mapping[str, Any]
    files: UrlsFile | None
    only_archived: bool

    def change(self, project: str) -> DocumentChange:
        """Return the deletion of a project as a change."""
        request = requested(self.context, ENDPOINT, {"project": project, **self.parameters})
        begin = None if self.files is None else self.files.write
        planner = ArchivedDeletion(request) if self.only_archived else endpoints.Call(request)
        return DocumentChange(planner, forced=self.parameters["force"], begin=begin)


@dataclass(frozen=True, slots=True)
class ArchivedDeletion:
    """The deletion of a project whose tasks and models are all archived, with these."""

    request: Request

    def plan(self, store: Store) -> Plan[Step]:
        """Return the plan of the deletion."""
        from projects_cli.endpoints import deletion  # imports the driver

        return deletion.delete(self.request, store, only_archived=True)


class UrlsFile:
    """A new file with the URLs of the files that remain, one a line.

    It is on the disk before the first document is deleted: after a crash the URLs are in no document any more.
    """

    def __init__(self, path: str) -> None:
        """Refuse a path that exists or has no folder, before anything else is done.

        Raises:
            UsageError: it does, or has none.
        """
        from pathlib import Path  # few deletions write a file

        self._path = Path(path)
        self._file: FileIO | None = None
        self._written = 0
        if path == "-":
            raise UsageError("--urls-file can't be standard output", hint="name a file: it is on the disk in time")
        if os.path.lexists(path):
            raise self._exists()
        if not self._path.parent.is_dir():
            raise UsageError(f"cannot write '{path}': its folder does not exist")

    def _exists(self) -> UsageError:
        return UsageError(f"'{self._path}' exists already", hint="it is not overwritten: name another file, or move it")

    def write(self, plan: Plan[Step]) -> None:
        """Append the URLs of a plan.

        Raises:
            ProjectsError: the file can't be written (see `errors.unwritable`); nothing was changed.
        """
        urls = plan.answer["urls"]
        # A line break within a URL would make two lines of it.
        lines = {url.replace("\r", "%0D").replace("\n", "%0A") for part in urls.values() for url in part}
        try:
            if self._file is None:
                private = partial(os.open, mode=0o600)  # some URLs have a password in them
                # Open until the command ends, and without a buffer, which a full disk would leave with half of it.
                self._file = open(self._path, "xb", buffering=0, opener=private)  # noqa: SIM115
                private_files.sync_folder(self._path.parent)
            # Where `discard` cuts: each of several deletions appends its URLs.
            self._written = self._file.tell()
            rest = "".join(f"{line}\n" for line in sorted(lines)).encode()
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(self._file.fileno())
        except FileExistsError:
            raise self._exists() from None
        except OSError as error:
            with suppress(OSError):
                self.discard()
            raise unwritable(str(self._path), error, "; nothing was deleted") from error

    def discard(self) -> None:
        """Remove what was written last: the deletion was refused."""
        if self._file is not None:
            self._file.seek(self._written)
            self._file.truncate()
            if not self._written:
                self._file.close()  # Windows removes closed files only
                self._path.unlink()
                self._file = None

    @contextmanager
    def reported(self, context: Context) -> Iterator[None]:
        """Report the file at the end; a refused change has none, and an interrupted one may still be undone."""
        try:
            yield
        except (ServiceError, CannotUndo):
            self.discard()
            raise
        except ProjectsError:
            if self._file is not None:
                context.console.warn(
                    f"{self._path} lists files of an unfinished deletion: use it after projects resume, not after undo"
                )
            raise
        finally:
            if self._file is not None:
                self._file.close()
        if self._file is not None:
            remaining = "lists the files that remain; an undo of the deletion needs them"
            is_empty = not self._path.stat().st_size
            context.console.notice(f"{self._path} {'is empty: no file remains' if is_empty else remaining}")


@dataclass(frozen=True, slots=True)
class Failures:
    """The projects that could not be deleted. Each is reported when it fails, or with `--json` at the end."""

    context: Context
    errors: list[tuple[str, ProjectsError]] = field(default_factory=list)

    def add(self, project: str, error: ProjectsError) -> None:
        """Record a failure, and report it."""
        self.errors.append((project, error))
        if self.context.console.output != "json":
            self.context.console.error(error)


@dataclass(frozen=True, slots=True)
class Deletion:
    """One of several deletions: the project as it was named, the change, and its plan."""

    project: str
    change: DocumentChange
    plan: Plan[Step]


@dataclass(frozen=True, slots=True)
class Deletions:
    """Several deletions as one change; the word to type is how many projects are removed in all."""

    deletions: list[Deletion]
    failures: Failures
    files: UrlsFile | None = None
    view: str = ""
    scope: Scope = "documents"

    def plan(self, _: Context) -> Plan[Step]:
        """Return the plans joined."""
        plans = [deletion.plan for deletion in self.deletions]
        if len(plans) == 1:
            return plans[0]
        names = dict.fromkeys(name for plan in plans for name in plan.counts)
        counts = {name: sum(plan.counts.get(name, 0) for plan in plans) for name in names}
        questions = {plan.question for plan in plans}
        return Plan(
            endpoint=ENDPOINT,
            summary=f"delete {len(plans)} projects",
            steps=[step for plan in plans for step in plan.steps],
            counts=counts,
            samples=[sample for plan in plans for sample in plan.samples],
            notes=[f"{plan.name}: {note}" for plan in plans for note in plan.notes],
            question="name" if "name" in questions else "yes" if "yes" in questions else "none",
            name=f"{counts['projects']} projects",
            removes=sum(plan.removes for plan in plans),
        )

    def preview(self, context: Context, plan: Plan[Step]) -> Response:
        """Return the joined plan."""
        return self.deletions[0].change.preview(context, plan)

    def apply(self, context: Context, plan: Plan[Step]) -> Response:
        """Make one deletion after the other, and return the sums of their responses; no data if all failed.

        Raises:
            ProjectsError: an error of the run as a whole; the sums of what was deleted before are printed.
        """
        total: dict[str, Any] = {}
        try:
            for deletion in self.deletions:
                already = total.get("deleted", 0)
                agreed = replace(deletion.plan, agreed=plan.agreed)
                try:
                    response = deletion.change.apply(context, agreed, already=already)
                except FAULTS_OF_A_PROJECT as error:
                    if self.files is not None:
                        self.files.discard()
                    self.failures.add(deletion.project, error)
                    continue
                if response.skipped:
                    self.failures.add(deletion.project, partial_failure(response))
                for name, value in response.data.items():
                    if name in total and isinstance(value, dict):  # the URLs, by kind
                        total[name] = {kind: sorted({*total[name][kind], *urls}) for kind, urls in value.items()}
                    else:
                        total[name] = total[name] + value if name in total else value
        except BaseException:
            # What was deleted is reported, whatever ended the run.
            if total:
                show(context, Response(ENDPOINT, total))
            raise
        return Response(ENDPOINT, total)
