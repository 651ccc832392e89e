"""`projects indexes`: recommended indexes with their cost, created only after confirmation."""

from __future__ import annotations

import json
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from projects_cli.store.index_definitions import EXTRAS, SERVER
from tests.worlds.site import COMPANY, LONG_AGO, Site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Cli
    from tests.servers import Server

EXTRA = {str(extra.index["name"]): extra for extra in EXTRAS}
STATISTICS = "projects_cli_statistics"
FIELDS = {"name", "collection", "state", "kind", "size", "commands", "benefit", "key"}


@pytest.fixture
def site(deployment: Server, cli: Cli) -> Iterator[Site]:
    """Provide a site with a server's indexes, on each kind of deployment in turn."""
    yield from indexed(deployment, cli)


@pytest.fixture
def lone(standalone: Server, cli: Cli) -> Iterator[Site]:
    """Provide the same on a standalone."""
    yield from indexed(standalone, cli)


def indexed(server: Server, cli: Cli) -> Iterator[Site]:
    name = server.borrow_indexed()
    yield Site(cli, server, name)
    for collection, indexes in SERVER.items():  # what a test added goes, so that the next test can have the rest
        stored = server.client[name][collection]
        for more in set(stored.index_information()) - {"_id_", *(str(index["name"]) for index in indexes)}:
            stored.drop_index(more)
    server.give_back(name)


def there(site: Site, collection: str = "task") -> set[str]:
    return set(site.documents[collection].index_information())


def rows(answer: Any) -> dict[str, Any]:
    return {row["name"]: row for row in answer["indexes"]}


def test_the_plan_has_our_own_with_what_they_bring(site: Site) -> None:
    found = rows(site.json("indexes", "plan"))
    assert found.keys() == EXTRA.keys()
    for name, row in found.items():
        assert row.keys() == FIELDS
        assert (row["state"], row["kind"], row["collection"]) == ("missing", "extra", EXTRA[name].collection)
        assert row["commands"] == list(EXTRA[name].commands)
        assert row["benefit"]


def test_the_plan_has_the_servers_own_only_where_they_are_missing(site: Site) -> None:
    site.documents["task"].drop_index("company_1_tags_1")
    site.documents["project"].drop_index("backend-db.project.main_text_index")
    found = {name: row for name, row in rows(site.json("indexes", "plan")).items() if row["kind"] == "server"}
    assert found.keys() == {"company_1_tags_1", "backend-db.project.main_text_index"}
    assert found["backend-db.project.main_text_index"]["commands"] == ["list --search"]


def test_all_that_is_missing_is_made_and_nothing_dropped(site: Site) -> None:
    site.documents["model"].drop_index("company_1_tags_1")
    site.documents["task"].create_index("comment", name="somebody's own")
    before = there(site)
    made = rows(site.json("indexes", "create", "--yes"))
    assert made.keys() == {*EXTRA, "company_1_tags_1"}
    assert {row["state"] for row in made.values()} == {"present"}
    assert all(row["size"] > 0 for row in made.values())
    assert there(site) == before | {name for name, extra in EXTRA.items() if extra.collection == "task"}
    assert there(site, "model") >= {"company_1_tags_1", "projects_cli_model_tags"}
    assert {row["state"] for row in rows(site.json("indexes", "plan")).values()} == {"present"}
    assert site.json("indexes", "create") == {"indexes": []}


def test_named_ones_are_made_alone(lone: Site) -> None:
    assert rows(lone.json("indexes", "create", STATISTICS, "--yes")).keys() == {STATISTICS}
    assert STATISTICS in there(lone)
    assert "projects_cli_task_tags" not in there(lone)
    assert lone.json("indexes", "create", STATISTICS) == {"indexes": []}


