"""A global option that a command does not use is refused; one that it uses, or a variable, is accepted."""

from __future__ import annotations

import pytest
import typer

from projects_cli.cli.app import app
from projects_cli.cli.options import GLOBAL_OPTIONS, USED_BY
from projects_cli.cli.registry import COMMANDS
from tests.worlds.site import USER, Site

ID = "0123456789abcdef0123456789abcdef"
COMMAND_LINES: dict[str, tuple[str, ...]] = {
    "list": ("list",),
    "get": ("get", ID),
    "create": ("create", "audio", "-d", "x"),
    "update": ("update", ID),
    "delete": ("delete", ID),
    "validate-delete": ("validate-delete", ID),
    "rename": ("rename", ID, "new name"),
    "move": ("move", ID, "audio"),
    "lint": ("lint",),
    "prune": ("prune", "--empty"),
    "merge": ("merge", ID, "--top-level"),
    "make-public": ("make-public", ID),
    "make-private": ("make-private", ID),
    "export": ("export",),
    "import": ("import", "-"),
    "diff": ("diff", "-f", "-"),
    "apply": ("apply", "-f", "-"),
    "edit": ("edit", ID),
    "copy": ("copy", ID, "--to-profile", "lab"),
    "tree": ("tree",),
    "contents": ("contents", ID),
    "activity": ("activity",),
    "stats": ("stats",),
    "top": ("top",),
    "report": ("report",),
    "metrics": ("metrics",),
    "hyperparams": ("hyperparams",),
    "task-tags": ("task-tags",),
    "hyperparam-values": ("hyperparam-values", "Args", "lr"),
    "model-metadata-keys": ("model-metadata-keys",),
    "model-metadata-values": ("model-metadata-values", "accuracy"),
    "task-parents": ("task-parents",),
    "users": ("users",),
    "model-tags": ("model-tags",),
    "project-tags": ("project-tags",),
    "tags list": ("tags", "list"),
    "tags rename": ("tags", "rename", "one", "two"),
    "tags merge": ("tags", "merge", "one", "--into", "two"),
    "tags add": ("tags", "add", "one", "--project", ID),
    "tags remove": ("tags", "remove", "one"),
    "undo": ("undo", "x"),
    "redo": ("redo", "x"),
    "resume": ("resume",),
    "history": ("history",),
    "history show": ("history", "show", "x"),
    "history prune": ("history", "prune", "--older-than", "1d"),
    "doctor": ("doctor", "--only", "tags-null"),
    "doctor --fix": ("doctor", "--fix", "--only", "tags-null"),
    "indexes plan": ("indexes", "plan"),
    "indexes create": ("indexes", "create", "projects_cli_statistics"),
    "call": ("call", "create", "--data", '{"name": "audio", "description": "x"}'),
    "batch": ("batch", "-"),
    "schema": ("schema",),
    "status": ("status",),
    "config list": ("config", "list"),
    "config get": ("config", "get", "quiet"),
    "config set": ("config", "set", "quiet", "true"),
    "config unset": ("config", "unset", "quiet"),
    "config path": ("config", "path"),
    "config edit": ("config", "edit"),
    "profile list": ("profile", "list"),
    "profile use": ("profile", "use", "lab"),
    "profile show": ("profile", "show", "lab"),
    "local start": ("local", "start"),
    "local stop": ("local", "stop"),
    "local status": ("local", "status"),
    "local reset": ("local", "reset"),
    "local path": ("local", "path"),
    "local sample": ("local", "sample"),
    "completion": ("completion", "bash"),
    "help": ("help", "list"),
}
"""Every command with what it needs."""

VALUES = {
    "user": USER,
    "confirm": "vision",
    "lock_wait": "1s",
    "journal_db": "another_journal",
    "company": "another-company",
    "timeout": "10s",
    "read_preference": "primary",
    "api_version": "999.0",
    "schema": "schema/projects.conf",
    "uri_file": "nowhere",
}
FLAGS = {option.setting: option for option in GLOBAL_OPTIONS if option.setting in USED_BY}


