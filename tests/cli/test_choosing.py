"""`--fields`, `--query`, `--no-header` and `--time`: the selection and the format of a response."""

from __future__ import annotations

import csv
import io
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from tests.conftest import Cli
    from tests.worlds.site import Site

ID = "0123456789abcdef0123456789abcdef"
NOWHERE = "mongodb://127.0.0.1:1"


@pytest.fixture
def two(site: Site) -> Site:
    site.project("vision", _id=ID, tags=["prod", "gpu"], description="Road signs")
    site.project("audio", _id="a" * 32)
    return site


def refused(cli: Cli, *arguments: str) -> dict[str, Any]:
    """Return the error of a command that is refused before it connects to a database that does not exist."""
    result = cli(*arguments, "--json", uri=NOWHERE)
    assert (result.exit_code, result.stdout) == (2, "")
    error: dict[str, Any] = json.loads(result.stderr)["error"]
    return error


# --- --fields -----------------------------------------------------------------------------------------------------


def test_fields_are_the_keys_and_the_columns_in_their_order(two: Site) -> None:
    chosen = ("list", "--fields", "tags,name")
    assert two.json(*chosen) == {
        "projects": [{"tags": [], "name": "audio"}, {"tags": ["gpu", "prod"], "name": "vision"}]
    }
    assert two.text(*chosen) == "TAGS\tNAME\n\taudio\ngpu, prod\tvision\n"
    assert two.text(*chosen, "-o", "tsv") == "tags\tname\n\taudio\ngpu, prod\tvision\n"
    assert two.text(*chosen, "-o", "csv").splitlines()[2] == '"gpu, prod",vision'
    assert two.text(*chosen, "-o", "jsonl").splitlines()[1] == '{"tags":["gpu","prod"],"name":"vision"}'
    assert yaml.safe_load(two.text(*chosen, "-o", "yaml"))["projects"][0] == {"tags": [], "name": "audio"}


def test_fields_of_one_record_and_of_a_change(two: Site) -> None:
    assert two.json("get", "vision", "--fields", "name,path") == {"project": {"name": "vision", "path": []}}
    assert two.json("update", "vision", "-d", "x", "--fields", "updated") == {"updated": 1}
    assert two.text("update", "vision", "-d", "y", "--fields", "fields.description") == "fields.description\ty\n"


def test_a_list_fetches_no_more_than_the_fields_and_also_those_that_it_does_not_show_by_itself(two: Site) -> None:
    two.project("vision/deep", company_origin="x")
    assert two.text("list", "--name", "deep", "--fields", "company_origin,path") == f"COMPANY_ORIGIN\tPATH\nx\t{ID}\n"


@pytest.mark.parametrize(
    "chosen",
    [("--fields", "name"), ("--only-fields", "name"), ("--only-fields=-id",), ("--stats", "--fields", "stats")],
)
def test_ids_are_there_whatever_was_chosen(two: Site, chosen: tuple[str, ...]) -> None:
    assert two.text("list", "-o", "id", *chosen) == f"{'a' * 32}\n{ID}\n"


def test_fields_reach_into_the_statistics(two: Site) -> None:
    two.task(ID, status="failed")
    chosen = ("list", "--stats", "--name", "vision", "--fields", "name,stats.*.total_tasks,stats.active.status_count")
    (record,) = two.json(*chosen)["projects"]
    assert record["stats"]["active"].keys() == {"total_tasks", "status_count"}
    heading, row = two.text(*chosen).splitlines()
    assert heading.split("\t") == ["NAME", "TASKS", "STATS.ACTIVE.STATUS_COUNT"]
    assert row.split("\t")[:2] == ["vision", "1"]
    two.task(ID)
    assert two.text("list", "--stats", "--name", "vision", "--fields", "stats.*.total_tasks") == "TASKS\n2\n"


def test_fields_help_lists_what_there_is_without_a_database(cli: Cli) -> None:
    result = cli("list", "--fields", "help", uri=NOWHERE)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[:3] == ["FIELD\tCOLUMN", "id\tID", "name\tNAME"]
    assert "company_origin\t" in result.stdout.splitlines()
    listed = json.loads(cli("metrics", "--fields", "help", "--json", uri=NOWHERE).stdout)
    assert [one["field"] for one in listed["fields"]] == ["metric", "variant", "metric_hash", "variant_hash"]


@pytest.mark.parametrize(
    "command", [("list",), ("get", "x"), ("delete", "x"), ("history",), ("undo",), ("schema",), ("call", "get_all")]
)
def test_every_command_lists_its_fields_and_refuses_others(cli: Cli, command: tuple[str, ...]) -> None:
    result = cli(*command, "--fields", "help", "-o", "jsonl", uri=NOWHERE)
    assert result.exit_code == 0, result.stderr
    first = json.loads(result.stdout.splitlines()[0])["field"]
    error = refused(cli, *command, "--fields", f"{first}x")
    assert (error["name"], error["hint"]) == ("UsageError", f"did you mean {first!r}?")


