"""Files that other users must not change: XDG folders, ownership checks, locks, atomic replacement.

What differs on Windows is here, too. Files have no owner and mode there that could be checked: those in a user's
profile are private by the access list of its folder.

Completion and the schema cache import this module at every start. It therefore loads nothing that the interpreter has
not loaded already: paths are strings (pathlib alone costs more than a whole answer), and `errors`, `fcntl` and
`tempfile` are imported by the functions that need them.
"""

# ruff: noqa: PTH105, PTH108, PTH111, PTH116, PTH117, PTH118, PTH120, PTH123, PTH208

from __future__ import annotations

import os
import stat
import time
from errno import EINVAL, EISDIR, EPERM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import IO, Any

    StrPath = str | os.PathLike[str]

APPLICATION = "projects-cli"

NEW = ".new-"
"""The prefix of a file's name while it is written."""

LONGEST_OWNED = 1 << 20
"""Bytes of a settings file or a URI file; a longer file is something else."""

_LOCK_PAUSE = 0.01

POSIX = hasattr(os, "geteuid")
"""Whether files have owners and modes, folders can be opened, and open files can be moved: not on Windows."""

_LOCKED_BYTE = 1 << 30
"""Windows locks ranges of bytes, which other processes can neither read nor write then. This one is in no file."""


def _flags(*names: str) -> int:
    """Return the flags of `os.open` of these names, without those that the system lacks."""
    return sum(getattr(os, name, 0) for name in names)


INHERITED_BY_NONE = _flags("O_CLOEXEC", "O_NOINHERIT", "O_BINARY")
"""Flags for every file: no child process inherits it, and Windows converts no line ends."""

_NO_LINK = _flags("O_NOFOLLOW")

_NO_WAIT = _flags("O_NONBLOCK")
"""Opening a pipe would block otherwise."""


# --- folders and digests ------------------------------------------------------------------------------------------


def xdg_folder(environment: Mapping[str, str], variable: str, default: str) -> str:
    """Return a folder of the XDG standard: the variable's value, else `default` below the home folder.

    The standard requires that a relative value is ignored. Windows has a folder for settings and one for other data.
    """
    value = environment.get(variable, "")
    if not (POSIX or os.path.isabs(value)):
        value = environment.get("APPDATA" if default == ".config" else "LOCALAPPDATA", "")
    home = environment.get("HOME") or "~"
    return value if os.path.isabs(value) else os.path.join(os.path.expanduser(home), default)


def cache_folder() -> str:
    """Return this program's cache folder for this user, whether it exists or not."""
    return os.path.join(xdg_folder(os.environ, "XDG_CACHE_HOME", ".cache"), APPLICATION)


def blake2b(data: bytes = b"") -> Any:
    """Return a BLAKE2b object of 32 bytes.

    Python's own SHA-256 needs nine times as long, and importing hashlib half as long as starting Python.
    """
    try:
        return __import__("_blake2").blake2b(data, digest_size=32)
    except ImportError:
        import hashlib  # an interpreter without that module

        return hashlib.blake2b(data, digest_size=32)


# --- ownership ----------------------------------------------------------------------------------------------------


def is_private(information: os.stat_result) -> bool:
    """Return whether no other user can write a file or folder."""
    if not POSIX:
        return True
    return information.st_uid == os.geteuid() and not information.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def open_private(path: str) -> int:
    """Open a regular file that no other user can have written or replaced, and return its descriptor.

    Raises:
        OSError: it cannot be opened, is a link, or it or its folder is not private.
    """
    if is_private(os.stat(os.path.dirname(path))):
        # The checks are of the open file, so none can take its place.
        descriptor = os.open(path, os.O_RDONLY | _NO_LINK | _NO_WAIT | INHERITED_BY_NONE)
        information = os.fstat(descriptor)
        if stat.S_ISREG(information.st_mode) and is_private(information):
            return descriptor
        os.close(descriptor)
    raise PermissionError(EPERM, "not private", path)


