"""What stands for /proc on systems without it: the same answers about processes, and a private server that works."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from projects_cli import proc_filesystem, process_identity, process_library
from projects_cli.local import server
from tests.servers import answers

if TYPE_CHECKING:
    from tests.local.conftest import Private

SLEEP = [sys.executable, "-c", "print(flush=True); input()", "--a=b c", ""]
"""Its line says that it runs: just before, the kernel knows the process, but not its arguments yet."""


@pytest.fixture
def by_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have this process look at processes as macOS does."""
    monkeypatch.setattr(process_identity, "processes", process_library)


def test_the_library_knows_of_processes_what_proc_does() -> None:
    with subprocess.Popen(SLEEP, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"\n"
        pid = process.pid
        born = process_library.start_time(pid)
        assert born is not None
        assert born == process_library.start_time(pid) != process_library.start_time(os.getpid())
        assert process_library.is_visible(pid)
        assert process_library.exists(pid) is True is proc_filesystem.exists(pid)
        assert process_library.arguments(pid) == SLEEP == proc_filesystem.arguments(pid)[: len(SLEEP)]
        process.kill()
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        # It has ended, and is not waited for yet.
        assert process_library.start_time(pid) is None is proc_filesystem.start_time(pid)
    assert process_library.start_time(pid) is None
    assert not process_library.is_visible(pid)
    assert process_library.exists(pid) is False is proc_filesystem.exists(pid)
    assert process_library.arguments(pid) == []
    assert process_library.boot() == process_library.boot() != ""


@pytest.mark.usefixtures("by_library")
def test_a_lease_is_taken_over_only_from_a_dead_process() -> None:
    own = process_identity.process()
    assert process_identity.is_this_process(own)
    assert not process_identity.is_dead(own)
    assert process_identity.is_dead({**own, "born": "1.0"}), "another process has its id now"
    assert not process_identity.is_dead({**own, "machine": "elsewhere/1/host"})


@pytest.mark.usefixtures("by_library")
def test_a_private_server_starts_is_found_and_stops(private: Private) -> None:
    uri = server.ensure(private.settings())
    assert answers(uri)
    first = private.status()
    assert server.ensure(private.settings()) == uri
    assert private.status()["pid"] == first["pid"]
    assert server.stop(private.settings()) is True
    assert private.status()["running"] is False
