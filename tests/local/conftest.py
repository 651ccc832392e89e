"""A private server for one test, in a short folder of its own; it is killed when the test ends."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from projects_cli import process_identity
from projects_cli.config.resolution import resolve
from projects_cli.local import server
from tests import servers
from tests.conftest import isolate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from projects_cli.config.settings import Settings

USE = """
import os, sys, time
from pathlib import Path
from projects_cli.config.resolution import resolve
from projects_cli.local import server
print(server.ensure(resolve({"local_idle": float(sys.argv[1])}, os.environ, Path("/"))), flush=True)
time.sleep(float(sys.argv[2]))
"""


@dataclass
class Private:
    """One private server: used by this process, or by others."""

    folder: Path

    def settings(self, **flags: Any) -> Settings:
        return resolve({"local_dir": self.folder, "mongod": servers.MONGOD, **flags}, os.environ, Path("/"))

    def used_elsewhere(self, idle: float = 900, seconds: float = 0) -> subprocess.Popen[str]:
        """Start a command that uses the server for some seconds; it prints the URI."""
        environment = {**os.environ, "PROJECTS_LOCAL_DIR": str(self.folder), "PYTHONPATH": os.pathsep.join(sys.path)}
        environment |= {"PROJECTS_MONGOD": servers.MONGOD} if servers.MONGOD else {}
        return subprocess.Popen(
            [sys.executable, "-c", USE, str(idle), str(seconds)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def use(self, idle: float = 900) -> str:
        """Run a command that uses the server and ends; return the URI."""
        with self.used_elsewhere(idle) as command:
            out, err = command.communicate()
        assert command.returncode == 0, err
        return out.strip()

    def status(self) -> dict[str, Any]:
        return server.status(self.settings())


@pytest.fixture
def short_folder() -> Iterator[Path]:
    with _short_folder() as folder:
        yield folder


@pytest.fixture
def private(short_folder: Path) -> Private:
    """Provide a server that is not running yet; `folder` may be changed by the test."""
    return Private(short_folder / "local")


@pytest.fixture(scope="module")
def shared() -> Iterator[Private]:
    """Provide a server that runs, for tests that only look at it. It was started by a careless user.

    The umask let others read everything, and the environment had a password.
    """
    with _short_folder() as folder, pytest.MonkeyPatch.context() as patch:
        isolate(folder / "home", patch)
        patch.setenv("PROJECTS_MONGO_URI", "mongodb://u:geheim@host")
        private = Private(folder / "local")
        umask = os.umask(0)
        try:
            private.use()
        finally:
            os.umask(umask)
        patch.undo()
        yield private


@contextmanager
def _short_folder() -> Iterator[Path]:
    """Yield a folder with a short path; every server on data in it is killed afterwards, and its watchdog."""
    folder = servers.new_folder()
    try:
        yield folder
    finally:
        for pid in processes_with(f"--dbpath={folder}/"):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + servers.TIMEOUT
        while processes_with(f"--dbpath={folder}/") and time.monotonic() < deadline:
            time.sleep(0.01)
        shutil.rmtree(folder, ignore_errors=True)


def processes_with(start: str) -> list[int]:
    """Return the process ids of every process with an argument that starts like this."""
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
    return [pid for pid in pids if any(word.startswith(start) for word in process_identity.arguments(pid))]
