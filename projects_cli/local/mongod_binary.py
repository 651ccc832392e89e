"""Which `mongod` the private server runs, and why one does not start."""

from __future__ import annotations

import os
import re
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from projects_cli.errors import NoPrivateServer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from projects_cli.config.settings import Settings

OTHERWISE = "or name a database with PROJECTS_MONGO_URI"

HOW_TO_GET = (
    "pip install 'projects-cli[local]' brings one (Linux, x86-64); MongoDB's packages for Debian, Ubuntu, RHEL and "
    f"others have one too (mongod on PATH, or its path in PROJECTS_MONGOD); {OTHERWISE}"
)

PACKAGES: Mapping[str, str] = {
    "libcurl.so.4": "libcurl4",
    "libssl.so.3": "libssl3",
    "libcrypto.so.3": "libssl3",
    "liblzma.so.5": "liblzma5",
}
"""Debian's package for each library that the bundled mongod asks for."""

_MISSING_LIBRARY = re.compile(r"loading shared libraries: (?P<library>[^:\s]+):")


def find(chosen: str | None, search_path: str | None = None) -> Path:
    """Give the mongod to run: the one that was named, else the `local` extra's, else the one on PATH.

    Raises:
        NoPrivateServer: there is none, or the one that was named can't be run.
    """
    if chosen:
        return _named(chosen, search_path)
    found = bundled() or shutil.which("mongod", path=search_path)
    if not found:
        raise NoPrivateServer("no database is named, and there is no mongod for a private one", hint=HOW_TO_GET)
    return Path(found)


def find_for(settings: Settings) -> Path:
    """Give the mongod that these settings mean; raises as `find` does."""
    return find(settings.mongod, settings.environment.get("PATH"))


def bundled() -> Path | None:
    """Give the binary of the `local` extra, without importing its package (which may run the whole of fiftyone)."""
    spec = find_spec("fiftyone")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        binary = Path(folder, "db", "bin", "mongod")
        if binary.is_file() and os.access(binary, os.X_OK):
            return binary
    return None


def _named(chosen: str, search_path: str | None) -> Path:
    """Give the path of the mongod that a person named, by a path or by a command's name."""
    found = shutil.which(Path(chosen).expanduser(), path=search_path)
    if found:
        return Path(found).absolute()
    path = Path(chosen).expanduser()
    fault = "is a folder" if path.is_dir() else "may not be executed" if path.exists() else "is not there"
    raise NoPrivateServer(f"PROJECTS_MONGOD: {chosen} {fault}", hint=f"name an executable mongod, {OTHERWISE}")


def cannot_start(binary: Path, words: str) -> NoPrivateServer:
    """Give the error for a binary that the system did not even load; `words` is what the loader said."""
    said = " ".join(words.split())[-400:]
    missing = _MISSING_LIBRARY.search(said)
    return NoPrivateServer(f"{binary} can't start: {said}", hint=_hint(missing["library"] if missing else None, said))


def _hint(library: str | None, said: str) -> str:
    """Say what installs the library that is missing, as far as it is known."""
    if library is not None:
        if library in PACKAGES:
            return f"sudo apt-get install {PACKAGES[library]}"
        return f"install the package that has {library} (Debian: apt-file search {library}), {OTHERWISE}"
    if "Exec format error" in said:
        return f"that file is for another kind of machine; name a mongod for this one in PROJECTS_MONGOD, {OTHERWISE}"
    return f"name a mongod that runs here in PROJECTS_MONGOD, {OTHERWISE}"