def test_one_of_another_name_is_known(lone: Site) -> None:
    lone.documents["task"].create_index("tags", name="tags, as somebody called it")
    assert rows(lone.json("indexes", "plan"))["projects_cli_task_tags"]["state"] == "present"
    assert "projects_cli_task_tags" not in rows(lone.json("indexes", "create", "--yes"))


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"partialFilterExpression": {"company": COMPANY}}, "of some"),
        ({"sparse": True}, "of some"),
        ({"hidden": True}, "not used"),
        ({"hidden": True}, "projects_cli_task_tags"),
        ({"partialFilterExpression": {"company": COMPANY}}, "projects_cli_task_tags"),
    ],
)
def test_one_that_queries_can_not_do_with_is_none(lone: Site, options: dict[str, Any], name: str) -> None:
    """No plan relies on such an index; if it is in the way of a missing one, that is reported."""
    lone.documents["task"].create_index("tags", name=name, **options)
    assert rows(lone.json("indexes", "plan"))["projects_cli_task_tags"]["state"] == "missing"
    result = lone("--json", "indexes", "create", "projects_cli_task_tags", "--yes")
    if result.exit_code:
        error = json.loads(result.stderr)["error"]
        assert error["message"] == f"cannot create the index projects_cli_task_tags: {name} exists with other options"
        assert "db.task.getIndexes()" in error["hint"]
        assert result.stdout == ""
    else:
        assert "projects_cli_task_tags" in there(lone)
        assert rows(lone.json("indexes", "plan"))["projects_cli_task_tags"]["state"] == "present"


def test_nothing_is_made_unasked(lone: Site) -> None:
    before = there(lone)
    assert lone.error("indexes", "create", status=2)["name"] == "ConfirmationNeeded"
    assert lone.error("indexes", "create", "--yes", "--read-only", status=4)["name"] == "ReadOnly"
    assert rows(lone.json("indexes", "create", "--dry-run")).keys() == EXTRA.keys()
    assert rows(lone.json("indexes", "create", "--dry-run", STATISTICS)).keys() == {STATISTICS}
    assert there(lone) == before


def test_an_unknown_name_is_refused_with_the_nearest(lone: Site) -> None:
    error = lone.error("indexes", "create", "projects_cli_statistic", "--yes", status=2)
    assert error["hint"].startswith(f"did you mean '{STATISTICS}'")
    assert lone.error("indexes", "create", "\x1b[31m", "--yes", status=2)["message"].count("\x1b") == 0
    assert STATISTICS not in there(lone)


def test_what_the_documents_forbid_is_told_and_what_was_made_stays(lone: Site) -> None:
    lone.documents["project"].drop_index("name_1_company_1")
    for number in "12":
        lone.documents["project"].insert_one({"_id": number, "company": COMPANY, "name": "twice"})
    result = lone("--json", "indexes", "create", "--yes")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "several documents have the same name, company" in result.stderr
    assert "name_1_company_1" not in there(lone, "project")


def test_sizes_are_of_the_right_order(lone: Site) -> None:
    """The estimate before, from a sample of keys, and the size after it was made: within a factor of four."""
    random = Random(1)
    projects = [f"{random.getrandbits(128):032x}" for _ in range(200)]
    tags = [f"tag {number}" for number in range(50)]
    lone.documents["task"].insert_many(
        {
            "company": COMPANY,
            "project": random.choice(projects),
            "status": random.choice(["completed", "failed", "created"]),
            "system_tags": random.choice([[], ["archived"]]),
            "tags": random.sample(tags, 2),
            "started": LONG_AGO + timedelta(seconds=random.randrange(10**7)),
            "completed": LONG_AGO + timedelta(seconds=random.randrange(10**7)),
        }
        for number in range(20_000)
    )
    lone.server.client.admin.command("fsync")  # sizes are those on the disk
    before = rows(lone.json("indexes", "plan"))
    made = rows(lone.json("indexes", "create", "--yes"))
    for name in (STATISTICS, "projects_cli_task_tags"):
        lone.server.client.admin.command("fsync")
        after = rows(lone.json("indexes", "plan"))[name]["size"]
        assert before[name]["size"] / 4 < after < before[name]["size"] * 4, (name, before[name]["size"], after)
    assert made.keys() == EXTRA.keys()


def test_the_servers_own_are_no_extras() -> None:
    own = [(name, tuple(index["key"])) for name, indexes in SERVER.items() for index in indexes]
    assert not [extra for extra in EXTRAS if (extra.collection, tuple(extra.index["key"])) in own]


def test_a_table_is_for_people(lone: Site) -> None:
    text = lone.text("indexes", "plan")
    assert text.splitlines()[0].split("\t")[:4] == ["NAME", "COLLECTION", "STATE", "SIZE"]
    assert lone.text("indexes", "plan", "-o", "id").split() == sorted(EXTRA, key=list(EXTRA).index)
