"""A change for a company that the database does not know is refused, unless `--new-company` is given."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.worlds.site import COMPANY, OTHER, USER, Site, empty_site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Cli
    from tests.servers import Server

CREATE = ("create", "vision", "-d", "x")
REQUEST = {"endpoint": "projects.create", "params": {"name": "vision", "description": "x"}}
WAYS: tuple[tuple[tuple[str, ...], str | None], ...] = (
    (CREATE, None),
    ((*CREATE, "--yes", "--dry-run"), None),
    (("call", "projects.create", "--data", json.dumps(REQUEST["params"])), None),
)


@pytest.fixture
def empty(standalone: Server, cli: Cli) -> Iterator[Site]:
    """Provide an empty database, without a company."""
    with empty_site(standalone, cli) as site:
        site.documents.company.delete_many({})
        yield site


@pytest.mark.parametrize(("arguments", "stdin"), WAYS)
def test_an_empty_database_is_refused(empty: Site, arguments: tuple[str, ...], stdin: str | None) -> None:
    error = empty.error(*arguments, status=4, stdin=stdin)
    assert error["name"] == "UnknownCompany"
    assert error["message"] == f"the database '{empty.name}' has no company, project, user or task"
    assert "--new-company" in error["hint"]
    assert "the database was chosen by PROJECTS_DATABASE" in error["hint"]


@pytest.mark.parametrize(("arguments", "stdin"), WAYS)
def test_an_unknown_company_is_refused(empty: Site, arguments: tuple[str, ...], stdin: str | None) -> None:
    empty.project("public", company="")
    empty.project("theirs", company=OTHER)
    error = empty.error(*arguments, "--company", "acme", status=4, stdin=stdin)
    assert error["message"].startswith(f"the company 'acme' is unknown in the database '{empty.name}'")
    assert "the company was chosen by --company" in error["hint"]
    assert OTHER not in str(error)


def test_an_import_may_fill_an_empty_database_but_not_one_of_others(empty: Site, tmp_path: Path) -> None:
    empty.json(*CREATE, "--new-company")
    stored = list(empty.documents.project.find())
    file = str(tmp_path / "x.jsonl")
    empty.json("export", "--to", file)
    empty.documents.project.delete_many({})
    empty.json("import", file, "--yes")
    assert list(empty.documents.project.find()) == stored
    empty.documents.project.delete_many({})
    empty.project("theirs", company=OTHER)
    assert empty.error("import", file, "--yes", status=4)["name"] == "UnknownCompany"


def test_a_batch_refuses_each_line(empty: Site) -> None:
    lines = "".join(json.dumps(REQUEST | {"id": number}) + "\n" for number in (1, 2))
    result = empty("batch", "-", stdin=lines)
    assert result.exit_code == 5
    assert [json.loads(line)["error"]["name"] for line in result.stdout.splitlines()] == ["UnknownCompany"] * 2
    assert empty("batch", "-", "--new-company", stdin=lines).exit_code == 5  # the second name is taken
    assert empty.names() == ["vision"]


@pytest.mark.parametrize(
    ("collection", "document"),
    [
        ("company", {"_id": COMPANY}),
        ("project", {"_id": "1", "company": COMPANY, "name": "audio"}),
        ("user", {"_id": USER, "company": COMPANY, "name": "ann"}),
        ("task", {"_id": "1", "company": COMPANY, "name": "task"}),
    ],
)
def test_any_document_of_the_company_makes_it_known(empty: Site, collection: str, document: dict[str, Any]) -> None:
    empty.documents[collection].insert_one(document)
    assert empty.json(*CREATE)["id"]


@pytest.mark.parametrize("collection", ["project", "user", "task"])
@pytest.mark.parametrize("company", [OTHER, ""])
def test_documents_of_others_do_not(empty: Site, collection: str, company: str) -> None:
    empty.documents[collection].insert_one({"_id": "1", "company": company, "name": "audio"})
    assert empty.error(*CREATE, status=4)["name"] == "UnknownCompany"


def test_insisting(empty: Site) -> None:
    assert empty.json(*CREATE, "--new-company")["id"]
    assert empty.json("create", "audio", "-d", "x")["id"]
    again = empty("create", "vision", "-d", "x", "--company", "acme", PROJECTS_NEW_COMPANY="1")
    assert again.exit_code == 0, again.stderr


def test_reading_needs_no_company(empty: Site) -> None:
    assert empty.json("list") == {"projects": []}
    assert empty.json("status", "--no-journal")["counts"]["projects"] == {"own": 0, "public": 0}
