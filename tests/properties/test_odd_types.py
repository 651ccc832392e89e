"""Every BSON type in every field: no command fails, and no output has Python's own form of a value."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import pytest
import yaml

from projects_cli.cli.completion.fetch import names_by_kind
from projects_cli.diagnosis.findings import EXAMPLES
from projects_cli.endpoints import address
from projects_cli.store.client import connect
from projects_cli.store.collections import open_store
from tests import servers
from tests.properties.odd_values import NO_ID, PROJECT_FIELDS, REPR, VALUES, fill, member, sound, write
from tests.worlds.site import COMPANY, OTHER, Document, Site, empty_site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Cli
    from tests.servers import Server

TEXTS = {"empty text", "operator", "not UTF-8"}
"""Kinds whose value is a text."""

FORMATS = ("json", "jsonl", "yaml", "csv", "tsv", "id", "table")
LISTS: tuple[tuple[str, ...], ...] = (
    ("list",),
    ("list", "--stats"),
    ("list", "--stats", "--state", "all", "--page-size", "3"),
    ("list", "--stats", "--only-fields", "name,user.name,parent.name,company.name"),
    ("list", "--non-public", "--only-fields", "id,path,company_origin,logo_blob,user.*,parent.*"),
    ("list", "--only-fields", "id,path,company_origin,logo_blob,user,parent"),
    ("list", "--all", "name,tags,user,parent,id,path,description,created=a"),
    ("list", "--any", "name,tags,user,parent,id,path,description,created=a"),
    ("list", "--name", "odd", "--description", ".", "--tag", "prod"),
    ("list", "--no-tags"),
    ("list", "--time", "relative"),
    ("list", "--time", "absolute"),
    ("list", "--query", "projects[].[id, name, tags, user]"),
    ("list", "--fields", "id,name,tags,user,parent,created,last_update,featured"),
)
ORDERS = (
    *("id", "name", "basename", "description", "user", "parent", "path", "tags", "system_tags", "created"),
    *("last_update", "company_origin", "featured", "name,tags", "user,parent,-path", "tags,name", "-parent,-user"),
)
OTHERS: tuple[tuple[str, ...], ...] = (
    ("metrics",),
    ("metrics", "whole"),
    ("hyperparams",),
    ("hyperparams", "whole"),
    ("task-tags", "--include-system"),
    ("task-tags", "--project", "whole", "--filter-tag", "edge"),
    ("model-tags", "--include-system"),
    ("project-tags", "--include-system"),
    ("task-parents",),
    ("task-parents", "--project", "whole", "--no-project", "--state", "active"),
    ("users",),
    ("users", "--models", "--own", "--project", "whole"),
    ("hyperparam-values", "Args", "x"),
    ("model-metadata-keys", "whole"),
    ("model-metadata-values", "key"),
    ("metrics", "--models"),
    ("stats",),
    ("stats", "whole"),
    ("top", "--by", "age", "-L", "1000"),
    ("top", "--by", "last-run", "--hidden", "-L", "1000"),
    ("activity", "--since", "0001-01-01", "--by", "user"),
    ("activity", "--since", "0001-01-01", "--by", "project"),
    ("activity", "whole", "--since", "1900-01-01", "--by", "week"),
    ("report", "--since", "1900-01-01"),
    ("report", "whole", "--html", "-"),
    ("status",),
    ("indexes", "plan"),
    ("history",),
)


class Odd(NamedTuple):
    """A database with values of every type in every field, and its projects."""

    server: Server
    name: str
    projects: list[Document]


@pytest.fixture(scope="module")
def odd(standalone: Server) -> Iterator[Odd]:
    """Fill the database once: the commands of this file only read it."""
    name = servers.new_name()
    yield Odd(standalone, name, fill(Site(cast("Cli", None), standalone, name), *VALUES))
    standalone.drop(name)


@pytest.fixture
def site(odd: Odd, cli: Cli) -> Site:
    return Site(cli, odd.server, odd.name)


def check(site: Site, *arguments: str, statuses: tuple[int, ...] = (0,)) -> str:
    """Run a command; returns its output, in which no value has Python's form."""
    result = site(*arguments)
    assert result.exit_code in statuses, (arguments, result.stderr, result.exception)
    for text in (result.stdout, result.stderr):
        assert "unexpected" not in text, (arguments, text)
        assert not REPR.search(text), (arguments, text)
    return str(result.stdout)


