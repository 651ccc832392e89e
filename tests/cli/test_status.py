"""`projects status`: the database, its contents, the user's privileges, and interrupted changes."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pymongo
import pytest

from projects_cli import process_identity
from projects_cli.changes.lease import key_of
from projects_cli.changes.records import FORMAT
from projects_cli.store.client import connect
from projects_cli.store.journal import JournalStore
from tests import servers
from tests.faults.nodes import one_node
from tests.worlds.site import COMPANY, OTHER, Site, empty_site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Cli

UNSPOKEN = "topsecret"
JOURNAL = "journal_of_status"
DEAD = {
    "host": "here",
    "machine": process_identity.machine(),
    "pid": 4_194_303,
    "born": "1",
    "started": datetime.now(UTC),
}


@pytest.fixture
def site(standalone: servers.Server, cli: Cli) -> Iterator[Site]:
    with empty_site(standalone, cli) as site:
        yield site
        site.server.drop(JOURNAL)


def status(site: Site, *arguments: str, **environment: str) -> Any:
    return site.json("status", *arguments, PROJECTS_JOURNAL_DB=JOURNAL, **environment)


# --- where, and how much ------------------------------------------------------------------------------------------


def test_own_and_public_documents_are_counted_and_nobody_elses(site: Site) -> None:
    site.documents.company.insert_one({"_id": OTHER, "name": "theirs"})
    project = site.project("vision", system_tags=["hidden"])
    site.project("public", company="")
    for company, count in ((COMPANY, 3), ("", 2), (OTHER, 7)):
        for _ in range(count):
            site.task(project, company=company)
    site.model(None)
    site.project("theirs", company=OTHER)
    found = status(site)
    assert found["counts"] == {
        "projects": {"own": 1, "public": 1},
        "tasks": {"own": 3, "public": 2},
        "models": {"own": 1, "public": 0},
    }
    assert found["company"] == {"id": COMPANY, "name": "clearml"}
    assert status(site, "--company", OTHER)["company"] == {"id": OTHER, "name": "theirs"}
    assert status(site, "--company", OTHER)["counts"]["tasks"] == {"own": 7, "public": 2}


def test_a_standalone(site: Site) -> None:
    found = status(site)
    assert found["server"] == {
        "version": str(site.server.client.server_info()["version"]),
        "supported": True,
        "topology": "standalone",
        "transactions": False,
        "hosted_by": None,
        "replica_set": None,
        "primary": None,
        "members": [],
    }
    assert found["database"] == {
        "uri": site.server.uri,
        "source": "PROJECTS_MONGO_URI",
        "private": False,
        "name": site.name,
        "name_source": "PROJECTS_DATABASE",
        "journal": JOURNAL,
    }
    assert (found["profile"], found["lock"], found["unknown"]) == (None, None, [])
    assert found["interrupted"] == {"count": 0, "operations": []}


def test_the_database_in_the_uri_and_what_wins_over_it(site: Site, cli: Cli) -> None:
    site.project("vision")
    base, _, options = site.server.uri.partition("/?")

    def shown(*arguments: str, name: str, **environment: str) -> tuple[Any, ...]:
        result = cli("status", "--json", "--no-journal", *arguments, uri=f"{base}/{name}?{options}", **environment)
        assert result.exit_code == 0, result.stderr
        found = json.loads(result.stdout)
        return found["database"]["name"], found["database"]["name_source"], found["counts"]["projects"]["own"]

    assert shown(name=site.name) == (site.name, "PROJECTS_MONGO_URI", 1)
    assert shown(name="admin") == ("backend", None, 0)
    assert shown("--database", site.name, name="elsewhere") == (site.name, "--database", 1)
    assert shown(name="elsewhere", PROJECTS_DATABASE=site.name) == (site.name, "PROJECTS_DATABASE", 1)


@pytest.mark.parametrize(
    "names", [("CLEARML_MONGODB_SERVICE_HOST", "MONGODB_SERVICE_PORT"), ("CLEARML__HOSTS__MONGO__BACKEND__HOST",)]
)
def test_the_variables_of_a_server_are_its_source(cli: Cli, names: tuple[str, ...]) -> None:
    with one_node() as node:
        host, port = node.address.split(":")
        values = (host, port) if len(names) == 2 else (f"mongodb://{node.address}/other",)
        result = cli("status", "--json", **dict(zip(names, values, strict=True)))
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)["database"]
    assert (found["source"], found["private"]) == (", ".join(names), False)
    assert (found["name"], found["name_source"]) == (("other", names[0]) if len(names) == 1 else ("backend", None))


def test_a_replica_set(replica_set: servers.Server, cli: Cli) -> None:
    with empty_site(replica_set, cli) as site:
        found = site.json("status")["server"]
    member = str(replica_set.socket)
    assert (found["topology"], found["transactions"], found["replica_set"]) == ("replica set", True, "tests")
    assert (found["primary"], found["members"]) == (member, [member])


def test_it_changes_nothing(site: Site) -> None:
    site.project("vision")
    before = site.everything()
    status(site)
    assert site.everything() == before
    assert JOURNAL not in site.server.client.list_database_names()


def test_the_table_has_a_line_of_the_same(site: Site) -> None:
    shown = dict(line.split("\t") for line in site.text("status", PROJECTS_JOURNAL_DB=JOURNAL).splitlines())
    assert (shown["topology"], shown["projects"], shown["can write"]) == ("standalone", "0", "true")


def test_it_has_no_ids(site: Site) -> None:
    result = site("status", "-o", "id")
    assert (result.exit_code, result.stdout) == (2, "")


# --- what is unfinished -------------------------------------------------------------------------------------------


def interrupted(site: Site, *, company: str = COMPANY, **more: Any) -> str:
    """Store the record of a change whose process was killed."""
    identifier = f"20260101-000000-{company[:7]}"
    record: dict[str, Any] = {"_id": identifier, "database": site.name, "company": company, "state": "applied"}
    record |= {"by": "ann", "summary": "delete the project 'vision'", "mode": "steps", "documents": 1} | DEAD
    worker = {name: DEAD[name] for name in ("host", "machine", "pid", "born")} | {"key": "", "owner": ""}
    record |= {"format": FORMAT, "endpoint": "projects.delete", "counts": {}, "chunks": 0, "worker": worker} | more
    site.server.client[JOURNAL]["operation"].insert_one(record)
    return identifier


def test_a_change_that_was_stopped_in_the_middle_is_told(site: Site) -> None:
    identifier = interrupted(site)
    interrupted(site, company=OTHER)
    result = site("status", "--json", PROJECTS_JOURNAL_DB=JOURNAL)
    found = json.loads(result.stdout)["interrupted"]
    assert found["count"] == 1
    assert {name: found["operations"][0][name] for name in ("id", "state", "by", "host", "summary")} == {
        "id": identifier,
        "state": "applied",
        "by": "ann",
        "host": "here",
        "summary": "delete the project 'vision'",
    }
    assert f"finish it: projects resume {identifier}; or undo it: projects undo {identifier}" in result.stderr
    assert site.server.client[JOURNAL]["operation"].find_one({"_id": identifier}, {"state": 1}) == {
        "_id": identifier,
        "state": "applied",
    }


@contextmanager
def lease(site: Site, holder: dict[str, Any]) -> Iterator[None]:
    """Hold the lock on the company's structure."""
    connection = connect(site.server.uri, site.name, shown="test")
    owner = {"owner": "x", "by": "ann", "command": "projects delete vision", **holder}
    JournalStore(connection, JOURNAL).take_lease(key_of(site.name, COMPANY), owner, 30, 0)
    yield
    connection.close()


