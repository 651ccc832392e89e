"""The responses of all endpoints on the sample match the schema's `response`; hard patterns stay harmless."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pymongo
import pytest

from projects_cli.config.settings import COMMUNITY_COMPANY
from projects_cli.local.sample import sample
from projects_cli.schema.cache import load
from tests.responses import check_response

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests import servers
    from tests.conftest import Cli, Database

CATALOG = load()

REQUESTS: dict[str, list[dict[str, Any]]] = {
    "projects.create": [{"name": "made/here", "description": "x", "tags": ["b", "a"]}],
    "projects.get_by_id": [{"project": "$vision"}],
    "projects.get_all": [{}, {"only_fields": ["id", "path", "tags"]}, {"search_text": "the"}],
    "projects.get_all_ex": [{}, {"include_stats": True}, {"include_stats": True, "stats_for_state": None}],
    "projects.update": [{"project": "$vision"}, {"project": "$vision", "name": "visions", "tags": ["x"]}],
    "projects.validate_delete": [{"project": "$nlp"}],
    "projects.delete": [
        {"project": "$nlp", "force": True},
        {"project": "$vision", "force": True, "delete_contents": True},
    ],
    "projects.move": [{"project": "$nlp", "new_location": "vision/made"}, {"project": "$nlp"}],
    "projects.merge": [{"project": "$forecasting", "destination_project": "$tabular"}, {"project": "$speech"}],
    "projects.get_unique_metric_variants": [{}, {"project": "$vision"}],
    "projects.get_hyper_parameters": [{}, {"page": 1, "page_size": 2}],
    "projects.get_task_tags": [{"include_system": True}],
    "projects.get_model_tags": [{"include_system": True, "projects": ["$vision"]}],
    "projects.get_project_tags": [{"include_system": True, "projects": ["$vision"]}],
    "projects.get_hyperparam_values": [{"section": "Args", "name": "lr"}],
    "projects.get_model_metadata_keys": [{}],
    "projects.get_model_metadata_values": [{"key": "accuracy"}],
    "projects.get_task_parents": [{}, {"projects": [None, "$vision"]}],
    "projects.get_user_names": [{}, {"entity": "model"}],
    "projects.make_public": [{"ids": ["$vision"]}],
    "projects.make_private": [{"ids": ["$examples"]}],
}


@pytest.fixture
def sampled(standalone: servers.Server) -> Iterator[tuple[Database, dict[str, str]]]:
    """The sample in a database with the server's indexes, and the ids of its projects at the top level."""
    from tests.conftest import Database

    name = standalone.borrow_indexed()
    with pymongo.MongoClient[dict[str, Any]](standalone.uri) as client:
        for collection, documents in sample(COMMUNITY_COMPANY).items():
            client[name][collection].insert_many(documents)
        ids = {found["name"]: found["_id"] for found in client[name].project.find()}
    yield Database(standalone.uri, name), ids
    standalone.give_back(name)


def test_every_endpoint_is_tried() -> None:
    assert REQUESTS.keys() == {endpoint.name for endpoint in CATALOG.endpoints()}


@pytest.mark.parametrize("endpoint", sorted(REQUESTS))
def test_an_answer_is_what_the_schema_says(endpoint: str, sampled: tuple[Database, dict[str, str]], cli: Cli) -> None:
    database, ids = sampled
    lines = [
        json.dumps({"id": number, "endpoint": endpoint, "params": _filled(request, ids)})
        for number, request in enumerate(REQUESTS[endpoint])
    ]
    result = cli(
        "batch",
        "-",
        uri=database.uri,
        stdin="\n".join(lines) + "\n",
        PROJECTS_DATABASE=database.name,
        PROJECTS_USER="Ana Souza",
    )
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [answer["ok"] for answer in answers] == [True] * len(lines), result.stdout
    for answer in answers:
        assert answer["data"]
        check_response(CATALOG, endpoint, None, answer["data"])


def test_a_wrong_answer_would_be_noticed() -> None:
    with pytest.raises(Exception, match="deleted"):
        check_response(CATALOG, "projects.delete", None, {"deleted": "two"})


def _filled(value: Any, ids: dict[str, str]) -> Any:
    """Put ids in the place of `$name`."""
    if isinstance(value, dict):
        return {key: _filled(item, ids) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, ids) for item in value]
    return ids[value[1:]] if isinstance(value, str) and value.startswith("$") else value


# --- patterns that explode ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "^(a*)*b$", "(.*)*x(.*)*y"])
def test_a_pattern_that_explodes_ends_with_what_was_found_or_a_clear_error(
    pattern: str, sampled: tuple[Database, dict[str, str]], cli: Cli
) -> None:
    database, _ = sampled
    with pymongo.MongoClient[dict[str, Any]](database.uri) as client:
        text = "a" * 5000 + "!"
        client[database.name].project.update_many({}, {"$set": {"description": text}})
    result = cli(
        "list", "--description", pattern, "--json", "--timeout", "2", uri=database.uri, PROJECTS_DATABASE=database.name
    )
    if result.exit_code == 0:
        assert json.loads(result.stdout).keys() == {"projects"}
    else:
        assert result.exit_code in {1, 69}
        assert json.loads(result.stderr)["error"]["name"] in {"DatabaseTimeout", "DatabaseError", "InvalidRegexError"}


@pytest.mark.parametrize("pattern", ["[red", "(", "*a", "a{2,1}", "(?P<n", "\\"])
def test_a_pattern_that_mongodb_refuses_is_a_clear_error(
    pattern: str, sampled: tuple[Database, dict[str, str]], cli: Cli
) -> None:
    database, _ = sampled
    for option in ("--name", "--description"):
        result = cli(
            "list",
            option,
            pattern,
            "--json",
            uri=database.uri,
            PROJECTS_DATABASE=database.name,
            PROJECTS_USER="Ana Souza",
        )
        error = json.loads(result.stderr)["error"]
        assert (result.exit_code, error["name"], error["code"], error["subcode"]) == (2, "InvalidRegexError", 400, 21)
        assert error["hint"]