@pytest.fixture
def site(site: Site) -> Site:
    site.project("vision", _id=ID)
    return site


def flag_of(site: Site, setting: str) -> tuple[str, ...]:
    """Return the option with a value that can be used."""
    option = FLAGS[setting]
    values = {**VALUES, "uri": site.server.uri, "database": site.name}
    return (option.flags[0],) if option.constant is not None else (option.flags[0], values[setting])


def test_the_table_has_every_command() -> None:
    root = typer.main.get_command(app)
    context = typer.Context(root)
    names = {"doctor --fix", "history"}
    for entry in COMMANDS:
        below = getattr(root.get_command(context, entry.name), "commands", {})  # type: ignore[attr-defined]
        names |= {f"{entry.name} {name}" for name in below} or {entry.name}
    assert names == set(COMMAND_LINES)
    assert set().union(*USED_BY.values()) <= names


def test_every_command_of_an_endpoint_chooses_its_database_and_version() -> None:
    of_endpoints = {entry.name for entry in COMMANDS if entry.endpoint}
    assert {"list", "validate-delete"} <= of_endpoints
    for setting in ("uri", "database", "company", "timeout", "api_version"):
        assert of_endpoints <= USED_BY[setting]


@pytest.mark.parametrize("command", COMMAND_LINES)
def test_an_option_is_refused_by_exactly_the_commands_that_do_not_use_it(site: Site, command: str) -> None:
    before = site.everything()
    for setting, users in USED_BY.items():
        flag = flag_of(site, setting)
        expected = command in users or command in {"config list", "config get"}
        if expected and setting == "uri_file":  # beside the URI that the tests have
            continue
        for words in ((*COMMAND_LINES[command], *flag), (*flag, *COMMAND_LINES[command])):
            result = site(*words, "--dry-run", stdin="")
            refused = f"does not use {flag[0]}" in result.stderr
            assert refused is not expected, (words, result.stderr)
            assert not refused or (result.exit_code, result.stdout) == (2, "")
    assert site.everything() == before


@pytest.mark.parametrize(
    "words", [("--user", "x", "list"), ("projects.get_all", "--user", "x"), ("history", "--user", "x")], ids=" ".join
)
def test_the_error_names_the_option_and_the_commands_that_use_it(site: Site, words: tuple[str, ...]) -> None:
    error = site.error(*words, status=2)
    assert "does not use --user" in error["message"]
    assert error["hint"].endswith(f"used by: {', '.join(sorted(USED_BY['user']))}")
    assert USED_BY["user"] >= {"batch", "call", "create", "delete"}


def test_call_uses_user_only_for_endpoints_with_an_owner(site: Site) -> None:
    assert "projects.get_all does not use --user" in site.error("call", "get_all", "--user", USER, status=2)["message"]


def test_batch_and_call_refuse_confirm_since_they_never_prompt(site: Site) -> None:
    data = f'{{"project": "{ID}", "force": true}}'
    for name in ("vision", "wrong"):
        assert "--confirm" in site.error("call", "delete", "--data", data, "--confirm", name, status=2)["message"]
        line = f'{{"endpoint": "delete", "params": {data}}}'
        assert "--confirm" in site.error("batch", "-", "--confirm", name, status=2, stdin=line)["message"]


def test_a_variable_is_never_refused(site: Site) -> None:
    variables = {"PROJECTS_USER": USER, "PROJECTS_CONFIRM": "vision", "PROJECTS_LOCK_WAIT": "1s"}
    for command in (("list",), ("history",), ("schema",), ("config", "path")):
        assert site(*command, **variables).exit_code == 0


@pytest.mark.parametrize("flags", [("--yes",), ("--dry-run",), ("--read-only",), ("--no-input",), ("-q", "--no-color")])
def test_options_for_all_commands_are_accepted_by_every_command(site: Site, flags: tuple[str, ...]) -> None:
    for command in (("list",), ("get", ID), ("history",), ("schema",), ("config", "list"), ("completion", "bash")):
        assert site(*command, *flags).exit_code == 0
