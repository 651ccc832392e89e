"""The import budget: the modules that each kind of command may load, by name. Nothing is timed."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from tests.worlds.site import Site

ROOT = Path(__file__).parents[2]
OWN = "projects_cli"

AS_INSTALLED = """
import os, sys
left, end = os.open(sys.argv.pop(1), os.O_WRONLY | os.O_CREAT), os._exit
os._exit = lambda status: (os.write(left, " ".join(sys.modules).encode()), end(status))
from projects_cli.__main__ import main
main()
"""
"""Runs the program as pip's launcher does, and writes the names of all loaded modules to a file at its end."""


def _environment(**variables: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **variables}


@cache
def _loaded_by(code: str) -> frozenset[str]:
    """Return the modules that an interpreter has loaded after a line of Python."""
    command = [sys.executable, "-c", f"{code}; import sys; print(*sys.modules)"]
    return frozenset(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def _packages(names: set[str] | frozenset[str]) -> set[str]:
    """Return the packages of modules, without the standard library."""
    return {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {OWN}


class Loaded(NamedTuple):
    """What a command loaded beyond the bare interpreter: own modules, other packages, and the standard library's.

    What a package brings along stands under that package's name.
    """

    own: set[str]
    packages: set[str]
    standard: set[str]


def loaded(folder: Path, *arguments: str, status: int = 0, **variables: str) -> Loaded:
    """Run a command line as a user does; what Typer loads anyway is not counted as the standard library's."""
    left = folder / "modules"
    command = [sys.executable, "-c", AS_INSTALLED, str(left), *arguments]
    result = subprocess.run(command, env=_environment(**variables), capture_output=True, text=True, check=False)
    assert result.returncode == status, result.stderr
    names = set(left.read_text().split()) - _loaded_by("pass")
    own = {name.removeprefix(f"{OWN}.") for name in names - {f"{OWN}.__main__"} if name.startswith(f"{OWN}.")}
    packages = _packages(names)
    for package in packages & {"typer", "pymongo"}:
        packages -= _packages(_loaded_by(f"import {package}")) - {package}
    standard = {name for name in names if name.partition(".")[0] in sys.stdlib_module_names}
    return Loaded(own, packages, standard - _loaded_by("import typer"))


START = {
    *(
        "cli",
        "cli.app",
        "cli.commands",
        "cli.exceptions",
        "cli.help_format",
        "cli.options",
        "cli.registry",
        "cli.context",
    ),
    *("config", "config.resolution", "config.settings", "errors", "extended_json", "messages", "private_files"),
    *("render", "render.console", "render.escaping", "render.streams"),
}
"""Modules of every command."""

HELP = {"config.redaction"}
FLOW = {
    "cli.flow",
    "cli.request",
    "endpoints",
    "render.encode",
    "render.project_columns",
    "render.output",
    "render.views",
}
SCHEMA = {"schema", "schema.cache", "schema.model", "schema.refs", "schema.shipped"}
SCHEMA |= {"schema.validate"}


class Budget(NamedTuple):
    """What a kind of command may load: modules of its own, packages, and how many more of the standard library."""

    own: set[str]
    packages: set[str]
    standard: int = 8


def _command(name: str, *more: str) -> set[str]:
    return {f"cli.commands.{name}", *more}


WITHOUT_DATABASE: dict[tuple[str, ...], Budget] = {
    ("--version",): Budget(set(), set(), 1),
    ("--help",): Budget({"cli", "cli.root_help"}, set(), 1),
    (): Budget({"cli", "cli.root_help"}, set(), 1),
    ("list", "--help"): Budget(START | HELP | FLOW | _command("list_", "cli.project_filters", "cli.watch"), {"typer"}),
    ("delete", "-h"): Budget(START | HELP | FLOW | _command("delete", "cli.removing", "cli.project_picker"), {"typer"}),
    ("help", "output"): Budget(START | HELP | _command("help_"), {"typer"}),
    ("completion", "bash"): Budget(START | FLOW | SCHEMA | _command("completion"), {"typer"}),
    ("config", "list"): Budget(
        START | FLOW | _command("config", "config.connection", "config.redaction", "config.server_variables"),
        {"typer"},
    ),
    ("report", "--help"): Budget(START | HELP | FLOW | _command("report", "render.target"), {"typer"}),
    ("schema", "create"): Budget(START | FLOW | SCHEMA | _command("schema", "schema.shipped.create__2_12"), {"typer"}),
}
"""Commands that need no MongoDB, and their budgets."""

REFUSED: dict[tuple[str, ...], Budget] = {
    ("list", "--nmae"): Budget(
        START | FLOW | HELP | _command("list_", "cli.project_filters", "cli.watch"), {"typer"}, 12
    ),
    ("list", "--page", "-1"): Budget(
        START | FLOW | SCHEMA | _command("list_", "cli.project_filters", "cli.watch", "schema.shipped.get_all__2_27"),
        {"typer"},
    ),
    ("list", "--page", "-1", "--json"): Budget(
        START | FLOW | SCHEMA | _command("list_", "cli.project_filters", "cli.watch", "schema.shipped.get_all__2_27"),
        {"typer", "orjson"},
        14,
    ),
}
"""Command lines that are refused before a database is used."""

READING = {"config.connection", "config.redaction", "endpoints.catalog", "endpoints.fields", "endpoints.hierarchy"}
READING |= {
    "endpoints.ordering",
    "endpoints.selection",
    "store",
    "store.client",
    "store.collections",
    "store.bson_codec",
    "store.driver_errors",
    "store.filters",
    "store.reading",
}
READING |= {"store.uri"}
READING |= {"store.index_match"}
DRIVER = {"typer", "pymongo", "orjson"}

ON_A_DATABASE: dict[tuple[str, ...], Budget] = {
    ("get", "PROJECT", "--json"): Budget(
        START | FLOW | SCHEMA | READING | _command("get", "endpoints.address", "schema.shipped.get_by_id__2_1"),
        DRIVER,
        999,
    ),
    ("list", "--json"): Budget(
        START
        | FLOW
        | SCHEMA
        | READING
        | _command("list_", "cli.project_filters", "cli.watch", "schema.shipped.get_all__2_27"),
        DRIVER,
        999,
    ),
    ("list", "-o", "tsv"): Budget(
        START
        | FLOW
        | SCHEMA
        | READING
        | _command("list_", "cli.project_filters", "cli.watch", "schema.shipped.get_all__2_27"),
        DRIVER - {"orjson"},
        999,
    ),
}
"""Commands that read; what the driver takes of the standard library is not ours to count."""


def over(found: Loaded, budget: Budget) -> dict[str, object]:
    """Return what was loaded beyond a budget."""
    more = {"own": found.own - budget.own, "packages": found.packages - budget.packages}
    if len(found.standard) > budget.standard:
        more["standard"] = found.standard
    return {kind: sorted(names) for kind, names in more.items() if names}


@pytest.mark.parametrize("arguments", WITHOUT_DATABASE, ids=" ".join)
def test_a_command_without_a_database_stays_in_its_budget(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert over(loaded(tmp_path, *arguments), WITHOUT_DATABASE[arguments]) == {}


@pytest.mark.parametrize("arguments", REFUSED, ids=" ".join)
def test_a_refused_command_line_stays_in_its_budget(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert over(loaded(tmp_path, *arguments, status=2), REFUSED[arguments]) == {}


@pytest.mark.parametrize("arguments", ON_A_DATABASE, ids=" ".join)
def test_a_reading_command_stays_in_its_budget(site: Site, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    project = site.project("vision")
    given = [project if word == "PROJECT" else word for word in arguments]
    found = loaded(tmp_path, *given, PROJECTS_MONGO_URI=site.server.uri, PROJECTS_DATABASE=site.name)
    assert "pymongo" in found.packages
    assert over(found, ON_A_DATABASE[arguments]) == {}


def test_the_budget_would_show_what_is_too_much() -> None:
    found = Loaded({"cli", "runner"}, {"typer", "rich"}, {"json", "ssl"})
    assert over(found, Budget({"cli"}, {"typer"}, 1)) == {
        "own": ["runner"],
        "packages": ["rich"],
        "standard": ["json", "ssl"],
    }