def read_owned(path: StrPath) -> tuple[bytes, os.stat_result, bool]:
    """Read a file that belongs to the user or to root; return content, status, and whether its mount is read-only.

    A file of another user must not redirect a change. Links are followed, since settings may be stored elsewhere:
    owner and mode are those of their target. All that is returned is of the same open file.

    Raises:
        ConfigError: the file cannot be read, or another user could have written it.
    """
    from projects_cli.errors import ConfigError

    try:
        with open(path, "rb") as stream:
            information = os.fstat(stream.fileno())
            on_read_only_mount = POSIX and bool(os.fstatvfs(stream.fileno()).f_flag & os.ST_RDONLY)
            # One byte more than allowed shows that a file is too long, without reading all of it.
            content = stream.read(LONGEST_OWNED + 1)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    # Root could change the file in any case.
    if POSIX and information.st_uid not in {os.geteuid(), 0}:
        raise ConfigError(
            f"{path} belongs to another user (uid {information.st_uid})",
            hint=f"change its owner: chown {os.geteuid()} {path}; or use options or variables instead",
        )
    # A pipe or a device, such as /dev/stdin, may have any mode.
    if POSIX and stat.S_ISREG(information.st_mode) and information.st_mode & 0o022 and not on_read_only_mount:
        writers = "all users" if information.st_mode & stat.S_IWOTH else f"its group (gid {information.st_gid})"
        raise ConfigError(f"{path} can be written by {writers}", hint=f"chmod go-w {path}")
    if len(content) > LONGEST_OWNED:
        raise ConfigError(f"{path} is too long for a settings file: over {LONGEST_OWNED} bytes")
    return content, information, on_read_only_mount


def check_secret(
    path: StrPath, information: os.stat_result, alternatives: str = "", *, on_read_only_mount: bool
) -> str | None:
    """Check that only its owner can read a file with a URI; return a warning if only its mount protects it.

    An orchestrator mounts a secret read-only, with mode 0444 or 0440, which nothing in the container can change.
    The hint ends with `alternatives`.

    Raises:
        ConfigError: other users can read the file, and its mode could be changed.
    """
    if not (POSIX and information.st_mode & 0o077):
        return None
    if on_read_only_mount:
        mode = f"{stat.S_IMODE(information.st_mode):04o}"
        return f"{path} holds a URI and can be read by others (mode {mode}, on a read-only mount)"
    from projects_cli.errors import ConfigError

    # Others cannot change the mode: advice that fails would not help.
    chmod = f"chmod 600 {path}" if os.geteuid() in {information.st_uid, 0} else ""
    raise ConfigError(
        f"{path} holds a URI and can be read by others", hint="; ".join(filter(None, (chmod, alternatives)))
    )


# --- reading and writing ------------------------------------------------------------------------------------------


def read_regular(path: str, limit: int) -> bytes:
    """Return at most `limit` bytes of a regular file.

    A schema may include any path: a pipe would block for ever, and opening a device can have effects of its own. So
    the type is checked before the file is opened, and again afterwards.

    Raises:
        OSError: the file cannot be read, or is not a regular file.
        ValueError: the path contains a NUL.
    """
    _check_regular(path, os.stat(path))
    handle = os.open(path, os.O_RDONLY | INHERITED_BY_NONE | _NO_WAIT)
    with open(handle, "rb") as file:
        _check_regular(path, os.fstat(handle))
        return file.read(limit) or b""  # None: some files of /proc have nothing to read yet


def _check_regular(path: str, information: os.stat_result) -> None:
    if stat.S_ISDIR(information.st_mode):
        raise IsADirectoryError(EISDIR, "Is a directory", path)
    if not stat.S_ISREG(information.st_mode):
        raise OSError(EINVAL, "not a regular file", path)


