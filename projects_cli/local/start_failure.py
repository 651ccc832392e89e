"""Why a mongod that was started ended at once, in words for people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from projects_cli.errors import NoPrivateServer
from projects_cli.local import mongod_binary, watchdog

if TYPE_CHECKING:
    from pathlib import Path

    from projects_cli.local.paths import Place

NOT_LOADED = frozenset({watchdog.NOT_RUN, 127})
"""Exit statuses of a program that never ran: the system refused the file, or its loader missed a library."""

BAD = frozenset({"F", "E"})
"""MongoDB's severities of a fault: fatal, error."""

TAIL = 100_000
"""Bytes at the end of a log that are looked at."""

HINTS = {
    "No space left": "make room on that disk, or name a folder on another one in PROJECTS_LOCAL_DIR",
    "Disk quota": "make room on that disk, or name a folder on another one in PROJECTS_LOCAL_DIR",
    "UPGRADE PROBLEM": "the data is another version's: name that mongod in PROJECTS_MONGOD, or projects local reset",
    "featureCompatibility": "the data is another version's: name that mongod in PROJECTS_MONGOD, "
    "or projects local reset",
    "Permission denied": "check who owns the files in that folder",
}


def explained(place: Place, mongod: Path, status: int) -> NoPrivateServer:
    """Give the error for a mongod that ended with this status instead of serving."""
    said = _tail(place.start_log)
    if status in NOT_LOADED:
        return mongod_binary.cannot_start(mongod, said or f"exit status {status}")
    if status == watchdog.ANOTHER:
        return NoPrivateServer("another server of this folder is just starting or stopping", hint="try again")
    return ended(place, f"mongod ended with status {status}")


def ended(place: Place, fault: str) -> NoPrivateServer:
    """Give the error for a mongod that is gone, with the reason from its log."""
    reason = _reason(_tail(place.log)) or _last_line(_tail(place.start_log)) or "it said nothing"
    hint = next((hint for words, hint in HINTS.items() if words in reason), f"its log: {place.log}")
    return NoPrivateServer(f"{fault}: {reason} (log: {place.log})", hint=hint)


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - TAIL))
            return stream.read().decode(errors="replace").strip()
    except OSError:
        return ""


def _reason(log: str) -> str:
    """Give what the last run's first fault says (the later ones follow from it), from MongoDB's JSON log."""
    last_run = log.rpartition("***** SERVER RESTARTED *****")[2]
    entries = [entry for entry in map(_entry, last_run.splitlines()) if entry.get("s") in BAD]
    telling = [entry for entry in entries if _details(entry)] or entries
    if not telling:
        return ""
    words = f"{telling[0].get('msg', '')}: {_details(telling[0])}".strip(": ")
    return " ".join(words.split())[:400]


def _entry(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _details(entry: dict[str, Any]) -> str:
    """Give the part of a log entry that says why: its error, or whatever else it names."""
    attributes = entry.get("attr") or {}
    for name in ("message", "error", "reason", "errorMessage"):
        if attributes.get(name):
            return _words(attributes[name])
    return ""


def _words(found: Any) -> str:
    """Give the text of an error: itself, or the telling parts of a document (WiredTiger's, a command's)."""
    if not isinstance(found, dict):
        return str(found)
    parts = [str(found[name]) for name in ("errmsg", "msg", "error_str") if found.get(name)]
    return ": ".join(parts) or str(found)


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if not line.startswith("try '")]  # '… --help' for more information
    if not lines:
        return ""
    entry = _entry(lines[-1])
    return " ".join(str(part) for part in (entry.get("msg"), _details(entry)) if part) or lines[-1][:400]
