"""A private server for one test, in a short folder of its own; it is stopped when the test ends."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from projects_cli.config.resolution import resolve
from projects_cli.local import server
from tests import servers

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
    folder = Path(tempfile.mkdtemp(prefix="pl-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def private(short_folder: Path) -> Iterator[Private]:
    """Provide a server that is not running yet; `folder` may be changed by the test."""
    one = Private(short_folder / "local")
    yield one
    if one.folder.joinpath("in-use").exists() and one.folder.owner() == short_folder.owner():
        server.stop(one.settings())
