"""The columns of `projects list`, ids cut for a terminal, and the notice about hidden projects."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.running import on_terminal
from tests.worlds.site import COMPANY, OTHER

if TYPE_CHECKING:
    from tests.worlds.site import Site

NAMES = ("Ada", "Bob")
STARTED = datetime(2024, 1, 9, 8, tzinfo=UTC)


@pytest.fixture
def owned(site: Site) -> Site:
    """Return a site with two projects of two owners, one with tasks and a model, and a hidden project."""
    site.documents.user.insert_many([{"_id": f"id-{name}", "name": name, "company": COMPANY} for name in NAMES])
    site.project("vision", user="id-Ada", tags=["prod", "gpu"], _id="a" * 32)
    site.project("vision/detector", user="id-Bob", _id="b" * 32)
    site.task(site.named("vision/detector")["_id"], status="completed", started=STARTED, completed=STARTED)
    site.model(site.named("vision/detector")["_id"])
    site.project("vision/.pipelines", user="id-Bob", system_tags=["hidden"], _id="c" * 32)
    return site


def cells(text: str) -> list[list[str]]:
    return [line.split("\t") for line in text.splitlines()]


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        (["--columns", "name,owner"], [["NAME", "OWNER"], ["vision", "Ada"], ["vision/detector", "Bob"]]),
        (["--columns", "Sub-Projects, own-tasks,TASKS"], [["SUB-PROJECTS", "OWN TASKS", "TASKS"], ["1", "0", "1"]]),
        (["--fields", "OWNER,last-run"], [["OWNER", "LAST RUN"], ["Ada", "2024-01-09T08:00:00+00:00"]]),
        (["--fields", "updated"], [["UPDATED"], *[["2024-01-09T08:00:00+00:00"]] * 2]),
        (["--columns", "models,files,dataset size"], [["MODELS", "FILES", "DATASET SIZE"], ["1", "", ""]]),
    ],
)
def test_columns_are_chosen_by_their_headings(owned: Site, options: list[str], rows: list[list[str]]) -> None:
    assert cells(owned.text("list", *options))[: len(rows)] == rows


def test_columns_that_order_a_list_are_not_added_to_it(owned: Site) -> None:
    fields = ["--sort-by", "-models,-name", "--columns", "id,owner", "--limit", "1"]
    assert owned.json("list", *fields)["projects"] == [{"id": "b" * 32, "owner": {"name": "Bob"}}]
    ordered = owned.json("list", "--sort-by", "-owner,-created", "--only-fields", "name")["projects"]
    assert [project["name"] for project in ordered] == ["vision/detector", "vision"]
    assert all(project.keys() <= {"id", "name"} for project in ordered)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--columns", "name,ownr"], "--columns: unknown column 'ownr'"),
        (["--sort-by", "-foo"], "--sort-by: unknown column 'foo'"),
        (["--columns", "name", "--fields", "id"], "--columns and --fields can't be used together"),
    ],
)
def test_errors_name_the_column(owned: Site, options: list[str], message: str) -> None:
    assert owned.error("list", *options, status=2)["message"] == message


def test_wide_has_all_columns_and_whole_ids(owned: Site) -> None:
    heading, *rows = owned.text("list", "-o", "wide").splitlines()
    assert heading.split() == (
        "NAME TAGS TASKS RUNNING COMPLETED FAILED RUNTIME LAST RUN MODELS OWNER SUB-PROJECTS CREATED UPDATED ID".split()
    )
    assert [row.split()[-1] for row in rows] == ["a" * 32, "b" * 32]
    seen = on_terminal(owned, "list", "-o", "wide", columns=80).plain
    assert "a" * 32 in seen
    assert "SUB-PROJECTS" in seen


def test_a_table_that_was_asked_for_is_aligned_in_a_pipe(owned: Site) -> None:
    owned.project("x" * 300, tags=["a tag " * 20, "b"])
    heading, *rows = owned.text("list", "-o", "table").splitlines()
    assert "\t" not in heading
    assert {row.index(owned.named(row.split()[0])["_id"]) for row in rows} == {heading.index("ID")}
    assert "a tag " * 20 in rows[-1]
    assert owned.text("list", "-o", "table", "--name", "^nowhere").split() == ["NAME", "TAGS", "UPDATED", "ID"]


def test_one_object_in_a_pipe_has_a_line_for_each_field(owned: Site) -> None:
    lines = cells(owned.text("get", "vision"))
    assert ["name", "vision"] in lines
    assert ["tags", "gpu, prod"] in lines
    assert all(len(line) == 2 and line[1] for line in lines)
    assert ["name", "vision"] in [line.split() for line in owned.text("get", "vision", "-o", "table").splitlines()]
    assert owned.text("get", "vision", "--fields", "name,id", "--no-header") == f"vision\t{'a' * 32}\n"


def test_ids_end_with_nul_for_xargs(owned: Site) -> None:
    ids = owned.text("list", "-o", "id0")
    assert ids == f"{'a' * 32}\0{'b' * 32}\0"
    counted = subprocess.run(["xargs", "-0", "-n1", "echo"], input=ids, capture_output=True, text=True, check=True)
    assert counted.stdout.split() == ["a" * 32, "b" * 32]
    assert "the response of this command has no ids" in owned("status", "-o", "id0").stderr


# --- ids on a terminal --------------------------------------------------------------------------------------------


def short_ids(site: Site, *options: str) -> list[str]:
    """Return the ids that a terminal shows."""
    seen = on_terminal(site, "list", "--no-header", "--columns", "id", *options)
    assert seen.status == 0, seen.plain
    return [line.strip() for line in seen.plain.splitlines() if line.strip() and "hidden" not in line]


def test_ids_are_cut_to_what_names_no_other_project(site: Site) -> None:
    """Also one of another page, a hidden one, a name, and an id of another type."""
    digits = "0123456789abcdef" * 2
    site.project("alone", _id=digits)
    site.project("alike", _id="f" * 10 + digits[:22])
    site.project("hidden", _id="f" * 12 + digits[:20], system_tags=["hidden"])
    site.project("public", _id="f" * 11 + "0" * 21, company="")
    site.project("of others", _id="0123456789" + "f" * 22, company=OTHER)
    site.project("named", _id="12345678" + "a" * 24)
    site.project("12345678", _id="d" * 32)
    site.project("number", _id="87654321" + "a" * 24)
    site.documents.project.insert_one({**site.named("number"), "_id": 87654321, "name": "other type"})
    site.project("custom", _id="my-own-id")
    shown = dict(zip(site.text("list", "--fields", "name", "--no-header").splitlines(), short_ids(site), strict=True))
    assert shown == {
        "alone": "01234567",
        "alike": "f" * 10 + "0",
        "public": "f" * 11 + "0",
        "named": "12345678a",
        "12345678": "dddddddd",
        "number": "87654321a",
        "other type": "87654321",
        "custom": "my-own-id",
    }
    for name, identifier in shown.items():
        assert site.text("get", identifier, "--fields", "name", "--no-header") == f"{name}\n"
        assert name in site.text("list", "--id", identifier, "--fields", "name")
    assert short_ids(site, "-o", "wide", "--name", "^alone") == [digits]
    assert site.error("get", "f" * 10, status=2)["message"].count("fffff") >= 4
    assert site.error("list", "--id", "f" * 10, status=2)["message"].startswith("'ffffffffff' matches several projects")


def test_ids_that_all_begin_alike_are_told_apart(site: Site) -> None:
    template = site.named("vision") if site.project("vision") else {}
    ids = [f"{'e' * 20}{number:012x}" for number in range(2500)]
    site.documents.project.delete_many({})
    site.documents.project.insert_many([{**template, "_id": identifier, "name": identifier[-4:]} for identifier in ids])
    shown = short_ids(site, "--sort-by", "id")
    assert len(set(shown)) == 2500
    assert all(full.startswith(short) for full, short in zip(ids, shown, strict=True))


@pytest.mark.parametrize("output", ["json", "jsonl", "yaml", "csv", "tsv", "id"])
def test_programs_get_whole_ids(owned: Site, output: str) -> None:
    assert "a" * 32 in on_terminal(owned, "list", "-o", output).plain


# --- hidden projects ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "notice"),
    [
        ([], "1 hidden project was left out: see --hidden\n"),
        (["--stats", "--name", "vision", "--limit", "1"], "1 hidden project was left out: see --hidden\n"),
        (["--owner", "Ada"], ""),
        (["--hidden"], ""),
        (["--id", "a" * 32], ""),
        (["--quiet"], ""),
    ],
)
def test_a_notice_counts_the_hidden_projects_that_were_left_out(owned: Site, options: list[str], notice: str) -> None:
    result = owned("list", *options)
    assert (result.exit_code, result.stderr) == (0, notice)


def test_an_empty_list_names_the_hidden_projects(owned: Site) -> None:
    result = owned("list", "--name", "pipelines", "--fail-if-empty")
    assert result.exit_code == 6
    assert "1 hidden project was left out: see --hidden" in result.stderr
    assert json.loads(owned("list", "--json").stdout)["projects"]
    assert not owned("list", "--json").stderr


# --- what a script reads is accepted ------------------------------------------------------------------------------

ODD_NAMES = (
    "two\nlines",
    "a tab\there",
    "esc\x1b[31m and nul\x00",
    "c:\\new\\table",
    "\u202eright to left",
    " spaces at both ends ",
    "(regex)+ [a-z]$ ^.*",
    "日本語\u200fx",
    "\x7f" * 600,
)


def test_names_of_a_list_are_accepted_as_arguments(site: Site) -> None:
    ids = {site.project(name, _id=f"{number:032x}"): name for number, name in enumerate(ODD_NAMES, 1)}
    names = site.text("list", "--fields", "name", "-o", "tsv", "--no-header", "--sort-by", "id")
    assert len(names.splitlines()) == len(ids)
    for identifier, shown in zip(ids, names.splitlines(), strict=True):
        assert site.json("get", shown)["project"]["id"] == identifier
    assert len(site.text("get-by-id", "-", "-o", "id", stdin=names.splitlines()[0]).split()) == 1
    assert site.json("delete", "-", "--yes", stdin=names)["deleted"] == len(ids)


def test_json_lines_are_accepted_as_arguments(site: Site) -> None:
    ids = {site.project(name, _id=f"{number:032x}"): name for number, name in enumerate(ODD_NAMES, 1)}
    for line in site.text("list", "-o", "jsonl").splitlines():
        record = json.loads(line)
        assert ids[record["id"]] == record["name"]
        if "\0" not in record["name"]:  # no argument of any program has that character
            assert site.json("get", record["name"])["project"]["id"] == record["id"]


def test_a_name_that_two_projects_are_displayed_with_is_ambiguous(site: Site) -> None:
    """A change must not reach the wrong one of them; the ids distinguish them."""
    literal, lines = site.project("a\\nb"), site.project("a\nb")
    error = site.error("delete", "a\\nb", "--yes", status=2)
    assert literal in error["message"]
    assert lines in error["message"]
    assert site.json("get", literal)["project"]["name"] == "a\\nb"
    assert site.json("get", "a\nb")["project"]["id"] == lines, "which only one project has"


def test_a_dry_run_shows_the_same_ids(site: Site) -> None:
    digits = "0123456789abcdef" * 2
    site.project("vision", _id=digits)
    site.project("vision/alike", _id=digits[:8] + "f" * 24)
    command = ("delete", "vision", "--dry-run")
    seen = on_terminal(site, *command, "--no-header")
    assert [line.split()[-2] for line in seen.plain.splitlines() if line.startswith("delete")] == [
        "01234567f", "012345678",
    ]  # fmt: skip
    for options in (("-o", "wide"), ("-o", "json")):
        assert digits in on_terminal(site, *command, *options).plain
    assert digits in site.text(*command)
