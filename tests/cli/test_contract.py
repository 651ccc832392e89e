"""Structure: imports between packages, names, and that every endpoint and parameter has its command and option."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer

from projects_cli import endpoints, errors
from projects_cli.cli.app import app
from projects_cli.cli.options import GLOBAL_OPTIONS
from projects_cli.cli.registry import COMMANDS
from projects_cli.config.settings import BY_NAME
from projects_cli.errors import STATUS_MEANINGS, ExitStatus, ProjectsError, ServiceError
from projects_cli.render.views import VIEWS
from projects_cli.schema.cache import load

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parents[2]
PACKAGE = HERE / "projects_cli"

MAY_IMPORT: dict[str, set[str]] = {
    "cli": {
        *(
            "schema",
            "endpoints",
            "changes",
            "diagnosis",
            "inspection",
            "transfer",
            "manifests",
            "render",
            "config",
            "local",
            "cli",
        ),
    },
    "schema": {"schema"},
    "endpoints": {"store", "endpoints"},
    "store": {"store"},
    "changes": {"store", "changes"},
    "diagnosis": {"store", "changes", "diagnosis"},
    "inspection": {"store", "endpoints", "inspection"},
    "transfer": {"store", "endpoints", "transfer"},
    "manifests": {"store", "endpoints", "schema", "manifests"},
    "render": {"render"},
    "local": {"config", "store", "local"},
    "config": {"config"},
}
"""The table of docs/architecture.md (Packages). Every package may also import `errors`, `messages` and itself."""

OWNERS: dict[str, set[str]] = {
    "typer": {"cli"},
    "pyhocon": {"schema"},
    "fastjsonschema": {"schema"},
    "pymongo": {"store"},
    "bson": {"store"},
    "rich": {"render"},
    "tomlkit": {"config"},
    "humanize": {"render"},
    "jmespath": {"render"},
    "prompt_toolkit": {"render"},
    "pygal": {"render"},
}
BUILDER = PACKAGE / "cli" / "context.py"
FREE = {"errors", "messages", "extended_json", "limits", "private_files", "process_identity", "__version__"}
FREE |= {"proc_filesystem", "process_library"}

WAITING_ENDPOINTS: set[str] = set()
"""Endpoints of the schema that this program does not implement yet."""


def imports_of(file: Path) -> Iterator[tuple[str, bool]]:
    """Yield every module that a file imports, and whether only for its types."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    typed = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in typed) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((f"{node.module}.{alias.name}", id(node) in typed) for alias in node.names)


def package_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0]


SOURCES = sorted(
    file for package in MAY_IMPORT for file in (PACKAGE / package).rglob("*.py") if "shipped" not in file.parts
)


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_package_imports_only_what_the_table_allows(file: Path) -> None:
    package = package_of(file)
    for module, typed in imports_of(file):
        parts = module.split(".")
        if parts[0] in OWNERS:
            assert package in OWNERS[parts[0]], f"{file} imports {module}"
        if parts[0] != "projects_cli" or parts[1] in FREE:
            continue
        allowed = MAY_IMPORT[package] | ({"store"} if package == "cli" and (file == BUILDER or typed) else set())
        assert parts[1] in allowed, f"{file} imports {module}"


def circles(graph: dict[str, set[str]]) -> list[str]:
    """Return the modules that import themselves through others, in alphabetical order."""
    reached = {module: set(targets) for module, targets in graph.items()}
    for middle in graph:  # Warshall's algorithm: each module in turn may lie on the way
        for module in graph:
            if middle in reached[module]:
                reached[module] |= reached[middle]
    return sorted(module for module in graph if module in reached[module])


def modules_of(package: str) -> dict[str, set[str]]:
    """Return the modules of a package, each with those it imports, at any time or for its types only."""
    files = {
        ".".join(file.relative_to(HERE).with_suffix("").parts).removesuffix(".__init__"): file
        for file in SOURCES
        if package_of(file) == package
    }
    graph = {}
    for name, file in files.items():
        imported = {module for module, _ in imports_of(file)}
        # `from package import name` imports a module, or a name out of a module
        targets = {module if module in files else module.rpartition(".")[0] for module in imported}
        graph[name] = targets & files.keys() - {f"projects_cli.{package}"}
    return graph


@pytest.mark.parametrize("package", sorted(MAY_IMPORT))
def test_no_package_has_an_import_cycle(package: str) -> None:
    assert circles(modules_of(package)) == []


def test_an_import_cycle_is_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == ["b", "c"]


QUERIES = {"find", "find_one", "scan", "count", "estimated_count", "aggregate", "insert", "update", "delete_one"}
COLLECTIONS = {"projects", "tasks", "models", "users", "companies"}


