"""The formats: what each looks like, that none is ever broken by what is stored, and that empty answers are valid."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from projects_cli.errors import ExitStatus
from projects_cli.messages import PROJECT_FIELDS
from tests.worlds.site import COMPANY, Site, metrics

if TYPE_CHECKING:
    from collections.abc import Callable


ID = "0123456789abcdef0123456789abcdef"
NASTY = "a\x1b[31mred\x1b[0m\x07\tb\nc\r\x9b\u202eevil\u2066\u200f [bold]not bold[bold] :smile: é😀,\"'"
ESCAPED = "a\\x1b[31mred\\x1b[0m\\x07\\tb\\nc\\r\\x9b\\u202eevil\\u2066\\u200f [bold]not bold[bold] :smile: é😀,\"'"
FORMATS = ("table", "json", "jsonl", "yaml", "csv", "tsv", "id")


@pytest.fixture
def two(site: Site) -> Site:
    site.project("vision detector", _id=ID, tags=["prod", "gpu"], description="Road signs", parent="p", path=["p"])
    site.project("audio", _id="a" * 32)
    return site


def is_safe(text: str) -> bool:
    """Return whether a text has no control characters but line ends, which belong to the formats."""
    marks = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    return not any(
        (unicodedata.category(one) in {"Cc", "Cs", "Zl", "Zp"} and one not in "\n\t")
        or unicodedata.bidirectional(one) in marks
        or one in "\u200e\u200f\u061c"
        for one in text
    )


# --- each format --------------------------------------------------------------------------------------------------


def test_a_table_off_a_terminal_is_tab_separated_with_a_header_and_no_colour(two: Site) -> None:
    two.project("x" * 300, _id="b" * 32, tags=["t" * 100])
    assert two.text("list") == (
        "NAME\tTAGS\tUPDATED\tID\n"
        f"audio\t\t2024-01-09T08:00:00+00:00\t{'a' * 32}\n"
        f"vision detector\tgpu, prod\t2024-01-09T08:00:00+00:00\t{ID}\n"
        f"{'x' * 300}\t{'t' * 100}\t2024-01-09T08:00:00+00:00\t{'b' * 32}\n"
    )


def test_tsv_has_all_fields(two: Site) -> None:
    heading, audio, vision = two.text("list", "-o", "tsv").splitlines()
    assert heading.split("\t") == list(PROJECT_FIELDS)
    record = dict(zip(PROJECT_FIELDS, vision.split("\t"), strict=True))
    assert (record["id"], record["tags"], record["parent"], record["company"]) == (ID, "gpu, prod", "p", COMPANY)
    assert dict(zip(PROJECT_FIELDS, audio.split("\t"), strict=True))["parent"] == ""


def test_csv_has_all_fields_and_quotes_as_it_must(two: Site) -> None:
    two.project('say "hi", you', _id="b" * 32)
    text = two.text("list", "-o", "csv", "--order-by", "name")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["name"] for row in rows] == ["audio", 'say "hi", you', "vision detector"]
    assert list(rows[0]) == list(PROJECT_FIELDS)
    assert '"say ""hi"", you"' in text


def test_json_has_the_responses_own_shape(two: Site) -> None:
    answer = json.loads(two.text("list", "-o", "json"))
    assert answer.keys() == {"projects"}
    assert [one["id"] for one in answer["projects"]] == ["a" * 32, ID]


def test_jsonl_and_id_have_a_record_a_line(two: Site) -> None:
    lines = two.text("list", "-o", "jsonl").splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["audio", "vision detector"]
    assert two.text("list", "-o", "id") == f"{'a' * 32}\n{ID}\n"


def test_yaml_says_the_same_as_json(two: Site) -> None:
    two.project("yes", _id="c" * 32)
    two.project("1.0", _id="d" * 32)
    for command in (("list",), ("get", "audio"), ("metrics",), ("task-tags", "--include-system"), ("list", "--stats")):
        document = json.loads(two.text(*command, "-o", "json"))
        assert yaml.safe_load(two.text(*command, "-o", "yaml")) == document


def test_one_record_has_its_line_in_jsonl_csv_and_id(two: Site) -> None:
    assert json.loads(two.text("get", "audio", "-o", "jsonl"))["name"] == "audio"
    (row,) = csv.DictReader(io.StringIO(two.text("get", ID, "-o", "csv")))
    assert (row["name"], row["path"]) == ("vision detector", "p")
    assert two.text("get", "audio", "-o", "id") == f"{'a' * 32}\n"


def test_statistics_are_in_every_format(two: Site) -> None:
    two.task(ID, status="completed")
    (row,) = csv.DictReader(io.StringIO(two.text("list", "--stats", "--name", "vision", "-o", "csv")))
    assert json.loads(row["stats"])["active"]["status_count"]["completed"] == 1
    (record,) = two.text("list", "--stats", "--name", "vision", "-o", "jsonl").splitlines()
    assert json.loads(record)["stats"]["active"]["total_tasks"] == 1


def test_chosen_fields_are_those_of_every_format(two: Site) -> None:
    chosen = ("list", "--name", "audio", "--only-fields", "basename,path")
    assert two.text(*chosen) == "BASENAME\tPATH\naudio\t\n"
    assert two.text(*chosen, "-o", "csv") == "basename,path\naudio,\n"
    assert two.text(*chosen, "-o", "tsv") == "basename\tpath\naudio\t\n"
    assert two.text(*chosen, "-o", "jsonl") == '{"basename":"audio","path":[]}\n'


# --- empty answers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "document"),
    [
        (("list",), {"projects": []}),
        (("list", "--stats"), {"projects": []}),
        (("metrics",), {"metrics": []}),
        (("hyperparams",), {"parameters": [], "remaining": 0, "total": 0}),
        (("task-tags", "--include-system"), {"tags": [], "system_tags": []}),
        (("model-tags",), {"tags": []}),
    ],
)
def test_an_empty_answer_is_a_valid_document(site: Site, command: tuple[str, ...], document: dict[str, Any]) -> None:
    assert json.loads(site.text(*command, "-o", "json")) == document
    assert yaml.safe_load(site.text(*command, "-o", "yaml")) == document
    assert site.text(*command, "-o", "jsonl") == ""
    for output in ("table", "csv", "tsv"):
        assert len(site.text(*command, "-o", output).splitlines()) == 1


@pytest.mark.parametrize("output", FORMATS)
def test_fail_if_empty_keeps_the_document_and_ends_with_6(site: Site, output: str) -> None:
    result = site("list", "--fail-if-empty", "-o", output)
    assert result.exit_code == 6
    if output == "json":
        assert json.loads(result.stdout) == {"projects": []}
        assert json.loads(result.stderr)["error"]["name"] == "NothingFound"
    else:
        assert result.stdout == site("list", "-o", output).stdout
        assert "no project matches" in result.stderr


# --- errors -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("output", [one for one in FORMATS if one != "json"])
def test_an_error_is_text_on_standard_error(site: Site, output: str) -> None:
    result = site("get", "f" * 32, "-o", output)
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr == (
        f"error: there is no project with the id '{'f' * 32}'\nhint: list the projects: projects list\n"
    )


def test_an_error_with_json_is_one_object_and_nothing_else(site: Site) -> None:
    result = site("get", "f" * 32, "--json", "-v", "--quiet")
    assert (result.exit_code, result.stdout) == (3, "")
    assert json.loads(result.stderr) == {
        "error": {
            "code": 400,
            "subcode": 401,
            "name": "InvalidProjectId",
            "message": f"there is no project with the id '{'f' * 32}'",
            "hint": "list the projects: projects list",
        }
    }


def test_failures_of_several_with_json_are_on_standard_error_and_the_sum_on_the_other(site: Site) -> None:
    site.project("one")
    result = site("delete", "one", "nowhere", "--force", "--json")
    assert result.exit_code == 5
    assert json.loads(result.stdout) == {
        "deleted": 1,
        "disassociated_tasks": 0,
        "deleted_models": 0,
        "deleted_tasks": 0,
    }
    error = json.loads(result.stderr)["error"]
    assert (error["name"], error["code"]) == ("PartialFailure", None)
    assert [(one["project"], one["name"]) for one in error["failures"]] == [("nowhere", "ProjectNotFound")]


@pytest.mark.parametrize("command", [("update", "audio", "-d", "x"), ("delete", "audio", "--yes"), ("metrics",)])
def test_ids_of_an_answer_without_ids_are_refused_before_anything_is_done(two: Site, command: tuple[str, ...]) -> None:
    before = two.everything()
    result = two(*command, "-o", "id")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "the response of this command has no ids" in result.stderr
    assert two.everything() == before


def test_ids_of_a_plan_are_those_that_it_touches(two: Site) -> None:
    planned = two.text("create", "audio/new-one", "-d", "x", "-o", "id", "--dry-run").splitlines()
    assert (len(planned), planned[-1]) == (2, "a" * 32)


# --- hostile text -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("output", FORMATS)
@pytest.mark.parametrize("command", [("list",), ("get", ID), ("list", "--stats")])
def test_what_a_terminal_would_obey_is_escaped_in_every_format(
    site: Site, command: tuple[str, ...], output: str
) -> None:
    site.project(NASTY, _id=ID, description=NASTY, tags=[NASTY], user=NASTY, logo_url=NASTY)
    assert is_safe(site.text(*command, "-o", output))


@pytest.mark.parametrize("output", ["json", "jsonl", "yaml"])
def test_documents_give_back_exactly_what_is_stored(site: Site, output: str) -> None:
    site.project(NASTY, _id=ID, tags=[NASTY])
    text = site.text("get", ID, "-o", output)
    found = yaml.safe_load(text) if output == "yaml" else json.loads(text)
    record = found.get("project", found)
    assert (record["name"], record["tags"]) == (NASTY, [NASTY])


@pytest.mark.parametrize("output", [(), ("-o", "tsv")])
def test_text_has_one_line_a_record_with_escapes(site: Site, output: tuple[str, ...]) -> None:
    site.project(NASTY, _id=ID, tags=[NASTY])
    heading, line = site.text("list", *output).splitlines()
    record = dict(zip(heading.lower().split("\t"), line.split("\t"), strict=True))
    assert (record["name"], record["tags"]) == (ESCAPED, ESCAPED)


def test_csv_has_the_escapes_too(site: Site) -> None:
    site.project(NASTY, _id=ID)
    (row,) = csv.DictReader(io.StringIO(site.text("list", "-o", "csv")))
    assert row["name"] == ESCAPED


@pytest.mark.parametrize("command", ["metrics", "hyperparams", "task-tags", "model-tags"])
@pytest.mark.parametrize("output", ["table", "json", "jsonl", "yaml", "csv", "tsv"])
def test_what_tasks_and_models_hold_is_escaped_too(site: Site, command: str, output: str) -> None:
    nasty = NASTY.replace(".", "").replace("$", "")
    hyperparams = {nasty: {nasty: {"section": nasty, "name": nasty}}}
    last_metrics = metrics(**{nasty: nasty})
    site.task(site.project("vision"), tags=[nasty], hyperparams=hyperparams, last_metrics=last_metrics)
    site.model(None, tags=[nasty])
    text = site.text(command, "-o", output)
    assert "evil" in text
    assert is_safe(text)


def test_errors_and_notices_are_escaped_too(site: Site) -> None:
    site.project(f"{NASTY}/deep", _id=ID)
    for arguments in (
        ("get", NASTY + "?"),
        ("delete", NASTY),
        ("update", ID, "-d", "x"),
        ("list", "--order-by", NASTY),
    ):
        for mode in ((), ("--json",)):
            result = site(*arguments, *mode)
            assert is_safe(result.stderr), arguments


# --- any name at all ----------------------------------------------------------------------------------------------

ANYTHING = st.text(st.characters(codec="utf-8"), min_size=3, max_size=40)
NAMES = st.one_of(
    ANYTHING,
    st.text("\x00\x1b\x7f\x9b\u202e\u2066\u200f\ufeff[/]:smile %$._-\n\r\t日😀e\u0301א", min_size=3, max_size=60),
    st.text(st.sampled_from("aé日😀"), min_size=3, max_size=10).map(lambda text: (text * 4000)[: 10_000 // 4]),
    st.sampled_from(["[red]boo[/red]", "[/]", "--yes", "-x-", "@file", "\u05d0\u05d1\u05d2", "a\nb\nc", "..."]),
)
STATUSES = {int(status) for status in ExitStatus}
PARSE: dict[str, Callable[[str], Any]] = {
    "json": json.loads,
    "jsonl": lambda text: [json.loads(line) for line in text.split("\n")[:-1]],
    "yaml": yaml.safe_load,
    "csv": lambda text: list(csv.DictReader(io.StringIO(text))),
    "tsv": lambda text: [line.split("\t") for line in text.split("\n")[:-1]],
    "table": lambda text: [line.split("\t") for line in text.split("\n")[:-1]],
    "id": lambda text: text.split("\n")[:-1],
}
QUIETLY = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def stored_name(name: str) -> str:
    """Return the name that is stored, as in docs/semantics.md (create)."""
    return "/".join(part.strip() for part in name.split("/") if part)


def ran(site: Site, *arguments: str) -> Any:
    """Run a command that may be refused, and never falls over."""
    result = site(*arguments)
    assert int(result.exit_code) in STATUSES
    assert "Traceback" not in result.stderr
    assert "unexpected failure" not in result.stderr, result.stderr
    assert is_safe(result.stdout)
    assert is_safe(result.stderr)
    return result


@QUIETLY
@given(name=NAMES, output=st.sampled_from(FORMATS))
@example(name=NASTY, output="table")
@example(name="a\n", output="id")
@example(name="x" * 10_000, output="table")
@example(name="vision/b c/日本語", output="json")
def test_any_name_lives_through_create_list_get_and_delete(site: Site, name: str, output: str) -> None:
    site.documents.project.delete_many({})
    made = ran(site, "create", "-d", name, "-o", "id", "--", name)
    if made.exit_code != 0:
        assert made.exit_code in {ExitStatus.USAGE, ExitStatus.REFUSED}
        assert site.names() == []
        return
    identifier, stored = made.stdout.strip(), stored_name(name)
    assert site.stored(identifier)["name"] == stored
    assert site.stored(identifier)["description"] == name
    listed = ran(site, "list", "-o", output, "--id", identifier)
    found = PARSE[output](listed.stdout)
    assert (listed.exit_code, is_one_record(found, output)) == (0, True)
    shown = site.json("get", "--", stored)["project"]
    assert (shown["id"], shown["name"], shown["description"]) == (identifier, stored, name)
    removed = ran(site, "delete", "-o", output if output != "id" else "json", "--force", "--", stored)
    assert removed.exit_code == 0
    assert stored not in site.names()


def is_one_record(found: Any, output: str) -> bool:
    """Return whether the parsed value is a single project, not torn apart."""
    if output in {"json", "yaml"}:
        return len(found["projects"]) == 1
    if output in {"table", "tsv"}:
        return len(found) == 2 and len(found[0]) == len(found[1])
    return len(found) == 1 and None not in list(found[0])


@settings(QUIETLY, max_examples=15)
@given(name=st.text(st.sampled_from("ab\ud800\udfff"), min_size=3, max_size=10).filter(lambda text: not text.isascii()))
def test_half_a_surrogate_pair_is_refused_clearly(site: Site, name: str) -> None:
    for arguments in (("create", name, "-d", "x"), ("create", "vision", "-d", name), ("list", "--name", name)):
        result = ran(site, *arguments)
        assert result.exit_code == ExitStatus.USAGE
        assert "a lone surrogate" in result.stderr
    result = ran(site, "get", name)
    assert result.exit_code in {ExitStatus.USAGE, ExitStatus.NOT_FOUND}
    assert site.names() == []


@QUIETLY
@given(
    parameter=st.sampled_from(["name", "tags", "page", "page_size", "order_by", "only_fields", "_any_", "search_text"]),
    data=st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | ANYTHING, st.lists, max_leaves=8),
)
def test_any_value_in_a_raw_request_is_answered_or_refused(site: Site, parameter: str, data: Any) -> None:
    result = ran(site, "call", "get_all", "--json", "--data", json.dumps({parameter: data}))
    assert result.exit_code in {ExitStatus.DONE, ExitStatus.USAGE} or "TextIndexMissing" in result.stderr