def test_an_unknown_field_changes_nothing(two: Site) -> None:
    error = two.error("delete", "vision", "--yes", "--fields", "deletd", status=2)
    assert error["hint"] == "did you mean 'deleted'?"


def test_a_dry_run_has_the_fields_of_the_plan(two: Site) -> None:
    assert two.text("delete", "vision", "-n", "--fields", "action,name").splitlines() == [
        "ACTION\tNAME",
        "delete\tvision",
    ]
    assert two.json("delete", "vision", "-n", "--fields", "name")["steps"] == [{"name": "vision"}]


def test_batch_takes_neither_fields_nor_query(cli: Cli) -> None:
    for option in (("--fields", "id"), ("--query", "id")):
        assert refused(cli, "batch", "-", *option)["name"] == "UsageError"


# --- --query ------------------------------------------------------------------------------------------------------

QUERIES: dict[str, tuple[str, dict[str, str]]] = {
    "objects": (
        "projects[].{name: name, n: length(tags)}",
        {
            "table": "name    n\naudio   0\nvision  2\n",
            "csv": "name,n\naudio,0\nvision,2\n",
            "json": '[{"n":0,"name":"audio"},{"n":2,"name":"vision"}]\n',
            "jsonl": '{"name":"audio","n":0}\n{"name":"vision","n":2}\n',
        },
    ),
    "lists": (
        "projects[].[name, tags]",
        {"table": "audio\nvision  gpu, prod\n", "csv": 'audio,\nvision,"gpu, prod"\n'},
    ),
    "plain values": (
        "projects[].name",
        {"table": "audio\nvision\n", "json": '["audio","vision"]\n', "yaml": "- audio\n- vision\n"},
    ),
    "a number": ("length(projects)", {"table": "2\n", "json": "2\n", "jsonl": "2\n", "yaml": "2\n", "tsv": "2\n"}),
    "an object": (
        "projects[1].{a.b: name}".replace("a.b", '"a.b"'),
        {"table": "a.b  vision\n", "json": '{"a.b":"vision"}\n'},
    ),
    "a literal as it was written once": ("`name`", {"table": "name\n", "json": '"name"\n'}),
    "nothing": ("nowhere", {"table": "", "json": "null\n", "yaml": "null\n", "csv": ""}),
    "none of them": ("projects[?name=='x']", {"table": "", "json": "[]\n", "jsonl": "", "yaml": "[]\n"}),
}


@pytest.mark.parametrize(
    ("expression", "output", "text"),
    [(expression, output, text) for expression, texts in QUERIES.values() for output, text in texts.items()],
)
def test_a_query_in_each_format(two: Site, expression: str, output: str, text: str) -> None:
    result = two("list", "--query", expression, "-o", output)
    assert result.exit_code == 0, result.stderr
    shown = json.loads(result.stdout) if output == "json" else result.stdout
    assert shown == (json.loads(text) if output == "json" else text)


@pytest.mark.parametrize("expression", ["", "projects[", "a..b", "'", "(" * 5000])
def test_a_bad_expression_is_refused_before_the_database_is_asked(cli: Cli, expression: str) -> None:
    error = refused(cli, "list", f"--query={expression}")
    assert error["message"].startswith("--query: invalid JMESPath: ")
    assert "\n" not in error["message"]


def test_an_unknown_function_is_refused_as_early(cli: Cli) -> None:
    error = refused(cli, "list", "--query", "sort_by(projects, &lenght(name))")
    assert (error["message"], "length" in error["hint"]) == ("--query: unknown function 'lenght'", True)


def test_a_function_that_does_not_fit_the_answer_is_told(two: Site) -> None:
    error = two.error("list", "--query", "length(@.projects[0].featured)", status=2)
    assert error["message"].startswith("--query does not apply to the response: ")
    assert "itself has succeeded" in error["hint"]


EXPLODING = {
    "nested lists": " | ".join(["[@, @]"] * 60),
    "nested objects": " | ".join(["{a: @, b: @}"] * 60),
    "flattened lists": "projects | " + " | ".join(["[@, @][]"] * 60),
    "joined text": "projects[0].name | " + " | ".join(["join('', [@, @])"] * 60),
    "many large texts": "projects[0].name | "
    + " | ".join(["join('', [@, @])"] * 19)
    + " | ["
    + ",".join(["join('',[@,@,@,@])"] * 400)
    + "]",
    "one join of many": "projects[0].name | "
    + " | ".join(["join('', [@, @])"] * 19)
    + f" | join('', [{','.join('@' * 2000)}])",
    "text of nested lists": " | ".join(["[@, @]"] * 60) + " | to_string(@)",
    "comparison": f"[{' | '.join(['[@, @]'] * 60)}] == [{' | '.join(['[@, @]'] * 60)}]",
    "error message": " | ".join(["[@, @]"] * 60) + " | sum(@)",
    "mapped lists": " | ".join(["map(&[@, @], [@, @])"] * 60),
    "projections": "[projects, projects]" + " | [*].[@, @]" * 60,
    "slices": "[projects]" + " | [@[:], @[:]]" * 60,
    "merged": "{a: projects}" + " | merge({b: @}, {c: @})" * 60,
}