def records(text: str, output: str) -> list[Any]:
    """Return the projects of an answer in a format that has types."""
    if output == "jsonl":
        return [json.loads(line) for line in text.splitlines()]
    document = json.loads(text) if output == "json" else yaml.safe_load(text)
    return list(document["projects"]) if isinstance(document, dict) and "projects" in document else []


NARROWING = {"--all", "--any", "--name", "--no-tags", "--page-size", "--query"}


@pytest.mark.parametrize("output", FORMATS)
@pytest.mark.parametrize("command", LISTS, ids=" ".join)
def test_every_listing_has_every_project(site: Site, odd: Odd, command: tuple[str, ...], output: str) -> None:
    if output == "id" and "--query" in command:
        pytest.skip("a query chooses what is shown")
    text = check(site, *command, "-o", output)
    if NARROWING.isdisjoint(command):
        if output in ("json", "jsonl", "yaml"):
            assert len(records(text, output)) == len(odd.projects)
        elif output == "table":  # long cells are folded; without -o each project has one line in a pipe
            assert len(text.splitlines()) > len(odd.projects)
            assert len(check(site, *command).splitlines()) == len(odd.projects) + 1
        elif output != "csv":
            assert len(text.splitlines()) == len(odd.projects) + (output != "id")


@pytest.mark.parametrize("order", ORDERS)
def test_every_order_has_every_project_once(site: Site, odd: Odd, order: str) -> None:
    text = check(site, "list", "-o", "id", f"--order-by={order}")
    assert len(set(text.splitlines())) == len(odd.projects)
    first = check(site, "list", "-o", "id", f"--order-by={order}", "--page-size", "7", "--page", "3")
    assert first.splitlines() == text.splitlines()[21:28]


def shown_ids(site: Site) -> Iterator[tuple[Document, set[str]]]:
    """Yield each project with an odd id, and the ways in which the formats show the id."""
    rows = json.loads(check(site, "list", "--json"))["projects"]
    ids = check(site, "list", "-o", "id").splitlines()
    cells = [line.split("\t")[0] for line in check(site, "list", "-o", "tsv").splitlines()[1:]]
    for row, text, cell in zip(rows, ids, cells, strict=True):
        if str(row.get("name")).endswith("as id"):
            written = row["id"] if isinstance(row["id"], str) else json.dumps(row["id"])
            yield row, {text, cell or text, written, json.dumps(row["id"], indent=2) if written != row["id"] else text}


def test_every_project_is_addressed_by_what_the_list_shows(site: Site) -> None:
    rows = {row["name"]: names for row, names in shown_ids(site)}
    assert {name.removesuffix(" as id") for name in rows} == VALUES.keys() - NO_ID
    for project, names in rows.items():
        if project.removesuffix(" as id") in TEXTS:  # what they name is something else, or nothing
            continue
        for name in names:
            answer = json.loads(check(site, "get", "--json", "--", name))
            assert answer["project"]["name"] == project
            below = json.loads(check(site, "list", "--json", "--id", name))["projects"]
            assert [one["name"] for one in below] == [project]
            check(site, "metrics", "--", name)
            check(site, "hyperparams", "--", name)


def test_every_project_is_shown_alone(site: Site, odd: Odd) -> None:
    ids = [
        one["_id"] for one in odd.projects if isinstance(one["_id"], str) and re.fullmatch("[0-9a-f]{32}", one["_id"])
    ]
    for number, identifier in enumerate(ids):
        check(site, "get", identifier, "-o", FORMATS[number % len(FORMATS)])


