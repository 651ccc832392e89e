"""Why a mongod that was started ended at once, as an error message."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from projects_cli.errors import NoPrivateServer
from projects_cli.local import watchdog
from projects_cli.local.mongod_binary import ALTERNATIVE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from projects_cli.local.paths import ServerPaths

NOT_LOADED = frozenset({watchdog.NOT_RUN, 127})
"""Exit statuses of a program that never ran: the system refused the file, or its loader missed a library."""

SEVERE = frozenset({"F", "E"})
"""MongoDB's severities of a failure: fatal, error."""

TAIL = 100_000
"""Bytes at the end of a log that are read."""

DISK_FULL = "free space on that disk, or name a folder on another one in PROJECTS_LOCAL_DIR"
OTHER_VERSION = "the data is another version's: name that mongod in PROJECTS_MONGOD, or projects local reset"
HINTS = {
    "No space left": DISK_FULL,
    "Disk quota": DISK_FULL,
    "UPGRADE PROBLEM": OTHER_VERSION,
    "featureCompatibility": OTHER_VERSION,
    "Permission denied": "check the owner of the files in that folder",
}

PACKAGES: Mapping[str, str] = {
    "libcurl.so.4": "libcurl4",
    "libssl.so.3": "libssl3",
    "libcrypto.so.3": "libssl3",
    "liblzma.so.5": "liblzma5",
}
"""Debian's package for each library that the bundled mongod needs."""


def explained(paths: ServerPaths, mongod: Path, status: int) -> NoPrivateServer:
    """Return the error for a mongod that ended with this status instead of serving."""
    if status not in NOT_LOADED:
        return from_log(paths, f"mongod ended with status {status}")
    output = " ".join(_tail(paths.start_log).split())[-400:] or f"exit status {status}"
    # The words of the dynamic loader, which runs before mongod can log anything.
    missing = re.search(r"loading shared libraries: ([^:\s]+):", output)
    if missing and missing[1] in PACKAGES:
        hint = f"sudo apt-get install {PACKAGES[missing[1]]}"
    elif missing:
        hint = f"install the package that has {missing[1]} (Debian: apt-file search {missing[1]}), {ALTERNATIVE}"
    elif "Exec format error" in output:
        hint = f"the file is for another type of machine; name a mongod for this one in PROJECTS_MONGOD, {ALTERNATIVE}"
    else:
        hint = f"name a mongod that runs on this machine in PROJECTS_MONGOD, {ALTERNATIVE}"
    return NoPrivateServer(f"{mongod} can't start: {output}", hint=hint)


def from_log(paths: ServerPaths, message: str) -> NoPrivateServer:
    """Return the error for a mongod that has ended, with the reason from its log."""
    # The log of this run is the best source; before it is opened, only the output exists. Later failures follow from
    # the first one.
    last_run = _tail(paths.log).rpartition("***** SERVER RESTARTED *****")[2]
    entries = [entry for entry in map(_entry, last_run.splitlines()) if entry.get("s") in SEVERE]
    failure = next(filter(_details, entries), entries[0] if entries else {})
    reason = " ".join(f"{failure.get('msg', '')}: {_details(failure)}".strip(": ").split())[:400]
    # `try '… --help' for more information` is not a reason.
    lines = [line for line in _tail(paths.start_log).splitlines() if not line.startswith("try '")]
    if lines and not reason:
        entry = _entry(lines[-1])
        reason = " ".join(str(part) for part in (entry.get("msg"), _details(entry)) if part) or lines[-1][:400]
    reason = reason or "it logged nothing"
    hint = next((hint for words, hint in HINTS.items() if words in reason), f"its log: {paths.log}")
    return NoPrivateServer(f"{message}: {reason} (log: {paths.log})", hint=hint)


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            # The end of a log is enough, and a log may be large.
            stream.seek(max(0, path.stat().st_size - TAIL))
            return stream.read().decode(errors="replace").strip()
    except OSError:
        return ""


def _entry(line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def _details(entry: dict[str, Any]) -> str:
    """Return the reason in a log entry: a text, or the texts of a document (WiredTiger's, a command's)."""
    attributes = entry.get("attr") or {}
    reason = next(filter(None, map(attributes.get, ("message", "error", "reason", "errorMessage"))), "")
    if not isinstance(reason, dict):
        return str(reason)
    parts = [str(reason[name]) for name in ("errmsg", "msg", "error_str") if reason.get(name)]
    return ": ".join(parts) or str(reason)