@pytest.mark.parametrize("kind", EXPLODING)
def test_a_query_that_explodes_is_refused(two: Site, kind: str) -> None:
    started = time.process_time()
    error = two.error("list", "--query", EXPLODING[kind], status=2)
    assert error["message"] in {
        "--query: the result is many times larger than the response",
        "--query: evaluating the expression takes too long",
    }
    assert "[[" not in error["message"]
    assert time.process_time() - started < 15


def test_a_query_that_takes_too_long_is_refused(two: Site) -> None:
    expression = "`1`"
    for _ in range(6):  # each level evaluates the one below for each of its items
        expression = f"length(`{list(range(100))}`[].{{a: {expression}}})"
    error = two.error("list", "--query", expression, status=2)
    assert error["message"] == "--query: evaluating the expression takes too long"


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("projects[::0]", "slice step cannot be zero"),
        ("contains('a', `1`)", "does not apply"),
        ("ceil(to_number('1e999'))", "does not apply"),
        ("sum(@)", "sum() expects array-number, got object"),
        ("sort_by(projects, &tags)", "sort_by() expects"),
        ("(" * 5000 + "a" + ")" * 4999, "nested too deeply"),
        ("a" * 10_001, "more than 10000 characters"),
        ("!" * 5000 + "a", "nested too deeply"),
    ],
)
def test_a_query_that_does_not_apply_is_refused_in_words(two: Site, expression: str, words: str) -> None:
    error = two.error("list", "--query", expression, status=2)
    assert words in error["message"]
    assert len(error["message"]) < 300


def test_a_query_of_a_large_response_is_evaluated(two: Site) -> None:
    """The limits grow with the response: what a query usually does stays far below them."""
    for number in range(300):
        two.project(f"large {number}", description="x" * 5000)
    fields = "{id: id, name: name, about: description, again: description, all: @}"
    found = two.json("list", "--query", f"sort_by(projects, &name)[].{fields} | {{rows: @, count: length(@)}}")
    assert found["count"] == len(found["rows"]) == 302


def test_a_query_sees_only_the_chosen_fields(two: Site) -> None:
    assert two.json("list", "--fields", "name", "--query", "projects[].[name, id]") == [
        ["audio", None],
        ["vision", None],
    ]


def test_a_query_that_takes_nothing_is_a_finding_where_that_was_asked_for(two: Site) -> None:
    assert two("list", "--query", "projects[?name=='x']", "--fail-if-empty").exit_code == 6


def test_query_and_ids_do_not_go_together(cli: Cli) -> None:
    assert "cannot be used together" in cli("list", "--query", "projects", "-o", "id", uri=NOWHERE).stderr


def test_what_a_query_takes_is_made_harmless_too(two: Site) -> None:
    two.project("a\x1b[31m\u202eb", _id="b" * 32)
    for output in ("table", "json", "jsonl", "yaml", "csv", "tsv"):
        for query in ("projects[].{name: name}", r'projects[].{"\u001b[31m\u202e\t": name}'):
            text = two.text("list", "--query", query, "-o", output)
            assert not {"\x1b", "\u202e"} & set(text), output


def test_a_heading_is_harmless_too(two: Site) -> None:
    text = two.text("list", "--stats", "--fields", "stats.\x1b[31m\u202e")
    assert text.splitlines()[0] == "STATS.\\x1b[31M\\u202e"


# --- --no-header and --time ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("output", ["table", "tsv", "csv"])
def test_no_header_leaves_the_heading_out(two: Site, output: str) -> None:
    with_heading = two.text("list", "-o", output)
    assert two.text("list", "-o", output, "--no-header") == with_heading.partition("\n")[2]
    assert two.text("list", "-o", output, PROJECTS_NO_HEADER="1") == with_heading.partition("\n")[2]


def test_times_have_the_form_that_was_asked_for(two: Site) -> None:
    def updated(*arguments: str, **environment: str) -> str:
        text = two.text("list", "--name", "vision", "--fields", "last_update", "--no-header", *arguments, **environment)
        return text.rstrip("\n")

    assert updated() == updated("--time", "iso") == "2024-01-09T08:00:00+00:00"
    assert updated("--time", "absolute") == "2024-01-09 08:00Z"
    assert updated("--time", "relative").endswith("years ago")
    assert updated("-o", "csv", PROJECTS_TIME="absolute") == "2024-01-09 08:00Z"


def test_json_keeps_its_times(two: Site) -> None:
    (one,) = two.json("list", "--name", "vision", "--fields", "last_update", "--time", "relative")["projects"]
    assert one == {"last_update": "2024-01-09T08:00:00+00:00"}


def test_an_unknown_form_of_time_is_refused(cli: Cli) -> None:
    assert "'local' is not one of relative, absolute, iso" in refused(cli, "list", "--time", "local")["message"]


def test_a_history_has_times_too(two: Site) -> None:
    two.text("update", "vision", "-d", "x")
    (row,) = csv.DictReader(io.StringIO(two.text("history", "-o", "csv", "--time", "relative")))
    assert row["started"].endswith(" ago")
