"""The files of the private server: a folder that only its owner can enter, and a socket whose path is short enough.

A folder that belongs to another user, is open to others or is a symbolic link is refused; its mode is never changed.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from projects_cli.config.settings import absolute
from projects_cli.errors import NoPrivateServer
from projects_cli.private_files import APPLICATION, POSIX, blake2b, xdg_folder

if TYPE_CHECKING:
    from projects_cli.config.settings import Settings

LONGEST_SOCKET = 107 if sys.platform == "linux" else 103
"""Bytes that the kernel accepts as a socket's path: macOS and the BSDs have four fewer."""

SOCKET_NAME = "mongodb-27017.sock"

_PLAIN = re.compile(r"[A-Za-z0-9/._+@-]+")
"""Paths that `--bind_ip` and the member of a replica set accept unescaped: no comma, colon or space."""


class ServerPaths:
    """The files of one private server."""

    def __init__(self, folder: Path, socket: Path) -> None:
        """Name the files of a folder; nothing is read or created."""
        self.folder = folder
        self.socket = socket
        self.data = folder / "data"
        self.removed = folder / "removed"
        """Data that is being deleted."""
        self.log = folder / "mongod.log"
        self.start_log = folder / "start.log"
        """Output of the watchdog, and of mongod before it opens its log."""
        self.ready = folder / "ready"
        """The server that accepts commands: see `ready_file.py`."""
        self.running = folder / "running"
        """Locked by the watchdog and by mongod for their whole lives; contains mongod's process id."""
        self.in_use = folder / "in-use"
        """Locked (shared) by each command that uses the server, and exclusively while it stops because it was idle."""
        self.starting = folder / "starting"
        """Locked by the one command that starts or stops the server."""


def server_paths(settings: Settings) -> ServerPaths:
    """Return the paths of the server that the settings name; links to parent folders are resolved.

    The socket is beside the data, or in a short folder of our own if mongod or the kernel cannot use that path.

    Raises:
        NoPrivateServer: the system is Windows, or no folder has a path that is short and plain enough for a socket.
    """
    if not POSIX:
        raise NoPrivateServer(
            "the private database needs Linux or macOS", hint="name a database with PROJECTS_MONGO_URI, or use WSL"
        )
    environment = settings.environment
    default = Path(xdg_folder(environment, "XDG_DATA_HOME", ".local/share"), APPLICATION, "local")
    folder = absolute(settings.local_dir.expanduser() if settings.local_dir else default)
    # The folder itself may not be a link, so only its parents are resolved.
    folder = folder.parent.resolve() / folder.name if folder.name not in {"", ".."} else folder.resolve()
    short_name = f"{APPLICATION}-{os.geteuid()}-{blake2b(os.fsencode(folder)).hexdigest()[:16]}"
    bases = [environment.get("XDG_RUNTIME_DIR", ""), environment.get("TMPDIR", ""), "/tmp"]  # noqa: S108 - mode 0700
    others = [Path(base).resolve() / short_name for base in bases if Path(base).is_absolute() and Path(base).is_dir()]
    # The folder itself if possible: then everything of the server is in one place.
    for candidate in (folder, *others):
        socket = candidate / SOCKET_NAME
        if len(os.fsencode(socket)) <= LONGEST_SOCKET and _PLAIN.fullmatch(str(socket)):
            return ServerPaths(folder, socket)
    raise NoPrivateServer(
        f"no folder has a path that is short and plain enough for a socket ({LONGEST_SOCKET} bytes at most)",
        hint="name a shorter folder in PROJECTS_LOCAL_DIR",
    )


def make_private(path: Path) -> None:
    """Create a folder and its parents for this user alone, or check that the folder is private.

    Raises:
        NoPrivateServer: it is a link, not a folder, another user's, or open to others.
        OSError: it cannot be created.
    """
    missing = [folder for folder in (path, *path.parents) if not os.path.lexists(folder)]
    for folder in reversed(missing):
        # One by one: `parents=True` would create the parents with the mode of the umask.
        folder.mkdir(mode=0o700, exist_ok=True)
    information = path.lstat()
    faults = {
        "is a symbolic link": stat.S_ISLNK(information.st_mode),
        "is not a folder": not stat.S_ISDIR(information.st_mode),
        f"belongs to another user (uid {information.st_uid})": information.st_uid != os.geteuid(),
    }
    for fault, applies in faults.items():
        if applies:
            raise NoPrivateServer(f"{path} {fault}", hint="name another folder in PROJECTS_LOCAL_DIR")
    # Others who can enter could connect to the socket: there is no login.
    if information.st_mode & 0o077:
        mode = f"{stat.S_IMODE(information.st_mode):04o}"
        raise NoPrivateServer(f"{path} is open to others (mode {mode})", hint=f"chmod 700 {path}")
