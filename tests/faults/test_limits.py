"""Scarce resources: descriptors, memory, disk; and signals at random moments."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.changes.processes import ROOT, command, large, run, settings_of
from tests.faults.ending import after_fault
from tests.worlds.world import BEFORE, DETECTOR, Content, World, world_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.servers import Server

DELETE = ("delete", DETECTOR["_id"], "--force")
SIGNALS = int(os.environ.get("PROJECTS_TEST_ROUNDS", "3")) * 2


def limited(world: World, limit: int, value: int, *arguments: str, stdin: str = "") -> tuple[int, str]:
    """Run a command that may have only so much of something; gives its status and what it wrote."""

    def restrict() -> None:
        resource.setrlimit(limit, (value, value))

    environment = {**os.environ, "PYTHONPATH": str(ROOT), **settings_of(world)}
    done = subprocess.run(
        [sys.executable, "-m", "projects_cli", *arguments],
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=restrict,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def world(standalone: Server) -> Iterator[World]:
    with world_on(standalone, BEFORE) as made:
        yield made


@pytest.fixture
def after(world: World) -> Content:
    assert run(world, *DELETE)[0] == 0
    content = world.dump()
    assert run(world, "undo", "--yes")[0] == 0
    return content


@pytest.mark.parametrize("descriptors", [4, 6, 7, 8, 10])
def test_few_descriptors(world: World, after: Content, descriptors: int) -> None:
    status, said = limited(world, resource.RLIMIT_NOFILE, descriptors, *DELETE, "--timeout", "1s")
    if "Fatal Python error" in said:  # the interpreter itself did not start
        assert world.dump() == BEFORE
        return
    after_fault(world, status, said, BEFORE, after, Random(descriptors))


@pytest.mark.parametrize("megabytes", [40, 80, 200])
def test_little_memory(world: World, after: Content, megabytes: int) -> None:
    """Python itself may not even start with the least of these; whatever happens, nothing is lost."""
    status, said = limited(world, resource.RLIMIT_AS, megabytes << 20, *DELETE, "--timeout", "2s")
    found = world.dump()
    if "projects" in said or status == 0:
        assert found in (BEFORE, after) or world.interrupted()
    if world.interrupted():
        assert run(world, "undo", "--yes")[0] == 0
        assert world.dump() == BEFORE
    else:
        assert found in (BEFORE, after)


# --- signals ----------------------------------------------------------------------------------------------------------


def test_signals_at_random_moments(standalone: Server, record_property: Callable[[str, object], None]) -> None:
    content = large(3_000)
    random = Random(5)
    ends: dict[str, int] = {}
    with world_on(standalone, content) as world:
        began = time.monotonic()
        assert run(world, *DELETE)[0] == 0
        took = time.monotonic() - began
        after = world.dump()
        assert run(world, "undo", "--yes")[0] == 0
        for _ in range(SIGNALS):
            number = random.choice((signal.SIGINT, signal.SIGTERM))
            with command(world, *DELETE) as process:
                time.sleep(random.uniform(0.1, took * 1.1))
                process.send_signal(number)
                shown, said = process.communicate(timeout=60)
            if process.returncode in {-signal.SIGINT, -signal.SIGTERM}:  # before the program could take it
                assert world.dump() == content
                continue
            expected = {signal.SIGINT: 130, signal.SIGTERM: 143}[number]
            assert process.returncode in {0, expected} or "KeyboardInterrupt" in said, said
            if "KeyboardInterrupt" in said:  # while Python itself was starting
                assert world.dump() == content
                continue
            ended = after_fault(world, process.returncode, shown + said, content, after, random)
            ends[ended] = ends.get(ended, 0) + 1
    record_property("ends", ends)


# --- a full disk ------------------------------------------------------------------------------------------------------


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """Yield a disk of a few megabytes, if this user can create one."""
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(["mount", *options], capture_output=True, check=False).returncode:
        pytest.skip("a small disk needs root and mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("output", ["table", "json", "yaml"])
def test_an_export_to_a_full_disk_is_told(world: World, output: str) -> None:
    with Path("/dev/full").open("w") as full:
        process = subprocess.run(
            [sys.executable, "-m", "projects_cli", "list", "-o", output],
            env={**os.environ, "PYTHONPATH": str(ROOT), **settings_of(world)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert process.returncode == 1
    assert "No space left on device: writing the output" in process.stderr
    assert process.stderr.count("\n") == 1


@pytest.mark.parametrize("limit", ["quota", "disk"])
def test_a_cache_that_can_not_be_written_is_done_without(world: World, tmp_path: Path, limit: str) -> None:
    schema = tmp_path / "own.conf"
    schema.write_text((ROOT / "schema" / "projects.conf").read_text())
    if limit == "quota":
        status, said = limited(world, resource.RLIMIT_FSIZE, 1000, "list", "--schema", str(schema))
    else:
        with small_disk(tmp_path / "disk", 1) as disk:
            (disk / "filler").write_bytes(b"x" * ((1 << 20) - 8192))
            status, said = run(world, "list", "--schema", str(schema), XDG_CACHE_HOME=str(disk))
            left = [path for path in disk.rglob("*schema*") if path.is_file()]
            assert not left
    assert status in {0, 2}, said
    assert "unexpected" not in said
    assert "Traceback" not in said


def test_a_named_file_that_can_not_be_written_fails_and_leaves_nothing(world: World, tmp_path: Path) -> None:
    artifacts = {f"a{number}": {"mode": "output", "uri": f"file:///{number:0100}"} for number in range(100)}
    world.documents["task"].update_many({}, {"$set": {"execution": {"artifacts": artifacts}}})
    before = world.dump()
    file = tmp_path / "file"
    for words in (
        ("export", "--with", "tasks", "--to", str(file)),
        ("report", "--html", str(file)),
        (*DELETE, "--delete-contents", "--user", "owner", "--urls-file", str(file)),
    ):
        status, said = limited(world, resource.RLIMIT_FSIZE, 1000, *words)
        assert (status, f"cannot write '{file}': File too large" in said) == (1, True), said
        assert "resume" not in said
        assert (file.exists(), world.dump()) == (False, before)