def test_who_holds_the_lock_is_told(site: Site) -> None:
    with lease(site, process_identity.process()):
        found = status(site)["lock"]
    assert found["holder"] == f"ann on {found['host']}, pid {found['pid']}: projects delete vision"
    assert found["stale"] is False


def test_a_lock_whose_holder_has_ended_is_stale(site: Site) -> None:
    with lease(site, {name: DEAD[name] for name in ("host", "machine", "pid", "born")}):
        assert status(site)["lock"]["stale"] is True


def test_without_a_journal_nothing_of_it_is_asked(site: Site) -> None:
    interrupted(site)
    found = status(site, "--no-journal")
    assert (found["interrupted"], found["lock"], found["database"]["journal"]) == (None, None, None)
    assert found["rights"]["can_write_journal"] is None


# --- time ---------------------------------------------------------------------------------------------------------


def test_counts_that_take_too_long_are_unknown_and_the_rest_is_told(site: Site) -> None:
    admin = site.server.client.admin
    blocked = {"failCommands": ["aggregate"], "blockConnection": True, "blockTimeMS": 1500}
    blocked["namespace"] = f"{site.name}.task"
    admin.command("configureFailPoint", "failCommand", mode="alwaysOn", data=blocked)
    try:
        result = site("status", "--json", "--timeout", "1", PROJECTS_JOURNAL_DB=JOURNAL)
    finally:
        admin.command("configureFailPoint", "failCommand", mode="off")
    found = json.loads(result.stdout)
    assert result.exit_code == 0
    assert found["counts"]["projects"] == {"own": 0, "public": 0}
    assert found["counts"]["tasks"]["own"] is None
    assert "the number of own tasks" in [entry["name"] for entry in found["unknown"]]
    assert "warning: the number of own tasks is unknown: " in result.stderr
    assert found["rights"]["can_read"] is True


