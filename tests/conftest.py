"""What tests share: real servers, a database each, a clean environment, and a one-line runner of the command line."""

from __future__ import annotations

import compileall
import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import pytest
from hypothesis import settings

from tests import servers
from tests.worlds.site import empty_site
from tests.worlds.world import BEFORE, world_on

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.worlds.site import Site
    from tests.worlds.world import World


class Database(NamedTuple):
    """Where one test's documents are."""

    uri: str
    name: str


class Cli(Protocol):
    """Runs the command line in this process; keywords are environment variables, `uri` stands for the database."""

    def __call__(self, *arguments: str, uri: str | None = None, stdin: str | None = None, **environment: str) -> Any:
        """Return the result: `exit_code`, `stdout`, `stderr`, `exception`."""


def pytest_configure(config: pytest.Config) -> None:
    """Compile the program once, and have the folders of tests in memory.

    If PYTHONDONTWRITEBYTECODE is set, each of the many processes of the program would compile it anew.
    """
    settings.register_profile("any machine", deadline=None)  # a busy one takes longer than 200 ms for an example
    settings.load_profile("any machine")
    if (memory := servers.memory()) is not None:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory))
    if not hasattr(config, "workerinput"):  # the workers of xdist start later
        compileall.compile_dir(Path(__file__).parents[1] / "projects_cli", quiet=2)


@pytest.fixture(autouse=True)
def _isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Isolate every test: a home directory of its own, and an environment without settings."""
    isolate(tmp_path / "home", monkeypatch)


def isolate(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the environment to one without settings, with this home directory."""
    os.umask(0o022)  # the mode of files decides whether they are read
    for name in list(os.environ):
        if name.startswith(("PROJECTS_", "CLEARML_", "TRAINS_", "MONGODB_", "XDG_")) or name in {
            "NO_COLOR",
            "TERM",
            "FORCE_COLOR",
            "COLUMNS",
            "LINES",
        }:
            monkeypatch.delenv(name)
    places = {"HOME": "", "XDG_CONFIG_HOME": ".config", "XDG_DATA_HOME": ".local/share", "XDG_CACHE_HOME": ".cache"}
    places |= {"XDG_STATE_HOME": ".local/state", "XDG_RUNTIME_DIR": ".run"}
    for variable, place in places.items():
        folder = home / place
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        monkeypatch.setenv(variable, str(folder))


@pytest.fixture(scope="session")
def standalone() -> Iterator[servers.Server]:
    """Run a mongod without a replica set: no transactions."""
    with servers.running(replica_set=False) as server:
        yield server


@pytest.fixture(scope="session")
def replica_set() -> Iterator[servers.Server]:
    """Run a mongod that is a replica set of one: transactions work."""
    with servers.running(replica_set=True) as server:
        yield server


@pytest.fixture(params=["standalone", "replica_set"])
def deployment(request: pytest.FixtureRequest) -> servers.Server:
    """Provide each kind of deployment in turn."""
    server: servers.Server = request.getfixturevalue(request.param)
    return server


@pytest.fixture
def database(deployment: servers.Server) -> Iterator[Database]:
    """Provide an empty database without indexes, on each deployment in turn; dropped afterwards."""
    name = servers.new_name()
    yield Database(deployment.uri, name)
    deployment.drop(name)


@pytest.fixture
def indexed_database(deployment: servers.Server) -> Iterator[Database]:
    """Provide an empty database with the server's indexes, on each deployment in turn."""
    name = deployment.borrow_indexed()
    yield Database(deployment.uri, name)
    deployment.give_back(name)


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Provide the one-line runner: `cli("list", "--json", uri=database.uri, PROJECTS_DATABASE=database.name)`."""

    def run(*arguments: str, uri: str | None = None, stdin: str | None = None, **environment: str) -> Any:
        from typer.testing import CliRunner  # only tests of commands pay for it

        app = importlib.import_module("projects_cli.cli.app").app
        with monkeypatch.context() as patch:
            for name, value in ({"PROJECTS_MONGO_URI": uri} if uri else {}).items() | environment.items():
                patch.setenv(name, value)
            return CliRunner().invoke(app, list(arguments), input=stdin)

    return run


@pytest.fixture
def site(standalone: servers.Server, cli: Cli) -> Iterator[Site]:
    """Provide an empty database on a standalone, and the command line set to work on it."""
    with empty_site(standalone, cli) as site:
        yield site


@pytest.fixture
def each_site(deployment: servers.Server, cli: Cli) -> Iterator[Site]:
    """Provide an empty database on each deployment in turn, and the command line set to work on it."""
    with empty_site(deployment, cli) as site:
        yield site


@pytest.fixture
def world(deployment: servers.Server) -> Iterator[World]:
    """Provide the small odd database and its journal, on each kind of deployment in turn."""
    with world_on(deployment, BEFORE) as world:
        yield world


@pytest.fixture
def lone(standalone: servers.Server) -> Iterator[World]:
    """Provide the small odd database and its journal on a standalone."""
    with world_on(standalone, BEFORE) as world:
        yield world
