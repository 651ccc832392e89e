"""`--dry-run` with every command that changes anything: nothing is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from projects_cli.cli.registry import COMMANDS
from tests.worlds.site import COMPANY, Site, empty_site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Cli
    from tests.servers import Server

CREATE = '{"name": "audio", "description": "x"}'
CHANGING: dict[str, tuple[str, ...]] = {
    "create": ("create", "audio", "-d", "x"),
    "update": ("update", "vision", "--name", "sight", "--add-tag", "a"),
    "delete": ("delete", "vision", "--force"),
    "delete several": ("delete", "vision", "newest", "--force"),
    "make-public": ("make-public", "vision"),
    "make-private": ("make-private", "shown"),
    "call": ("call", "create", "--data", CREATE),
    "batch": ("batch", "-"),
    "doctor": ("doctor", "--fix", "--yes"),
    "indexes": ("indexes", "create", "--yes"),
    "undo": ("undo", "--yes"),
    "history": ("history", "prune", "--older-than", "0.01", "--yes"),
    "config set": ("config", "set", "timeout", "7s"),
    "config unset": ("config", "unset", "profile"),
    "config": ("config", "edit"),
    "profile": ("profile", "use", "toy"),
}
ELSEWHERE = {
    "resume": "tests/changes/test_lease.py",
    "local": "tests/local/test_local_dry_run.py",
    "completion": "writes a file of the shell's",
}
LOOKING = {"list", "get", "metrics", "hyperparams", "task-tags", "model-tags", "status", "schema", "help"}


def test_no_command_was_forgotten() -> None:
    assert {entry.name for entry in COMMANDS} == LOOKING | {name.split()[0] for name in CHANGING} | ELSEWHERE.keys()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Provide a configuration with two profiles."""
    path = tmp_path / "home" / ".config" / "projects" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text('profile = "lab"\n[profiles.lab]\n[profiles.toy]\n')
    return path


@pytest.fixture
def site(standalone: Server, cli: Cli, config: Path) -> Iterator[Site]:
    """Provide a site with something to change for each command."""
    with empty_site(standalone, cli) as site:
        site.task(site.project("vision/deep"), system_tags=["archived"])
        site.project("shown", company="", company_origin=COMPANY)
        site.project("crooked", path=["nowhere"])
        site.json("create", "newest", "-d", "x")
        yield site


def everything(site: Site, config: Path) -> tuple[Any, ...]:
    """Return the digests of all databases, the journal's too, the indexes and the settings."""
    client = site.server.client
    digests = {
        name: client[name].command("dbHash")["collections"]
        for name in client.list_database_names()
        if name not in {"admin", "config", "local"}
    }
    indexes = {name: sorted(site.documents[name].index_information()) for name in ("project", "task", "model")}
    return digests, indexes, config.read_bytes()


DATABASE = [name for name in CHANGING if name.split()[0] not in {"config", "profile"}]
"""Commands that change a database: read-only mode is not about settings."""


@pytest.mark.parametrize("name", DATABASE)
def test_read_only_mode_changes_nothing(site: Site, config: Path, name: str) -> None:
    before = everything(site, config)
    line = f'{{"endpoint": "create", "params": {CREATE}}}'
    refused = site(*CHANGING[name], "--read-only", stdin=line)
    assert refused.exit_code == (5 if name == "batch" else 4), refused.stderr
    assert everything(site, config) == before
    assert site(*CHANGING[name], "--read-only", "--dry-run", stdin=line).exit_code == 0
    assert everything(site, config) == before


@pytest.mark.parametrize("name", CHANGING)
def test_a_dry_run_changes_nothing(site: Site, config: Path, tmp_path: Path, name: str) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\necho "timeout = 5" > "$1"\n')
    editor.chmod(0o755)
    before = everything(site, config)
    line = f'{{"endpoint": "create", "params": {CREATE}}}'
    dry = site(*CHANGING[name], "--dry-run", stdin=line, EDITOR=str(editor))
    assert (dry.exit_code, bool(dry.stdout + dry.stderr)) == (0, True), dry.stderr
    assert everything(site, config) == before
    wet = site(*CHANGING[name], stdin=line, EDITOR=str(editor))
    assert wet.exit_code in ({0, 6} if name == "doctor" else {0}), wet.stderr
    assert everything(site, config) != before, "it is no change that was tried"