def create(folder: StrPath, content: bytes, mode: int = 0o600, *, suffix: str = "", durable: bool = False) -> str:
    """Write a new file into a folder and return its path; `durable` waits until it is on the disk."""
    import tempfile

    handle, path = tempfile.mkstemp(dir=folder, prefix=NEW, suffix=suffix)  # mode 0600, whatever the umask is
    try:
        with open(handle, "wb") as file:
            file.write(content)
            file.flush()
            # Before the file has its name: it is never readable by others for a moment.
            if POSIX:
                os.fchmod(handle, mode)
            if durable:
                os.fsync(handle)
    except BaseException:
        os.unlink(path)
        raise
    return path


def replace(path: StrPath, content: bytes, mode: int = 0o600, *, durable: bool = False) -> None:
    """Replace a file in one step, so that no reader ever sees half of it."""
    new = create(os.path.dirname(path), content, mode, durable=durable)
    try:
        os.replace(new, path)
    except OSError:
        os.unlink(new)
        raise


def move_open(file: IO[bytes], path: StrPath, target: StrPath) -> None:
    """Move an open file in one step, and wait until its name is on the disk.

    It keeps its lock meanwhile, except on Windows, which moves closed files only, and has no such wait.
    """
    if not POSIX:
        file.close()
    os.replace(path, target)
    sync_folder(os.path.dirname(target))


def sync_folder(folder: StrPath) -> None:
    """Wait until the names in a folder are on the disk, if the system can."""
    if POSIX:
        descriptor = os.open(folder, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def prune(folder: str, prefixes: tuple[str, ...], keep: int) -> None:
    """Remove the oldest of the files whose names have one of the prefixes, until `keep` of them are left."""

    def modified(path: str) -> float:
        try:
            return os.stat(path).st_mtime
        except OSError:  # another process has removed it
            return 0.0

    paths = [os.path.join(folder, name) for name in os.listdir(folder) if name.startswith(prefixes)]
    for path in sorted(paths, key=modified)[:-keep]:
        try:
            os.unlink(path)
        except FileNotFoundError:
            continue


# --- locks --------------------------------------------------------------------------------------------------------


def open_lock(path: StrPath) -> int:
    """Open a lock file and return its descriptor; the file is created if needed, and a link is not followed."""
    return os.open(path, os.O_RDWR | os.O_CREAT | _NO_LINK | INHERITED_BY_NONE, 0o600)


def open_folder_lock(folder: StrPath) -> int:
    """Open a folder to lock it, and return its descriptor; on Windows a file in it stands for the folder."""
    if POSIX:
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    return open_lock(os.path.join(folder, ".lock"))


def lock(descriptor: int, *, shared: bool = False, timeout: float = 0.0) -> bool:
    """Lock an open file or folder; return False if another process still holds the lock after `timeout` seconds.

    The kernel releases the lock when the descriptor is closed, so also when its process is killed.
    """
    deadline = time.monotonic() + timeout
    while not (_lock_now(descriptor, shared=shared) if POSIX else _lock_byte_now(descriptor)):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_LOCK_PAUSE)
    return True


def _lock_now(descriptor: int, *, shared: bool) -> bool:
    import fcntl

    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_byte_now(descriptor: int) -> bool:
    """Lock as Windows can: exclusively. Only the private server, which it does not have, shares locks."""
    msvcrt = __import__("msvcrt")
    position = os.lseek(descriptor, 0, os.SEEK_CUR)
    os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
    try:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    except OSError:
        return False
    finally:
        os.lseek(descriptor, position, os.SEEK_SET)
    return True


def remove_unlocked(path: StrPath) -> None:
    """Remove a file unless another process has it locked."""
    try:
        descriptor = open_lock(path)
        try:
            is_unlocked = lock(descriptor)
            if POSIX and is_unlocked:
                os.unlink(path)
        finally:
            os.close(descriptor)
        if is_unlocked and not POSIX:  # Windows removes closed files only
            os.unlink(path)
    except OSError:
        return  # it is not ours, or gone
