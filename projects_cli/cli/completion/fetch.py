"""The names for the next TAB: `projects --fetch-names`, a process of its own that nobody waits for."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from projects_cli.cli.completion.names import MAX_PROJECTS, content, path_of
from projects_cli.cli.context import Context
from projects_cli.config.connection import database_uri
from projects_cli.endpoints import address
from projects_cli.extended_json import compact, id_text
from projects_cli.local import server
from projects_cli.private_files import is_private, lock, open_lock, prune, replace
from projects_cli.render.escaping import escape
from projects_cli.render.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from projects_cli.messages import Document

LIMIT = 120
"""Seconds after which the process ends, whatever it waits for."""

KEPT_FILES = 20


def main() -> int:
    """Fetch the names and keep them; gives the exit status. Says nothing, whatever goes wrong."""
    signal.alarm(LIMIT)
    os.nice(10)
    try:
        path = Path(path_of(os.environ))
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if is_private(path.parent.stat()) and lock(open_lock(f"{path}.lock")):
            fetch(Context(Streams.of_process()), path)
    except Exception:  # noqa: BLE001 - nobody is there to be told; the next TAB tries again
        return 1
    return 0


def fetch(context: Context, path: Path) -> None:
    """Write the file of names of the database that the settings mean; a private one is not started for that."""
    if database_uri(context.settings) is None and not server.status(context.settings)["running"]:
        return
    watched = context.settings.uri_file
    found = sections(address.names(context.reading, MAX_PROJECTS))
    replace(str(path), content(found, None if watched is None else str(Path(watched).absolute())))
    prune(str(path.parent), ("names-",), 2 * KEPT_FILES)  # every change of the settings leaves one behind


def sections(projects: Iterable[Document]) -> Mapping[str, list[bytes]]:
    """Give the records of each section: names and tags, and ids with their names; hidden projects have none.

    What begins with a minus sign would be an option where it stands; such a project is named by its id.
    """
    names: list[str] = []
    ids: list[str] = []
    tags: dict[str, set[str]] = {"tags": set(), "system-tags": set()}
    for one in projects:
        system_tags = _texts(one.get("system_tags"))
        tags["tags"].update(_texts(one.get("tags")))
        tags["system-tags"].update(system_tags)
        if "hidden" not in system_tags:
            names.extend(_texts(one.get("name")))
            ids.append(f"{id_text(one['_id'])}\t{escape(compact(one.get('name', '')))}")
    found = {"projects": names, "ids": ids, **tags}
    return {
        section: [value.encode("utf-8", "replace") for value in values if value and not value.startswith("-")]
        for section, values in found.items()
    }


def _texts(value: object) -> list[str]:
    """Return the texts of a stored list, or a stored text; only those can be typed as a name or a tag."""
    return [item for item in (value if isinstance(value, list) else [value]) if type(item) is str]