@pytest.mark.parametrize("output", ["json", "yaml", "tsv", "table"])
@pytest.mark.parametrize("command", OTHERS, ids=" ".join)
def test_every_other_command_answers(site: Site, command: tuple[str, ...], output: str) -> None:
    check(site, *command, "-o", output)


@pytest.mark.parametrize("output", ["json", "yaml", "tsv", "table"])
def test_the_doctor_looks_at_all_of_them(site: Site, output: str) -> None:
    check(site, "doctor", "-o", output, statuses=(6,))
    check(site, "doctor", "--fix", "--dry-run", "-o", output)


def test_each_value_of_a_wrong_type_is_a_finding(site: Site) -> None:
    wrong = sum(is_wrong(kind, field) for kind in VALUES for field in PROJECT_FIELDS)
    ids = len(VALUES.keys() - NO_ID - {"operator", "empty text"})
    assert len(_found(site, "field-type")["examples"]) == EXAMPLES
    below = ids - 1  # each has a parent of a wrong type, but for the one below the id null
    assert _found(site, "field-type")["count"] == wrong + ids + below


def _found(site: Site, kind: str) -> Any:
    answer = json.loads(check(site, "--json", "doctor", "--only", kind, statuses=(6,)))
    return answer["findings"][0]


def is_wrong(kind: str, field: str) -> bool:
    """Return whether no server writes a value of this kind into a field."""
    if kind in ("null", "undefined") or field in ("tags", "system_tags", "path", "another"):
        return False
    dates = {"date", "date of the year 1"}
    fitting = {
        "created": dates,
        "last_update": dates,
        "featured": {"int", "zero", "Int64", "float", "NaN", "infinity"},
    }
    return kind not in fitting.get(field, {"empty text", "operator"})


def test_the_names_for_completion_are_found(site: Site, odd: Odd) -> None:
    connection = connect(site.server.uri, site.name, shown="", timeout=None)
    try:
        found = names_by_kind(address.names(open_store(connection, COMPANY), 10_000))
    finally:
        connection.close()
    assert len(found["ids"]) == len(odd.projects)


def test_a_company_of_another_type_is_another_company(standalone: Server, cli: Cli) -> None:
    """Also a list that holds the company, which MongoDB finds by its items."""
    with empty_site(standalone, cli) as site:
        whole = sound("a" * 32, "whole")
        write(site, "project", whole)
        write(site, "task", member("own", project=whole["_id"]))
        for number, value in enumerate([*VALUES.values(), [COMPANY], [COMPANY, OTHER], [""], [[COMPANY]]]):
            if value == "":  # public
                continue
            secret = {"company": value, "company_origin": value}
            write(site, "project", sound(f"{number:032x}", f"whole/secret {number}") | secret)
            write(site, "project", sound(f"f{number:031x}", "whole/secret", path=["a" * 32], parent="a" * 32) | secret)
            sums = {"tags": ["secret"], "hyperparams": {"secret": {"x": 1}}}
            names = {"last_metrics": {"h": {"v": {"metric": "secret", "variant": "secret"}}}}
            write(site, "task", member(f"t{number}", project=whole["_id"]) | secret | sums | names)
            write(site, "user", {"_id": f"secret {number}", "name": "secret", "company": value})
        for command in (*LISTS, *OTHERS, ("get", "whole"), ("doctor",)):
            text = check(site, "--json", *command, statuses=(0, 6))
            assert "secret" not in text, command
        assert json.loads(check(site, "--json", "list"))["projects"][0]["name"] == "whole"
        assert site("get", f"{0:032x}").exit_code == 3
        result = site("delete", "whole", "--force", "--json")
        assert json.loads(result.stdout)["deleted"] == 1