def queries_in(text: str) -> list[str]:
    """Return the calls in a source that query or change a collection of a store."""
    calls = (node.func for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
    asked = (call for call in calls if isinstance(call, ast.Attribute) and call.attr in QUERIES)
    return [
        ast.unparse(call) for call in asked if isinstance(call.value, ast.Attribute) and call.value.attr in COLLECTIONS
    ]


def test_no_command_queries_a_collection_itself() -> None:
    assert queries_in("list(context.store.users.find({})); page.find(b'x')") == ["context.store.users.find"]
    for file in (PACKAGE / "cli").rglob("*.py"):
        assert queries_in(file.read_text(encoding="utf-8")) == [], file


def test_nothing_calls_print() -> None:
    for file in SOURCES:
        calls = [node for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        printed = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]
        assert not printed, file


CATALOG = load()
ENDPOINTS = {endpoint.name: endpoint for endpoint in CATALOG.endpoints()}
ROOT: Any = typer.main.get_command(app)


def command_of(endpoint: str) -> Any:
    short = endpoint.partition(".")[2]
    return ROOT.get_command(typer.Context(ROOT), short)


def test_every_endpoint_is_implemented_or_waits() -> None:
    assert ENDPOINTS.keys() - endpoints.HANDLERS.keys() == WAITING_ENDPOINTS
    assert not endpoints.HANDLERS.keys() - ENDPOINTS.keys()


@pytest.mark.parametrize("endpoint", sorted(ENDPOINTS.keys() - WAITING_ENDPOINTS))
def test_an_endpoint_is_found_everywhere_by_its_name(endpoint: str) -> None:
    short = endpoint.partition(".")[2]
    assert endpoints.handler(endpoint).__name__ == short
    assert command_of(endpoint) is not None
    assert command_of(f"projects.{short.replace('_', '-')}") is not None
    assert endpoint in VIEWS
    assert f"`projects.{short}`" in (HERE / "docs" / "commands" / "README.md").read_text(encoding="utf-8")


OPTION_OF = {
    ("projects.get_task_tags", "filter"): "--filter-tag",
    ("projects.get_model_tags", "filter"): "--filter-tag",
    ("projects.get_project_tags", "filter"): "--filter-tag",
}
"""Parameters that are objects: their option has another name."""

LISTINGS = ("projects.get_all", "projects.get_all_ex")
OPTION_OF |= {(endpoint, "_and_"): "--all" for endpoint in LISTINGS}
OPTION_OF |= {(endpoint, "_or_"): "--any" for endpoint in LISTINGS}
OPTION_OF |= {("projects.get_all_ex", "allow_public"): "--non-public"}
OPTION_OF |= {("projects.get_all_ex", "stats_with_children"): "--own-stats"}

ONLY_CALLED = {(endpoint, name) for endpoint in LISTINGS for name in ("scroll_id", "refresh_scroll", "size")}
"""Parameters without an option: `list` streams everything, and `call` and `batch` can scroll."""


@pytest.mark.parametrize("endpoint", sorted(ENDPOINTS.keys() - WAITING_ENDPOINTS))
def test_every_parameter_has_its_option_named_as_in_the_schema(endpoint: str) -> None:
    command = command_of(endpoint)
    known = {flag for param in command.params for flag in param.opts}
    arguments = {param.name for param in command.params if param.param_type_name == "argument"}
    for version in ENDPOINTS[endpoint].versions:
        for parameter in CATALOG.version(endpoint, version).parameters:
            if (endpoint, parameter.name) in ONLY_CALLED:
                continue
            flag = OPTION_OF.get((endpoint, parameter.name), "--" + parameter.name.strip("_").replace("_", "-"))
            assert flag in known or parameter.name in arguments, f"{endpoint}: {parameter.name}"


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_a_command_has_a_summary_and_help(entry: Any) -> None:
    command = ROOT.get_command(typer.Context(ROOT), entry.name)
    assert entry.summary.endswith(".")
    assert command.help


def test_a_global_option_has_its_setting_and_its_own_variable_and_all_are_documented() -> None:
    documented = (HERE / "docs" / "options.md").read_text(encoding="utf-8")
    for option in GLOBAL_OPTIONS:
        assert option.setting in BY_NAME
        assert all(re.search(rf"[`,] ?{flag}[ ,`]", documented) for flag in option.flags), option.flags
        assert f"`{BY_NAME[option.setting].variable}`" in documented
    variables = [BY_NAME[name].variable for name in {option.setting for option in GLOBAL_OPTIONS}]
    assert len(set(variables)) == len(variables)
    assert all(variable and variable.startswith("PROJECTS_") for variable in variables)


ERRORS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ProjectsError)]


def test_exit_statuses_are_unique_and_documented() -> None:
    assert len({status.value for status in ExitStatus}) == len(ExitStatus)
    assert STATUS_MEANINGS.keys() == set(ExitStatus)
    page = (HERE / "docs" / "scripting.md").read_text(encoding="utf-8")
    for status, meaning in STATUS_MEANINGS.items():
        assert f"| {status.value} | {meaning} |" in page


def test_an_error_has_a_documented_status_and_a_code_of_its_own() -> None:
    codes = [(kind.code, kind.subcode) for kind in ERRORS if kind.subcode is not None]
    assert len(set(codes)) == len(codes)
    for kind in ERRORS:
        assert kind.status in STATUS_MEANINGS
        assert kind.__doc__
        assert (kind.subcode is not None) == (issubclass(kind, ServiceError) and kind is not ServiceError)
