"""Requests against the shipped schema and against schemas of our own making."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projects_cli.errors import ExitStatus, SchemaError, ValidationError
from projects_cli.schema.cache import load
from tests.responses import check_response

if TYPE_CHECKING:
    from projects_cli.schema.model import Catalog

CONF = Path(__file__).parents[2] / "schema" / "projects.conf"


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return load(CONF, cache_dir=tmp_path_factory.mktemp("cache"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def problems(catalog: Catalog, endpoint: str, params: Any) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        catalog.version(endpoint).validate(params)
    assert "\n" not in caught.value.message
    assert caught.value.problems
    return [(problem.path, problem.message) for problem in caught.value.problems]


def made(folder: Path, request: str, *, definitions: str = "", name: str = "ping") -> Catalog:
    """A catalog with one endpoint whose request is the given HOCON."""
    path = folder / "demo.conf"
    path.write_text(
        f"_definitions {{ {definitions} }}\n{name} {{ 2.1 {{ request {{ {request} }} }} }}", encoding="utf-8"
    )
    return load(path, cache_dir=folder / "cache")


# --- what is right ------------------------------------------------------------------------------------------------


def test_nothing_given_gives_the_defaults(catalog: Catalog) -> None:
    assert catalog.version("get_all", "2.1").validate({}) == {}
    assert catalog.version("get_all").validate({}) == {"shallow_search": False, "search_hidden": False}
    statistics = {"include_stats": False, "stats_for_state": "active", "non_public": False}
    assert catalog.version("get_all_ex", "2.1").validate({}) == statistics
    assert catalog.version("get_all_ex").validate({}) == {
        **statistics,
        "shallow_search": False,
        "search_hidden": False,
        "check_own_contents": False,
        "stats_with_children": True,
        "include_dataset_stats": False,
    }
    assert catalog.version("get_hyper_parameters").validate({"project": "p"}) == {
        "project": "p",
        "page": 0,
        "page_size": 500,
        "include_subprojects": True,
    }
    value = {"section": "s", "name": "n"}
    oldest = catalog.version("get_hyperparam_values", "2.13").validate(value)
    assert oldest == {**value, "include_subprojects": True}
    assert catalog.version("get_hyperparam_values").validate(value) == {**oldest, "page": 0, "page_size": 500}


def test_input_is_copied_and_left_alone(catalog: Catalog) -> None:
    given_params = {"projects": ["a"], "filter": {"tags": ["x", None], "system_tags": None}}
    before = copy.deepcopy(given_params)
    result = catalog.version("get_task_tags").validate(given_params)
    assert given_params == before
    assert result == {"projects": ["a"], "filter": {"tags": ["x", None]}, "include_system": False}
    result["filter"]["tags"].append("y")
    result["projects"].append("b")
    assert given_params == before


def test_validating_twice_gives_the_same(catalog: Catalog) -> None:
    version = catalog.version("get_all_ex")
    once = version.validate({"page": 2.0, "stats_for_state": None})
    assert version.validate(once) == once


def test_defaults_are_not_shared(folder: Path) -> None:
    version = made(folder, "properties { a { type: array, default: [ x ] } }").version("ping")
    version.validate({})["a"].append("y")
    assert version.validate({}) == {"a": ["x"]}


def test_defaults_inside_objects_that_were_given(folder: Path) -> None:
    request = "properties { o { type: object, properties { n { type: integer, default: 7 } } } }"
    version = made(folder, request).version("ping")
    assert version.validate({"o": {}}) == {"o": {"n": 7}}
    assert version.validate({}) == {}


@pytest.mark.parametrize(("value", "expected"), [(1, 1), (1.0, 1), (0.0, 0), (1e3, 1000)])
def test_whole_numbers_become_integers(catalog: Catalog, value: float, expected: int) -> None:
    result = catalog.version("get_all").validate({"page": value})["page"]
    assert result == expected
    assert type(result) is int


# --- null ---------------------------------------------------------------------------------------------------------


def test_null_for_an_optional_field_is_not_given(catalog: Catalog) -> None:
    params: dict[str, Any] = {"name": None, "page": None, "tags": None, "_any_": {"pattern": "x", "fields": None}}
    assert catalog.version("get_all", "2.1").validate(params) == {"_any_": {"pattern": "x"}}
    assert catalog.version("get_all").validate({**params, "size": None, "search_hidden": None}) == {
        "_any_": {"pattern": "x"},
        "shallow_search": False,
        "search_hidden": False,
    }
    assert catalog.version("get_hyper_parameters").validate({"page": None})["page"] == 0
    params = {"project": "p", "force": None, "delete_contents": None, "delete_external_artifacts": None}
    expected = {"project": "p", "force": False, "delete_external_artifacts": True}
    assert catalog.version("delete").validate(params) == expected


def test_null_for_a_required_field_is_a_problem(catalog: Catalog) -> None:
    for endpoint in ("get_by_id", "update", "delete"):
        assert problems(catalog, endpoint, {"project": None}) == [("params.project", "expected string, got null")]


def test_update_keeps_null(catalog: Catalog) -> None:
    params = {"project": "p", "description": None, "tags": None, "name": None, "default_output_destination": None}
    assert catalog.version("update").validate(params) == params


def test_update_takes_no_null_items(catalog: Catalog) -> None:
    assert problems(catalog, "update", {"project": "p", "tags": [None]}) == [
        ("params.tags[0]", "expected string, got null")
    ]


@pytest.mark.parametrize("endpoint", ["get_all", "get_all_ex"])
def test_null_values_of_listings(catalog: Catalog, endpoint: str) -> None:
    fields = ["filters", "scroll_id", *(["stats_for_state"] if endpoint == "get_all_ex" else [])]
    params = dict.fromkeys(fields)
    assert params.items() <= catalog.version(endpoint).validate(params).items()


@pytest.mark.parametrize("endpoint", ["get_all", "get_all_ex"])
@pytest.mark.parametrize("field", ["tags", "system_tags", "id", "parent", "last_update"])
def test_null_items_of_listings(catalog: Catalog, endpoint: str, field: str) -> None:
    assert catalog.version(endpoint).validate({field: [None, "a"]})[field] == [None, "a"]


@pytest.mark.parametrize("part", ["any", "all"])
@pytest.mark.parametrize("side", ["include", "exclude"])
def test_null_items_of_list_filters(catalog: Catalog, part: str, side: str) -> None:
    value = {part: {side: ["a", None]}, "op": "or"}
    for endpoint in ("get_all", "get_all_ex"):
        params: dict[str, Any] = {"filters": {"tags": value, "any field": value}}
        assert params.items() <= catalog.version(endpoint).validate(params).items()
    params = {"children_tags": [None], "children_tags_filter": value}
    assert params.items() <= catalog.version("get_all_ex").validate(params).items()
    assert problems(catalog, "get_all", {"filters": {"tags": {part: {side: [7]}}}}) == [
        (f"params.filters.tags.{part}.{side}[0]", "expected string, got integer")
    ]


SCOPED = {
    "get_task_parents": {},
    "get_user_names": {},
    "get_hyperparam_values": {"section": "s", "name": "n"},
    "get_model_metadata_values": {"key": "k"},
}


@pytest.mark.parametrize("endpoint", SCOPED)
def test_null_among_projects(catalog: Catalog, endpoint: str) -> None:
    """It stands for tasks and models of no project."""
    for number in catalog.endpoint(endpoint).versions:
        params = {**SCOPED[endpoint], "projects": ["p", None]}
        assert catalog.version(endpoint, number).validate(params)["projects"] == ["p", None]


@pytest.mark.parametrize("endpoint", ["get_task_tags", "get_model_tags", "get_project_tags"])
def test_null_items_in_filter(catalog: Catalog, endpoint: str) -> None:
    given_filter = {"tags": [None], "system_tags": ["__Snot", None]}
    assert catalog.version(endpoint).validate({"filter": given_filter})["filter"] == given_filter


@pytest.mark.parametrize(
    ("endpoint", "params", "path"),
    [
        ("get_all", {"order_by": [None]}, "params.order_by[0]"),
        ("get_all", {"_any_": {"fields": ["a", None]}}, "params._any_.fields[1]"),
        ("get_task_tags", {"projects": [None]}, "params.projects[0]"),
        ("get_project_tags", {"projects": [None]}, "params.projects[0]"),
        ("get_all_ex", {"active_users": [None]}, "params.active_users[0]"),
        ("get_unique_metric_variants", {"ids": [None]}, "params.ids[0]"),
        ("create", {"name": "n", "description": "", "tags": [None]}, "params.tags[0]"),
        ("make_public", {"ids": ["a", None]}, "params.ids[1]"),
    ],
)
def test_null_items_nowhere_else(catalog: Catalog, endpoint: str, params: Any, path: str) -> None:
    assert problems(catalog, endpoint, params) == [(path, "expected string, got null")]


def test_null_items_through_a_reference_change_no_other_use(folder: Path) -> None:
    definitions = "names { type: array, items { type: string } }, one { type: object, properties { tags "
    definitions += '{ "$ref": "#/definitions/names" } } }'
    request = 'properties { filter { "$ref": "#/definitions/one" }, other { "$ref": "#/definitions/names" } }'
    catalog = made(folder, request, definitions=definitions, name="get_task_tags")
    assert catalog.version("get_task_tags").validate({"filter": {"tags": [None]}}) == {"filter": {"tags": [None]}}
    assert problems(catalog, "get_task_tags", {"other": [None]}) == [("params.other[0]", "expected string, got null")]


# --- what is wrong ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("endpoint", "params", "expected"),
    [
        ("get_all", {"page": -1}, ("params.page", "must be at least 0, got -1")),
        ("get_all", {"page_size": 0}, ("params.page_size", "must be at least 1, got 0")),
        ("get_all", {"page": True}, ("params.page", "expected integer, got boolean")),
        ("get_all", {"page": "1"}, ("params.page", "expected integer, got string")),
        ("get_all", {"page": 1.5}, ("params.page", "expected integer, got number")),
        ("get_all", {"page": math.inf}, ("params.page", "expected integer, got number")),
        ("get_all", {"page": math.nan}, ("params.page", "expected integer, got number")),
        ("get_all", {"page": 1e300}, ("params.page", "is too large: an integer has 64 bits")),
        ("get_all", {"page_size": -(10**6000)}, ("params.page_size", "is too large: an integer has 64 bits")),
        ("get_all", {"tags": "a"}, ("params.tags", "expected array, got string")),
        ("get_all", {"tags": {"0": "a"}}, ("params.tags", "expected array, got object")),
        ("get_all", {"tags": ["a", 1]}, ("params.tags[1]", "expected string, got integer")),
        ("get_all", {"name": 1.5}, ("params.name", "expected string, got number")),
        ("get_all", {"name": ["x"]}, ("params.name", "expected string, got array")),
        ("get_all", {"_all_": []}, ("params._all_", "expected object, got array")),
        ("get_all", {"_all_": {"patern": "x"}}, ("params._all_.patern", 'unknown field; did you mean "pattern"?')),
        ("get_all", {"page_sise": 1}, ("params.page_sise", 'unknown field; did you mean "page_size"?')),
        ("get_all", {"zzz": None}, ("params.zzz", "unknown field")),
        ("get_all", {"a.b": 1}, ('params["a.b"]', "unknown field")),
        ("get_all", {"": 1}, ('params[""]', "unknown field")),
        ("get_all", {"{x}": 1}, ('params["{x}"]', "unknown field")),
        ("get_all", {"%s[0]": 1}, ('params["%s[0]"]', "unknown field")),
        ("get_all", {'a"\n\0': 1}, ('params["a\\"\\n\\x00"]', "unknown field")),
        ("get_all", {"\u202eabc": 1}, ('params["\\u202eabc"]', "unknown field")),
        ("get_all", {"x" * 10_000: 1}, (f'params["{"x" * 60}…"]', "unknown field")),
        ("get_all_ex", {"stats_for_state": "both"}, ("params.stats_for_state", "must be one of active, archived")),
        ("get_all_ex", {"stats_for_state": 5}, ("params.stats_for_state", "expected string, got integer")),
        ("get_all_ex", {"include_stats": "false"}, ("params.include_stats", "expected boolean, got string")),
        ("delete", {"project": "p", "force": 1}, ("params.force", "expected boolean, got integer")),
        ("get_by_id", {}, ("params.project", "is required")),
        (
            "get_task_tags",
            {"filter": {"tags": ["a", "b", 3]}},
            ("params.filter.tags[2]", "expected string, got integer"),
        ),
        ("get_task_tags", {"filter": {"tag": []}}, ("params.filter.tag", 'unknown field; did you mean "tags"?')),
        ("get_all", None, ("params", "expected object, got null")),
        ("get_all", [{}], ("params", "expected object, got array")),
        ("get_all", "{}", ("params", "expected object, got string")),
        ("get_all", {"name": "a\ud800"}, ("params.name", "is not Unicode text: it has a lone surrogate")),
        ("get_all", {"tags": ["\udfff"]}, ("params.tags[0]", "is not Unicode text: it has a lone surrogate")),
        ("get_all", {"\ud800": 1}, ('params["\\ud800"]', "the field's name is not Unicode text")),
    ],
)
def test_one_problem(catalog: Catalog, endpoint: str, params: Any, expected: tuple[str, str]) -> None:
    assert problems(catalog, endpoint, params) == [expected]


def test_every_problem_at_once(catalog: Catalog) -> None:
    params = {"page": -1, "tags": ["a", 3, {}], "_any_": {"x": 1}, "sort": 1, "name": True}
    assert sorted(problems(catalog, "get_all", params)) == [
        ("params._any_.x", "unknown field"),
        ("params.name", "expected string, got boolean"),
        ("params.page", "must be at least 0, got -1"),
        ("params.sort", "unknown field"),
        ("params.tags[1]", "expected string, got integer"),
        ("params.tags[2]", "expected string, got object"),
    ]
    missing = [("params.section", "is required"), ("params.name", "is required")]
    assert problems(catalog, "get_hyperparam_values", {}) == missing


def test_a_parameter_of_another_version_is_refused_with_that_version(catalog: Catalog, folder: Path) -> None:
    with pytest.raises(ValidationError) as caught:
        catalog.version("delete", "2.1").validate({"project": "p", "delete_contents": "x", "delete_external": True})
    assert [(problem.path, problem.message) for problem in caught.value.problems] == [
        ("params.delete_contents", "unknown field; version 2.13 has it"),
        ("params.delete_external", "unknown field"),
    ]
    (folder / "demo.conf").write_text(
        "ping { 2.1 { request { properties { old { type: string } } } }, 2.2 { request { properties { new {} } } } }"
    )
    dropped = load(folder / "demo.conf", cache_dir=folder / "cache")
    assert problems(dropped, "ping", {"old": "x"}) == [("params.old", "unknown field; version 2.1 has it")]


def test_the_error_message(catalog: Catalog) -> None:
    with pytest.raises(ValidationError) as caught:
        catalog.version("get_all").validate({"page": -1})
    assert str(caught.value) == "params.page: must be at least 0, got -1"
    assert (caught.value.code, caught.value.subcode, caught.value.status) == (400, 12, ExitStatus.USAGE)
    with pytest.raises(ValidationError) as caught:
        catalog.version("create", "2.9").validate({})
    assert str(caught.value) == "2 problems, the first: params.name: is required"


def test_requests_are_closed_unless_the_schema_opens_them(folder: Path) -> None:
    request = "properties { free { type: object, additionalProperties: true, properties { a { type: string } } }, "
    request += "any { type: object }, shut { type: object, properties { a { type: string } } } }"
    catalog = made(folder, request)
    params = {"free": {"b": {"c": None}}, "any": {"x": [1, None]}}
    assert catalog.version("ping").validate(params) == params
    assert problems(catalog, "ping", {"shut": {"b": 1}}) == [("params.shut.b", "unknown field")]


def test_additional_properties_with_a_schema(folder: Path) -> None:
    catalog = made(folder, "properties {}, additionalProperties { type: integer }")
    assert catalog.version("ping").validate({"a.b": 1.0}) == {"a.b": 1}
    assert problems(catalog, "ping", {"a.b[0]": "x"}) == [('params["a.b[0]"]', "expected integer, got string")]


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        ("type: string, minLength: 3", "ab", "must have at least 3 characters"),
        ("type: string, maxLength: 1", "ab", "must have at most 1 characters"),
        ('type: string, pattern: "^a+$"', "b", 'must match the pattern "^a+$"'),
        ('type: string, format: "date-time"', "b", 'must be in the format "date-time"'),
        ("type: number, maximum: 2", 2.5, "must be at most 2, got 2.5"),
        ("type: number", math.inf, "must be a finite number"),
        ("type: number", math.nan, "must be a finite number"),
        ("type: number", 2**63, "is too large: an integer has 64 bits"),
        ("type: number, exclusiveMinimum: 0", 0, "must be more than 0, got 0"),
        ("type: integer, multipleOf: 5", 7, "must be a multiple of 5, got 7"),
        ("type: integer, multipleOf: 5", math.inf, "expected integer, got number"),
        ("multipleOf: 5", math.nan, "must be a finite number"),
        ("type: array, minItems: 1", [], "must have at least 1 items"),
        ("type: array, uniqueItems: true", ["a", "a"], "must not have duplicate items"),
        ("type: [ string, integer ]", [], "expected string or integer, got array"),
        ("enum: [ 1, true, x ]", "y", "must be one of 1, true, x"),
        ("anyOf: [ { type: string }, { type: integer } ]", [], "is not allowed by the schema"),
    ],
)
def test_other_rules_of_json_schema(folder: Path, schema: str, value: Any, message: str) -> None:
    catalog = made(folder, f"properties {{ a {{ {schema} }} }}")
    assert problems(catalog, "ping", {"a": value}) == [("params.a", message)]


@pytest.mark.parametrize("key", ["a.b", "a-b", "{x}", "%s", "имя", "$x", "id", "a[0]"])
def test_declared_names_of_every_kind(folder: Path, key: str) -> None:
    catalog = made(folder, f'properties {{ "{key}" {{ type: object, properties {{ n {{ type: integer }} }} }} }}')
    name = json.loads(f'"{key}"')
    assert catalog.version("ping").validate({name: {"n": 1}}) == {name: {"n": 1}}
    (path, message), *rest = problems(catalog, "ping", {name: {"n": "x"}})
    assert (path.startswith("params"), path.endswith(".n"), message) == (True, True, "expected integer, got string")
    assert not rest


def test_definitions_whose_names_differ_in_case_only(folder: Path) -> None:
    request = 'properties { a { "$ref": "#/definitions/Thing" }, b { "$ref": "#/definitions/thing" } }'
    catalog = made(folder, request, definitions="Thing { type: string }, thing { type: integer }")
    assert catalog.version("ping").validate({"a": "x", "b": 1}) == {"a": "x", "b": 1}


def test_a_definition_that_holds_itself(folder: Path) -> None:
    definitions = 'node { type: object, properties { n { type: integer }, next { "$ref": "#/definitions/node" } } }'
    catalog = made(folder, 'properties { top { "$ref": "#/definitions/node" } }', definitions=definitions)
    assert catalog.version("ping").validate({"top": {"next": {"n": 1.0, "next": None}}}) == {"top": {"next": {"n": 1}}}
    assert problems(catalog, "ping", {"top": {"next": {"n": "x"}}}) == [
        ("params.top.next.n", "expected integer, got string")
    ]
    deep: dict[str, Any] = {}
    for _ in range(10_000):
        deep = {"next": deep}
    assert problems(catalog, "ping", {"top": deep}) == [("params.top", "is nested deeper than 100 levels")]
    assert catalog.version("ping").parameters[0].fields[1].name == "next"


def test_required_without_declaration_and_with_default(folder: Path) -> None:
    catalog = made(folder, "required: [ ghost, d ], properties { d { type: integer, default: 3 } }")
    assert catalog.version("ping").validate({"ghost": ["any"]}) == {"ghost": ["any"], "d": 3}
    assert problems(catalog, "ping", {}) == [("params.ghost", "is required")]


def test_a_schema_too_deep_to_compile(folder: Path) -> None:
    nested = "type: array, items { " * 25 + "type: string" + " }" * 25
    with pytest.raises(SchemaError, match="no validator can be generated"):
        made(folder, f"properties {{ a {{ {nested} }} }}")


# --- hostile and arbitrary input ----------------------------------------------------------------------------------


def test_deep_nesting_in_any_field(catalog: Catalog) -> None:
    for make in (lambda inner: [inner], lambda inner: {"a": inner}):
        deep: Any = "x"
        for _ in range(10_000):
            deep = make(deep)
        assert problems(catalog, "get_all", {"tags": deep}) == [("params.tags", "is nested deeper than 100 levels")]


def test_long_values_are_not_echoed(catalog: Catalog) -> None:
    params = {"name": {"k" * 10_000: "v" * 10_000}, "page": "9" * 10_000, "x" * 10_000: "y" * 10_000}
    with pytest.raises(ValidationError) as caught:
        catalog.version("get_all").validate(params)
    assert all(len(problem.path) + len(problem.message) < 200 for problem in caught.value.problems)


def test_long_text_is_fine(catalog: Catalog) -> None:
    assert catalog.version("get_all").validate({"name": "é\0{x}%s" * 2000})["name"].startswith("é\0")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(), max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    "id name description tags system_tags order_by page page_size search_text only_fields _all_ _any_ project projects "
    "filter include_system include_stats stats_for_state non_public force ids pattern fields filters any all include "
    "parent scroll_id size last_update children_type children_tags_filter include_stats_filter entity section "
    "new_location".split()
)
REQUESTS = st.dictionaries(FIELDS, JSON | st.dictionaries(FIELDS, JSON, max_size=3), max_size=6)
ENDPOINTS = (
    "create get_all get_all_ex update delete get_hyper_parameters get_task_tags make_public move get_hyperparam_values "
    "get_user_names"
).split()


def check_problems(error: ValidationError) -> None:
    assert error.problems
    assert all(problem.path.startswith("params") and problem.message for problem in error.problems)
    assert len({problem.path for problem in error.problems}) == len(error.problems)
    assert (error.message + "".join(map(str, error.problems))).encode()


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(endpoint=st.sampled_from(ENDPOINTS), params=REQUESTS | JSON)
def test_anything_is_valid_or_a_validation_error(catalog: Catalog, endpoint: str, params: Any) -> None:
    before = repr(params)
    version = catalog.version(endpoint)
    try:
        result = version.validate(params)
    except ValidationError as error:
        check_problems(error)
    else:
        assert result.keys() <= version.request_schema["properties"].keys()
        assert version.validate(result) == result
    assert repr(params) == before


# --- responses ----------------------------------------------------------------------------------------------------


def test_responses_are_open(catalog: Catalog) -> None:
    check_response(catalog, "get_all", "2.1", {"projects": [{"id": "a", "stats": {"more": 1}, "own": 1}], "x": 1})
    check_response(catalog, "create", None, {"id": "a"})


def test_wrong_responses(catalog: Catalog) -> None:
    with pytest.raises(ValidationError) as caught:
        check_response(catalog, "get_all", None, {"projects": [{"id": 5, "created": "yesterday"}]})
    assert {problem.path: problem.message for problem in caught.value.problems} == {
        "response.projects[0].id": "expected string, got integer",
        "response.projects[0].created": 'must be in the format "date-time"',
    }
    with pytest.raises(ValidationError, match=r"response\.updated: must be one of 0, 1"):
        check_response(catalog, "update", None, {"updated": 2})