# --- rights -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def guarded() -> Iterator[servers.Server]:
    """Run a server that requires a login, whose client is that of root."""
    with servers.running(replica_set=False, options=("--auth",)) as server:
        server.client.admin.command("createUser", "root", pwd=UNSPOKEN, roles=["root"])
        yield server


def as_user(server: servers.Server, name: str) -> str:
    return server.uri.replace("mongodb://", f"mongodb://{name}:{UNSPOKEN}@").replace("/?", "/?authSource=admin&")


@contextmanager
def user(server: servers.Server, roles: list[Any]) -> Iterator[str]:
    """Create a user with these roles, and yield the URI to log in with."""
    with pymongo.MongoClient[dict[str, Any]](as_user(server, "root")) as root:
        root.admin.command("createUser", "ann", pwd=UNSPOKEN, roles=roles)
        yield as_user(server, "ann")
        root.admin.command("dropUser", "ann")


READS = {"role": "read", "db": "backend"}
WRITES = {"role": "readWrite", "db": "backend"}
KEEPS = {"role": "readWrite", "db": "projects_cli"}
EVERYTHING = ("find", "insert", "remove", "update")


@pytest.mark.parametrize(
    ("roles", "rights"),
    [
        ([WRITES, KEEPS], {"can_write": True, "can_write_journal": True, "missing": []}),
        (["root"], {"can_write": True, "can_write_journal": True, "missing": []}),
        (
            [WRITES],
            {
                "can_write": True,
                "can_write_journal": False,
                "missing": [
                    f"{action} on projects_cli.{name}"
                    for name in ("operation", "change", "lease")
                    for action in EVERYTHING
                ],
            },
        ),
        (
            [READS, KEEPS],
            {
                "can_write": False,
                "can_write_journal": True,
                "missing": [
                    f"{action} on backend.{name}"
                    for name in ("project", "task", "model", "url_to_delete")
                    for action in ("insert", "remove", "update")
                ],
            },
        ),
    ],
)
def test_what_the_user_may_do(guarded: servers.Server, cli: Cli, roles: list[Any], rights: dict[str, Any]) -> None:
    with user(guarded, roles) as uri:
        result = cli("status", "--json", uri=uri)
    found = json.loads(result.stdout)
    assert result.exit_code == 0
    assert UNSPOKEN not in result.stdout + result.stderr
    assert found["rights"] == {"user": "ann", "can_read": True, **rights, "read_only": False}
    assert found["counts"]["projects"] == {"own": 0, "public": 0}
    unseen = [] if rights["can_write_journal"] else ["the interrupted changes", "the lock"]
    assert [entry["name"] for entry in found["unknown"]] == unseen


def test_a_user_without_any_right_is_told_so(guarded: servers.Server, cli: Cli) -> None:
    with user(guarded, []) as uri:
        result = cli("status", "--json", uri=uri)
    found = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (found["rights"]["user"], found["rights"]["can_read"], found["rights"]["can_write"]) == ("ann", False, False)
    assert found["counts"]["tasks"] == {"own": None, "public": None}
    assert all("\n" not in entry["reason"] and "execute command" not in entry["reason"] for entry in found["unknown"])


def test_who_has_not_logged_in_may_nothing(guarded: servers.Server, cli: Cli) -> None:
    found = json.loads(cli("status", "--json", uri=guarded.uri).stdout)
    assert found["rights"] == {
        "user": None,
        "can_read": False,
        "can_write": False,
        "can_write_journal": False,
        "missing": [],
        "read_only": False,
    }


def test_the_profile_is_shown_without_its_secrets(guarded: servers.Server, cli: Cli, tmp_path: Path) -> None:
    config = tmp_path / "home" / ".config" / "projects" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(
        f'[profiles.lab]\nuri = "{as_user(guarded, "root")}"\nproduction = true\nread-only = true\n', encoding="utf-8"
    )
    config.chmod(0o600)
    result = cli("status", "--json", "--profile", "lab")
    assert (result.exit_code, result.stderr) == (0, "")
    assert UNSPOKEN not in result.stdout
    found = json.loads(result.stdout)
    assert found["profile"] == {"name": "lab", "production": True, "source": "--profile"}
    assert found["database"]["source"] == f"{config} [profiles.lab]"
    assert found["database"]["uri"] == as_user(guarded, "root").replace(UNSPOKEN, "***")
    assert found["rights"]["read_only"] is True


def test_a_wrong_password_is_an_error(guarded: servers.Server, cli: Cli) -> None:
    result = cli("status", "--json", uri=as_user(guarded, "root").replace(UNSPOKEN, "wrong-one"))
    assert (result.exit_code, result.stdout) == (77, "")
    assert "wrong-one" not in result.stderr
