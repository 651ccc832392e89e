"""The process that fetches names for the next TAB: `projects --fetch-names`. Nothing waits for it."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from projects_cli.cli.completion.names import MAX_PROJECTS, content, path_of
from projects_cli.cli.context import Context
from projects_cli.endpoints import address
from projects_cli.extended_json import compact, id_text
from projects_cli.local import server
from projects_cli.private_files import is_private, lock, open_lock, prune, replace
from projects_cli.render.escaping import escape
from projects_cli.render.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from projects_cli.messages import Document

TIMEOUT = 120
"""Seconds after which the process ends."""

MAX_FILES = 40
"""Names files and their locks. Every change of the settings leaves a pair behind, and the oldest are removed."""


def main() -> int:
    """Write the names file, and return the exit status. Nothing is printed."""
    signal.alarm(TIMEOUT)
    os.nice(10)
    try:
        path = Path(path_of(os.environ))
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Any number of shells may ask at once: the first that has the lock fetches for all.
        if is_private(path.parent.stat()) and lock(open_lock(f"{path}.lock")):
            context = Context(Streams.of_process())
            # A private database is not started for that.
            if context.target.uri is not None or server.status(context.settings)["running"]:
                watched = context.settings.uri_file
                values = names_by_kind(address.names(context.reading, MAX_PROJECTS))
                replace(str(path), content(values, None if watched is None else str(Path(watched).absolute())))
                prune(str(path.parent), ("names-",), MAX_FILES)
    except Exception:  # noqa: BLE001 - nothing reads a message; the next TAB tries again
        return 1
    return 0


def names_by_kind(projects: Iterable[Document]) -> Mapping[str, list[bytes]]:
    """Return names, ids with names, and tags. Hidden projects have neither name nor id here.

    A value that begins with a minus sign is left out, as it would be an option. Such a project is offered by its id.
    """
    names: list[str] = []
    ids: list[str] = []
    tags: set[str] = set()
    system_tags: set[str] = set()
    for project in projects:
        own_system_tags = _texts(project.get("system_tags"))
        tags.update(_texts(project.get("tags")))
        system_tags.update(own_system_tags)
        if "hidden" not in own_system_tags:
            names.extend(_texts(project.get("name")))
            ids.append(f"{id_text(project['_id'])}\t{escape(compact(project.get('name', '')))}")
    return {
        kind: [value.encode("utf-8", "replace") for value in values if value and not value.startswith("-")]
        for kind, values in {"projects": names, "ids": ids, "tags": tags, "system-tags": system_tags}.items()
    }


def _texts(value: object) -> list[str]:
    """Return the texts of a stored list, or a stored text; other types can't be typed as a name or a tag."""
    return [item for item in (value if isinstance(value, list) else [value]) if type(item) is str]
