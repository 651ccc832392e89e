"""The sample: the same everywhere, as a server would have stored it, without harm to existing documents."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pymongo
import pytest

from projects_cli.config.settings import COMMUNITY_COMPANY
from projects_cli.errors import ExpectedUniqueData
from projects_cli.local.sample import escaped, load, sample
from projects_cli.store.client import Connection, connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Database

COLLECTIONS = ("company", "user", "project", "task", "model")


@pytest.fixture
def connection(indexed_database: Database) -> Iterator[Connection]:
    one = connect(indexed_database.uri, indexed_database.name, shown="test")
    yield one
    one.close()


def digest(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def everything(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    return {name: list(connection.database[name].find().sort("_id", pymongo.ASCENDING)) for name in COLLECTIONS}


def test_the_sample_is_always_the_same() -> None:
    assert sample(COMMUNITY_COMPANY) == sample(COMMUNITY_COMPANY)
    text = repr(sample(COMMUNITY_COMPANY))
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "167aee9eed9984c7", "another sample needs another SEED"


def test_the_sample_has_the_documented_size_and_variety() -> None:
    made = sample(COMMUNITY_COMPANY)
    projects, tasks = made["project"], made["task"]
    assert 55 <= len(projects) <= 65
    assert 380 <= len(tasks) <= 420
    assert len(made["model"]) == 60
    assert max(project["name"].count("/") for project in projects) == 4
    assert all(project["tags"] == sorted(project["tags"]) for project in projects if "tags" in project)
    assert any("path" not in project and "tags" not in project for project in projects)
    assert any(project["company"] == "" and project["company_origin"] == COMMUNITY_COMPANY for project in projects)
    system_tags = {tag for project in projects for tag in project.get("system_tags", [])}
    assert system_tags == {"dataset", "pipeline", "reports", "hidden", "archived"}
    assert {task.get("status", "") for task in tasks} >= {"", "published", "completed", "failed", "created"}
    assert any("archived" in task["system_tags"] for task in tasks)
    assert any("_comment" in str(task["hyperparams"]) for task in tasks)


def test_all_references_are_valid() -> None:
    made = sample(COMMUNITY_COMPANY)
    projects = {project["_id"]: project for project in made["project"]}
    tasks = {task["_id"]: task for task in made["task"]}
    models = {model["_id"]: model for model in made["model"]}
    users = {user["_id"] for user in made["user"]}
    for project in projects.values():
        above = [projects[one]["name"] for one in project.get("path") or []]
        parts = project["name"].split("/")
        assert above == ["/".join(parts[: depth + 1]) for depth in range(len(parts) - 1)]
        assert project.get("parent") == (project["path"][-1] if above else None)
        assert project["basename"] == parts[-1]
        assert len(parts[-1]) >= 3
    assert all(task.get("project") in {None, *projects} for task in tasks.values())
    assert all(task.get("parent") in {None, *tasks} for task in tasks.values())
    assert all(one["user"] in users for rows in (projects, tasks, models) for one in rows.values())
    outputs = {output["model"]: task["_id"] for task in tasks.values() for output in task["models"]["output"]}
    assert outputs == {model["_id"]: model["task"] for model in models.values()}


def test_metrics_are_under_the_hashes_of_their_names() -> None:
    for task in sample(COMMUNITY_COMPANY)["task"]:
        for metric, variants in task["last_metrics"].items():
            for variant, value in variants.items():
                assert metric == digest(value["metric"])
                assert variant == digest(value["variant"])
                assert value["min_value"] <= value["value"] <= value["max_value"]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("__dunder__", "%_%_dunder%_%_"),
        ("_lead", "%_lead"),
        ("a__b", "a%_%_b"),
        ("pct%", "pct%%"),
        ("a.b$", "a%2Eb%24"),
    ],
)
def test_keys_are_escaped_as_the_server_does(name: str, key: str) -> None:
    assert escaped(name) == key


def test_loading_twice_is_loading_once(connection: Connection) -> None:
    first = load(connection, COMMUNITY_COMPANY)
    loaded = everything(connection)
    second = load(connection, COMMUNITY_COMPANY)
    assert everything(connection) == loaded
    assert first["added"] == second["present"] == {name: len(loaded[name]) for name in COLLECTIONS}
    assert set(first["present"].values()) == set(second["added"].values()) == {0}


def test_loading_completes_an_interrupted_load(connection: Connection) -> None:
    load(connection, COMMUNITY_COMPANY)
    loaded = everything(connection)
    connection.database.task.delete_many({"_id": {"$lt": "8"}})
    connection.database.model.drop()
    load(connection, COMMUNITY_COMPANY)
    assert everything(connection) == loaded


def test_other_documents_and_changes_are_kept(connection: Connection) -> None:
    connection.database.company.insert_one({"_id": COMMUNITY_COMPANY, "name": "mine"})
    connection.database.project.insert_one({"_id": "own", "company": COMMUNITY_COMPANY, "name": "own work"})
    load(connection, COMMUNITY_COMPANY)
    connection.database.project.update_one({"name": "vision"}, {"$set": {"description": "changed"}})
    before = everything(connection)
    load(connection, COMMUNITY_COMPANY)
    assert everything(connection) == before
    assert connection.database.company.find_one({}) == {"_id": COMMUNITY_COMPANY, "name": "mine"}


@pytest.mark.parametrize("company", [COMMUNITY_COMPANY, ""])
def test_a_taken_name_is_refused_before_anything_is_written(connection: Connection, company: str) -> None:
    connection.database.project.insert_one({"_id": "own", "company": company, "name": "nlp/ner"})
    before = everything(connection)
    with pytest.raises(ExpectedUniqueData, match="nlp/ner"):
        load(connection, COMMUNITY_COMPANY)
    assert everything(connection) == before
