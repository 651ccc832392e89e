"""`projects export`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from projects_cli import __version__
from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.context import Context, utc_now
from projects_cli.cli.flow import expect, show, writes_files
from projects_cli.cli.request import named_projects
from projects_cli.errors import UsageError
from projects_cli.messages import Response
from projects_cli.render.streams import is_terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from projects_cli.transfer.exports import Kind

KINDS: dict[str, Kind] = {"tasks": "task", "models": "model"}

OTHER_ARCHIVES = (".zip", ".bz2", ".xz", ".7z", ".tar", ".tgz")
"""Suffixes of other formats: JSON Lines in a file with such a name would look like a damaged archive."""

PER_UPDATE = 1000
"""Documents between two updates of the progress line."""

app = typer.Typer(**TYPER_OPTIONS)

With = Annotated[
    str | None, typer.Option("--with", metavar="KINDS", help="Also what the projects contain: tasks,models.")
]
NoSnapshot = Annotated[
    bool, typer.Option("--no-snapshot", help="Read without a snapshot, which lasts five minutes by default.")
]


@app.command(cls=GroupedCommand)
def export(
    ctx: typer.Context,
    project: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PROJECT]...",
            help="Ids, full names, or the first 8 or more digits of ids; - reads lines of stdin. [default: all]",
        ),
    ] = None,
    with_: With = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="FILE", help="The file; .gz or .zst compresses it. [default: standard output]"),
    ] = None,
    as_manifest: Annotated[
        bool, typer.Option("--as-manifest", help="Write a YAML file for apply instead: names, descriptions, tags.")
    ] = False,
    no_snapshot: NoSnapshot = False,
) -> None:
    """Write projects to a file, from which import restores them.

    Sub-projects are exported too, and the projects above the named ones, which import creates only if they are missing.
    Other users can't read the file. It takes the place of an older one only when it is complete. On a replica set all
    documents are those of one moment.

    Example: projects export vision --with tasks,models --to vision.jsonl.gz

    Example: projects export --as-manifest --to projects.yaml
    """
    context: Context = ctx.obj
    kinds = kinds_of(with_)
    to = None if to == "-" else to
    if to is not None:
        expect(context, "export")
    elif context.output.fields or context.output.query is not None:
        raise UsageError("export to standard output does not support --fields and --query", hint="use --to FILE")
    elif is_terminal(context.streams.stdout) and not as_manifest:
        raise UsageError("an export is not written to a terminal", hint="use --to FILE, or a pipe")
    if as_manifest and (kinds or (to or "").endswith((".gz", ".zst"))):
        raise UsageError("a manifest has neither tasks nor models, and is not compressed")
    if (to or "").lower().endswith(OTHER_ARCHIVES):
        raise UsageError(
            f"--to '{to}': unsupported archive format", hint="a name that ends with .gz or .zst compresses the export"
        )
    names = named_projects(context, "projects.get_by_id", project) if project else []
    write_all = write_manifest if as_manifest else write_export
    with destination(context, to) as write:
        answer = write_all(context, names, kinds, write, snapshot=not no_snapshot)
    if not answer["snapshot"]:
        context.console.notice("without a snapshot: what others changed meanwhile may be there in part")
    described = ", ".join(f"{count} {kind if count != 1 else kind[:-1]}" for kind, count in answer["counts"].items())
    if to is None:
        context.console.notice(f"exported {described}")
    else:
        verb = "exported" if writes_files(context) else "would export"
        show(context, Response("export", {"file": to, **answer}, notice=f"{verb} {described} to {to}"))


def kinds_of(text: str | None) -> list[Kind]:
    """Return the kinds of documents that `--with` names, in the order of the file.

    Raises:
        UsageError: it names something else.
    """
    words = [word.strip() for word in (text or "").split(",") if word.strip()]
    for word in words:
        if word not in KINDS:
            raise UsageError(f"--with: unknown kind {word!r}", hint=f"use {', '.join(KINDS)}")
    return [kind for word, kind in KINDS.items() if word in words]


@contextmanager
def destination(context: Context, path: str | None) -> Iterator[Callable[[bytes], object]]:
    """Yield what writes the bytes of an export."""
    from projects_cli.transfer.archive import replacing

    if path is not None and not writes_files(context):
        yield _discard
    elif path is not None:
        with replacing(path) as write:
            yield write
    else:
        out = context.streams.data
        yield lambda line: out.write(line.decode())
        out.flush()


def _discard(_: bytes) -> None:
    """Write nothing: this is a dry run."""


def write_export(
    context: Context, projects: list[str], kinds: list[Kind], write: Callable[[bytes], object], *, snapshot: bool
) -> dict[str, Any]:
    """Write the export of projects; return its counts, and whether it is of one moment."""
    with context.snapshot(wanted=snapshot) as (store, is_snapshot):
        from projects_cli.endpoints.address import project_id
        from projects_cli.endpoints.hierarchy import shown_name
        from projects_cli.transfer.archive import ArchiveWriter
        from projects_cli.transfer.exports import Export, is_importable

        ids = [project_id(name, lambda: store) for name in projects]
        source = Export.of(store, ids, kinds)
        counts = source.counts()
        writer = ArchiveWriter(write)
        writer.begin(
            {
                "tool": f"projects-cli {__version__}",
                "company": context.settings.company,
                "database": context.target.name,
                "created": utc_now().isoformat(),
                "snapshot": is_snapshot,
                "roots": [shown_name(root) for root in source.roots],
                "with": [f"{kind}s" for kind in kinds],
                "counts": counts,
            }
        )
        total = sum(counts.values()) + 1  # others may add to it meanwhile
        refused = 0
        for done, (kind, raw) in enumerate(source.documents(), 1):
            writer.add(kind, raw)
            refused += not is_importable(kind, raw)
            if done % PER_UPDATE == 0:
                context.console.progress(min(done, total - 1), total)
        context.console.progress(total, total)
        writer.end()
    if refused:
        context.console.warn(f"import refuses this file: ids that are null, or not UTF-8 text: {refused}")
    counts = {"projects": 0, **dict.fromkeys((f"{kind}s" for kind in kinds), 0), **writer.counts}
    return {"snapshot": is_snapshot, "counts": counts}


def write_manifest(
    context: Context, projects: list[str], kinds: list[Kind], write: Callable[[bytes], object], *, snapshot: bool
) -> dict[str, Any]:
    """Write a manifest of projects without hidden ones; return their number, and whether all are of one moment."""
    with context.snapshot(wanted=snapshot) as (store, is_snapshot):
        from projects_cli.endpoints.address import project_id
        from projects_cli.manifests.comparison import as_manifest, is_describable
        from projects_cli.render import encode
        from projects_cli.transfer.exports import Export

        source = Export.of(store, [project_id(name, lambda: store) for name in projects], kinds)
        described = list(filter(is_describable, source.projects()))
    encode.write_value(as_manifest(described), "yaml", lambda text: write(text.encode()), pretty=True)
    return {"snapshot": is_snapshot, "counts": {"projects": len(described)}}
