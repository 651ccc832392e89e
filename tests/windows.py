"""The program as Windows would run it, on Linux: `python -m tests.windows ARGUMENTS`.

All that Python lacks on Windows is really absent before the program is imported. Windows refuses to open folders, and
to move or remove open files; so do the functions here. Only `msvcrt.locking`, which Windows has instead of `fcntl`, is
made here, of locks of byte ranges.
"""

from __future__ import annotations

import errno
import fcntl
import getpass
import importlib
import os
import platform
import signal
import socket
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

ABSENT_MODULES = ("fcntl", "pwd", "grp", "termios", "tty", "pty", "resource", "syslog", "_posixshmem", "crypt", "nis")
ABSENT = {
    os: (
        *("getuid", "geteuid", "getgid", "getegid", "getgroups", "fchmod", "fchown", "chown", "lchown", "uname"),
        *("fork", "forkpty", "setsid", "killpg", "getpgrp", "getpgid", "getsid", "nice", "posix_spawn", "posix_spawnp"),
        *("POSIX_SPAWN_OPEN", "fstatvfs", "statvfs", "ST_RDONLY", "pread", "pwrite", "confstr", "sysconf", "fchdir"),
        *("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_DIRECTORY", "O_NOCTTY", "O_SYNC", "WNOHANG", "set_blocking"),
        *("getloadavg", "mkfifo", "mknod", "openpty", "ttyname", "tcgetpgrp", "ctermid", "lockf", "fdatasync", "sync"),
    ),
    signal: (
        *("SIGPROF", "SIGALRM", "SIGHUP", "SIGKILL", "SIGTSTP", "SIGCHLD", "SIGPIPE", "SIGQUIT", "SIGWINCH", "SIGUSR1"),
        *("setitimer", "getitimer", "ITIMER_PROF", "ITIMER_REAL", "alarm", "pause", "sigwait", "pthread_sigmask"),
    ),
    socket: ("AF_UNIX", "socketpair"),
}
LIBRARIES = (
    *("asyncio", "multiprocessing", "shutil", "ssl", "subprocess", "tempfile", "webbrowser"),
    *("psutil", "pymongo.pool_options", "rich.console", "typer.main", "yaml", "tomlkit", "pygal"),
)
"""Libraries that ask which system they are on when they are imported: they are to see the real one."""


def become() -> None:
    """Take away from this process what Windows lacks."""
    for name in LIBRARIES:
        importlib.import_module(name)
    platform.uname()
    getpass.getuser()
    _refuse_open_files()
    for module, names in ABSENT.items():
        for twin in (module, sys.modules.get("posix") if module is os else sys.modules.get(f"_{module.__name__}")):
            for name in names:
                if hasattr(twin, name):
                    delattr(twin, name)
    for name in ABSENT_MODULES:
        sys.modules[name] = None  # type: ignore[assignment] # the import fails then
    sys.modules["msvcrt"] = _locks()
    sys.platform = "win32"


def _locks() -> Any:
    """Return the module `msvcrt` with its locks, which exclude other processes from one byte at the file's position."""
    module: Any = ModuleType("msvcrt")
    module.LK_NBLCK = 2

    def locking(descriptor: int, mode: int, count: int) -> None:
        assert mode == module.LK_NBLCK
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, count, 0, os.SEEK_CUR)
        except BlockingIOError as error:
            raise PermissionError(errno.EACCES, "Permission denied") from error

    module.locking = locking
    return module


def _refuse_open_files() -> None:
    real_open, kill = os.open, os.kill

    def is_open(path: Any) -> bool:
        wanted = os.path.realpath(os.fsdecode(path))
        return any(os.path.realpath(link) == wanted for link in Path("/proc/self/fd").iterdir())

    def refusing(name: str) -> Any:
        function = getattr(os, name)

        def call(path: Any, *arguments: Any, **options: Any) -> Any:
            if is_open(path) or any(is_open(other) for other in arguments):
                raise PermissionError(errno.EACCES, "Permission denied", path)
            return function(path, *arguments, **options)

        return call

    def open_file(path: Any, flags: int, *arguments: Any, **options: Any) -> int:
        if Path(os.fsdecode(path)).is_dir():
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return real_open(path, flags, *arguments, **options)

    def kill_only(pid: int, number: int) -> None:
        assert number, "Windows sends Ctrl-C for 0"
        kill(pid, number)

    for name in ("replace", "rename", "unlink", "remove"):
        setattr(os, name, refusing(name))
    os.open, os.kill = open_file, kill_only


if __name__ == "__main__":
    become()
    from projects_cli.__main__ import main

    main()
