"""Where the private server lives: a folder that only its owner can enter, and a socket whose path is short enough.

A folder that is somebody else's, open to others or a symbolic link is refused; its mode is never changed.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from projects_cli.config.settings import absolute
from projects_cli.errors import NoPrivateServer
from projects_cli.private_files import APPLICATION, xdg_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from projects_cli.config.settings import Settings

LONGEST_SOCKET = 107
"""Bytes that the kernel takes as a socket's path."""

SOCKET_NAME = "mongodb-27017.sock"

_PLAIN = re.compile(r"[A-Za-z0-9/._+@-]+")
"""Paths that `--bind_ip` and a replica set's member take as they are: no comma, no colon, no space."""


@dataclass(frozen=True, slots=True)
class Place:
    """The files of one private server."""

    folder: Path
    socket: Path

    @property
    def data(self) -> Path:
        """Where mongod keeps its data."""
        return self.folder / "data"

    @property
    def removed(self) -> Path:
        """Data that is being deleted."""
        return self.folder / "removed"

    @property
    def log(self) -> Path:
        """What mongod logs."""
        return self.folder / "mongod.log"

    @property
    def start_log(self) -> Path:
        """What the watcher, and mongod before it has its log, say."""
        return self.folder / "start.log"

    @property
    def ready(self) -> Path:
        """The record of a server that takes commands; see `record.py`."""
        return self.folder / "ready"

    @property
    def in_use(self) -> Path:
        """Locked (shared) by every command while it uses the server, and exclusively while it stops for idleness."""
        return self.folder / "in-use"

    @property
    def starting(self) -> Path:
        """Locked by the one command that starts or stops the server."""
        return self.folder / "starting"

    @property
    def watcher(self) -> Path:
        """Locked by the watcher for its whole life; holds its process id."""
        return self.folder / "watcher"


def place_of(settings: Settings) -> Place:
    """Give the place that the settings mean; nothing is made or looked into.

    Raises:
        NoPrivateServer: no folder has a path that is short enough for a socket.
    """
    folder = _folder(settings.local_dir, settings.environment)
    return Place(folder, _socket(folder, settings.environment))


def _folder(chosen: Path | None, environment: Mapping[str, str]) -> Path:
    """Give the folder; links above it are followed, the folder itself may not be one."""
    data = xdg_folder(environment, "XDG_DATA_HOME", ".local/share")
    path = absolute(Path(chosen).expanduser() if chosen else Path(data, APPLICATION, "local"))
    return path.parent.resolve() / path.name if path.name not in {"", ".."} else path.resolve()


def _socket(folder: Path, environment: Mapping[str, str]) -> Path:
    """Give the first path for the socket that mongod can take: beside the data, else in a short folder of our own."""
    for candidate in _socket_folders(folder, environment):
        socket = candidate / SOCKET_NAME
        if len(os.fsencode(socket)) <= LONGEST_SOCKET and _PLAIN.fullmatch(str(socket)):
            return socket
    raise NoPrivateServer(
        f"there is no folder whose path is short and plain enough for a socket ({LONGEST_SOCKET} bytes at most)",
        hint="name a shorter folder in PROJECTS_LOCAL_DIR",
    )


def _socket_folders(folder: Path, environment: Mapping[str, str]) -> Iterator[Path]:
    yield folder
    from hashlib import sha256  # needed only for a path that is too long

    name = f"projects-cli-{os.geteuid()}-{sha256(os.fsencode(folder)).hexdigest()[:16]}"
    for base in (environment.get("XDG_RUNTIME_DIR"), environment.get("TMPDIR"), "/tmp"):  # noqa: S108 - checked, 0700
        if base and os.path.isabs(base) and os.path.isdir(base):  # noqa: PTH117, PTH112
            yield Path(base).resolve() / name


def make_private(path: Path) -> None:
    """Make a folder (and those above it) that only its owner can enter, or check that it is one.

    Raises:
        NoPrivateServer: it is a link, no folder, another user's, or open to others.
        OSError: it can't be made.
    """
    if not os.path.lexists(path):
        _make(path)
    check_private(path)


def _make(path: Path) -> None:
    if not path.parent.exists():
        _make(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)


def check_private(path: Path) -> None:
    """Refuse a folder that others may look into or own; raises as `make_private` does."""
    found = path.lstat()
    faults = {
        "is a symbolic link": stat.S_ISLNK(found.st_mode),
        "is not a folder": not stat.S_ISDIR(found.st_mode),
        f"belongs to another user (uid {found.st_uid})": found.st_uid != os.geteuid(),
    }
    for fault, holds in faults.items():
        if holds:
            raise NoPrivateServer(f"{path} {fault}", hint="name another folder in PROJECTS_LOCAL_DIR")
    if found.st_mode & 0o077:
        mode = f"{stat.S_IMODE(found.st_mode):04o}"
        raise NoPrivateServer(f"{path} is open to others (mode {mode})", hint=f"chmod 700 {path}")
