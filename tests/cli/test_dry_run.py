"""`--dry-run` with every command that changes anything: nothing is changed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from projects_cli import endpoints
from projects_cli.cli.registry import COMMANDS
from tests.worlds.site import COMPANY, Site, empty_site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Cli
    from tests.servers import Server

ROOT = Path(__file__).parents[2]
CLI = ROOT / "projects_cli" / "cli"
CREATE = '{"name": "audio", "description": "x"}'
CASES: dict[str, tuple[str, ...]] = {
    "create": ("create", "audio", "-d", "x"),
    "update": ("update", "vision", "--name", "sight", "--add-tag", "a"),
    "delete": ("delete", "vision", "--force"),
    "delete, several": ("delete", "vision", "newest", "--force"),
    "rename": ("rename", "vision", "sight"),
    "move": ("move", "newest", "vision/new place"),
    "merge": ("merge", "newest", "vision", "--yes"),
    "prune": ("prune", "--name", "newest", "--force", "--yes"),
    "make-public": ("make-public", "vision"),
    "make-private": ("make-private", "shown"),
    "call": ("call", "create", "--data", CREATE),
    "batch": ("batch", "-"),
    "tags rename": ("tags", "rename", "old", "new", "--yes"),
    "tags merge": ("tags", "merge", "old", "--into", "new", "--yes"),
    "tags add": ("tags", "add", "new", "--project", "vision", "--yes"),
    "tags remove": ("tags", "remove", "old", "--yes"),
    "doctor --fix": ("doctor", "--fix", "--yes"),
    "indexes create": ("indexes", "create", "--yes"),
    "import": ("import", "-", "--into", "copies", "--on-conflict", "rename", "--yes"),
    "apply": ("apply", "-f", "-", "--yes"),
    "edit": ("edit", "vision", "--yes"),
    "copy": ("copy", "vision", "--to-profile", "toy", "--into", "copies", "--on-conflict", "rename", "--yes"),
    "undo": ("undo", "--yes"),
    "redo": ("redo", "--yes"),
    "resume": ("resume",),
    "history prune": ("history", "prune", "--older-than", "0.01", "--yes"),
    "config set": ("config", "set", "timeout", "7s"),
    "config unset": ("config", "unset", "profile"),
    "config edit": ("config", "edit"),
    "profile use": ("profile", "use", "toy"),
    "completion --install": ("completion", "bash", "--install"),
}
"""A command line for each command that changes anything, by its words in the registry."""

ELSEWHERE = {f"local {word}": "tests/local/test_local_dry_run.py" for word in ("start", "stop", "reset", "sample")}
"""Commands that need another database than a server's, and the file of their tests."""

CHANGING = {f"{entry.name} {word}".strip() for entry in COMMANDS for word in entry.changes}
WRITES = re.compile(r"\b(perform|import_archive|apply_manifest|DocumentChange|change_file)\(")
POLICY = re.compile(r"\.(dry_run|read_only|production)\b")
"""Reads of the settings that only the policy function may decide by."""

DISPLAYS = {"flow.py", "context.py", "request.py", "commands/status.py"}
"""Modules that may read them: the policy itself, and those that only show them or choose the form of a response."""


def test_every_changing_command_has_a_case() -> None:
    assert {name.partition(",")[0] for name in CASES} | ELSEWHERE.keys() == CHANGING
    for name, file in ELSEWHERE.items():
        assert f'"{name.partition(" ")[2]}", "--' in (ROOT / file).read_text(encoding="utf-8") or name == "local reset"


def test_the_registry_has_every_command_that_can_change_anything() -> None:
    for entry in COMMANDS:
        text = (CLI / "commands" / f"{entry.module}.py").read_text(encoding="utf-8")
        generic = entry.endpoint in endpoints.CHANGES or entry.name in {"call", "batch"}  # they run any endpoint
        assert bool(WRITES.search(text) or generic) == bool(entry.changes), entry.name


def test_only_the_policy_function_decides_by_the_settings_about_changes() -> None:
    for file in CLI.rglob("*.py"):
        if str(file.relative_to(CLI)) not in DISPLAYS:
            assert not POLICY.search(file.read_text(encoding="utf-8")), file


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Provide a configuration with two profiles."""
    path = tmp_path / "home" / ".config" / "projects" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text('profile = "lab"\n[profiles.lab]\n[profiles.toy]\n')
    return path


@pytest.fixture(autouse=True)
def _editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Provide an editor that changes a setting, or the description of a project."""
    editor = tmp_path / "editor"
    change = 'sed -i "s/description: .*/description: new/" "$1"'
    editor.write_text(f'#!/bin/sh\ncase "$1" in *.yaml) {change};; *) echo "timeout = 5" > "$1";; esac\n')
    editor.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(editor))


@pytest.fixture
def site(standalone: Server, cli: Cli, config: Path) -> Iterator[Site]:
    """Provide a site with something to change for each command."""
    with empty_site(standalone, cli) as site:
        site.task(site.project("vision/deep"), system_tags=["archived"])
        site.project("shown", company="", company_origin=COMPANY)
        site.project("crooked", path=["nowhere"], tags=["old"])
        site.json("create", "newest", "-d", "x")
        yield site


def everything(site: Site, config: Path) -> tuple[Any, ...]:
    """Return the digests of all databases, the journal's too, the indexes, and the user's files but for caches."""
    client = site.server.client
    digests = {
        name: client[name].command("dbHash")["collections"]
        for name in client.list_database_names()
        if name not in {"admin", "config", "local"}
    }
    indexes = {name: sorted(site.documents[name].index_information()) for name in ("project", "task", "model")}
    home = config.parents[2]
    files = {path: path.read_bytes() for path in home.rglob("*") if path.is_file() and ".cache" not in path.parts}
    return digests, indexes, files


DATABASE = [name for name in CASES if name.split()[0] not in {"config", "profile", "completion"}]
"""Commands that change a database: read-only mode is not about settings."""


def prepare(site: Site, name: str) -> None:
    """Leave an interrupted operation for `resume`, and an undone one for `redo`."""
    if name == "copy":
        site.text("config", "set", "profiles.toy.uri", site.server.uri)
        site.text("config", "set", "profiles.toy.database", site.name)
    if name == "redo":
        site.json("undo", "--yes")
    if name == "resume":
        journal = site.server.client["projects_cli"]["operation"]
        journal.update_many({"database": site.name}, {"$set": {"state": "applied"}})


def stdin_of(site: Site, name: str) -> str:
    """Return what a command reads: an export, or a request."""
    if name == "import":
        return site.text("export", "vision", "-q")
    return "projects: [{name: fresh}]" if name == "apply" else f'{{"endpoint": "create", "params": {CREATE}}}'


@pytest.mark.parametrize("name", DATABASE)
def test_read_only_mode_changes_nothing(site: Site, config: Path, name: str) -> None:
    prepare(site, name)
    before = everything(site, config)
    line = stdin_of(site, name)
    refused = site(*CASES[name], "--read-only", stdin=line)
    assert refused.exit_code == (5 if name == "batch" else 4), refused.stderr
    assert everything(site, config) == before
    assert site(*CASES[name], "--read-only", "--dry-run", stdin=line).exit_code == 0
    assert everything(site, config) == before


@pytest.mark.parametrize("name", CASES)
def test_a_dry_run_changes_nothing(site: Site, config: Path, name: str) -> None:
    prepare(site, name)
    before = everything(site, config)
    line = stdin_of(site, name)
    dry = site(*CASES[name], "--dry-run", stdin=line)
    assert (dry.exit_code, bool(dry.stdout + dry.stderr)) == (0, True), dry.stderr
    assert everything(site, config) == before
    wet = site(*CASES[name], stdin=line)
    assert wet.exit_code in ({0, 6} if name == "doctor --fix" else {0}), wet.stderr
    assert everything(site, config) != before, "the command changes nothing"


@pytest.mark.parametrize(
    "words",
    [("export", "--to"), ("export", "--as-manifest", "--to"), ("report", "--clobber", "--html")],
    ids=" ".join,
)
def test_a_dry_run_of_what_only_reads_writes_no_file(site: Site, tmp_path: Path, words: tuple[str, ...]) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("precious")
    for file in (old, new):
        result = site(*words, str(file), "--dry-run")
        assert (result.exit_code, "would export" in result.stderr or "no file was written" in result.stderr) == (
            0,
            True,
        )
    assert (old.read_text(), new.exists()) == ("precious", False)
