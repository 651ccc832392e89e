"""Names, versions, parameters, documents and skeletons of a schema."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import fastjsonschema
import pytest

from projects_cli.errors import UnknownEndpoint, UsageError
from projects_cli.schema.cache import load
from projects_cli.schema.compiler import NULL_VALUES
from projects_cli.schema.model import is_version, version_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from projects_cli.schema.model import Catalog

CONF = Path(__file__).parents[2] / "schema" / "projects.conf"
ENDPOINTS = (
    "create get_by_id get_all get_all_ex update delete get_unique_metric_variants get_hyper_parameters get_task_tags "
    "get_model_tags make_public make_private move merge validate_delete get_project_tags get_task_parents "
    "get_hyperparam_values get_model_metadata_keys get_model_metadata_values get_user_names"
).split()


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return load(CONF, cache_dir=tmp_path_factory.mktemp("cache"))


def versions(folder: Path, *numbers: str) -> Catalog:
    entry = 'ping {{ {0} {{ description: "as of {0}", request {{ properties {{ f {{ default: "{0}" }} }} }} }} }}\n'
    entries = "".join(entry.format(number) for number in numbers)
    path = folder / "demo.conf"
    path.write_text(entries, encoding="utf-8")
    return load(path, cache_dir=folder / "cache")


# --- names --------------------------------------------------------------------------------------------------------


def test_endpoints_in_file_order(catalog: Catalog) -> None:
    assert [endpoint.name for endpoint in catalog.endpoints()] == [f"projects.{name}" for name in ENDPOINTS]
    internal = [endpoint.name for endpoint in catalog.endpoints() if endpoint.internal]
    assert internal == ["projects.get_all_ex"]
    assert all(endpoint.description and endpoint.versions for endpoint in catalog.endpoints())


@pytest.mark.parametrize("name", ["projects.get_all_ex", "get_all_ex", "get-all-ex", "projects.get-all-ex"])
def test_spellings_of_a_name(catalog: Catalog, name: str) -> None:
    version = catalog.version(name, "2.1")
    assert (version.endpoint, version.number, version.internal) == ("projects.get_all_ex", "2.1", True)
    assert catalog.endpoint(name).name == "projects.get_all_ex"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("get_al", 'no endpoint "get_al"; did you mean projects.get_all or'),
        ("projects.hyperparameters", "did you mean projects.get_hyper_parameters or projects.get_hyperparam_values?"),
        ("tasks.get_all", 'no endpoint "tasks.get_all"; did you mean projects.get_all'),
        ("zzz", 'no endpoint "zzz"'),
        ("", 'no endpoint ""'),
        ("a\nb{x}", 'no endpoint "a\\nb{x}"'),
        ("x" * 5000, "…"),
    ],
)
def test_unknown_endpoint(catalog: Catalog, name: str, words: str) -> None:
    with pytest.raises(UnknownEndpoint) as caught:
        catalog.version(name)
    assert words in caught.value.message
    assert len(caught.value.message) < 200


# --- versions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        (None, "2.10"),
        ("2.10", "2.10"),
        ("2.9", "2.9"),
        ("2.9.5", "2.9"),
        ("2.5", "2.1"),
        ("2.1", "2.1"),
        ("2.01", "2.1"),
        ("3", "2.10"),
        ("999.0", "2.10"),
    ],
)
def test_newest_that_is_not_newer_than_asked(tmp_path: Path, asked: str | None, chosen: str) -> None:
    version = versions(tmp_path, "2.10", "2.1", "2.9").version("ping", asked)
    assert (version.number, version.description) == (chosen, f"as of {chosen}")
    assert version.validate({}) == {"f": chosen}


@pytest.mark.parametrize("asked", ["2.0", "2", "1.99", "0"])
def test_only_newer_versions(tmp_path: Path, asked: str) -> None:
    catalog = versions(tmp_path, "2.10", "2.1")
    assert catalog.endpoint("ping").versions == ("2.1", "2.10")
    with pytest.raises(UnknownEndpoint, match=rf"demo\.ping is not in version {asked}: it was added in 2\.1"):
        catalog.version("ping", asked)


@pytest.mark.parametrize("asked", ["", "2.", ".1", "v2", "2.x", "-1", "2,1", "²", "1e3", " 2.1", "9" * 5000, "2..1"])
def test_malformed_version(catalog: Catalog, asked: str) -> None:
    assert not is_version(asked)
    with pytest.raises(UsageError, match="is not a version"):
        catalog.version("get_all", asked)


def test_versions_compare_as_numbers() -> None:
    assert version_key("2.10") > version_key("2.9")
    assert version_key("10.0") > version_key("9.9")
    assert version_key("2") == version_key("2.0")


# --- several services ---------------------------------------------------------------------------------------------


def test_folder_of_services(tmp_path: Path) -> None:
    for stem in ("tasks", "projects", "models"):
        fields = f"properties {{ {stem} {{ type: string }} }}"
        text = f"ping {{ 2.1 {{ request {{ {fields} }} }} }}\n{stem}_only {{ 2.1 {{ request {{}} }} }}"
        (tmp_path / f"{stem}.conf").write_text(text)
    (tmp_path / "notes.txt").write_text("{{{")
    (tmp_path / ".hidden.conf").write_text("{{{")
    catalog = load(tmp_path, cache_dir=tmp_path / "cache")
    assert list(catalog.services) == ["projects", "models", "tasks"]
    assert catalog.default.name == "projects"
    assert [endpoint.name for endpoint in catalog.endpoints()][:3] == [
        "projects.ping",
        "projects.projects_only",
        "models.ping",
    ]
    assert [parameter.name for parameter in catalog.version("ping").parameters] == ["projects"]
    assert [parameter.name for parameter in catalog.version("tasks.ping").parameters] == ["tasks"]
    with pytest.raises(UnknownEndpoint, match=r"tasks\.tasks_only"):
        catalog.version("tasks_only")


def test_folder_without_projects_takes_the_first(tmp_path: Path) -> None:
    for stem in ("b", "a"):
        (tmp_path / f"{stem}.conf").write_text("ping { 2.1 { request {} } }")
    assert load(tmp_path, cache_dir=tmp_path / "cache").version("ping").endpoint == "a.ping"


# --- documents, parameters, skeletons -----------------------------------------------------------------------------


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value.removeprefix("#/definitions/")
            else:
                yield from references(value)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


@pytest.mark.parametrize("name", ENDPOINTS)
def test_documents_stand_by_themselves(catalog: Catalog, name: str) -> None:
    for number in catalog.endpoint(name).versions:
        version = catalog.version(name, number)
        for document in (version.request_schema, version.response_schema):
            assert set(references(document)) == set(document.get("definitions", {}))
        fastjsonschema.compile(version.request_schema)
    fastjsonschema.compile(version.response_schema)


def test_documents_have_the_words_and_only_the_needed_definitions(catalog: Catalog) -> None:
    newest = catalog.version("get_all").request_schema["definitions"]
    assert list(newest) == ["multi_field_condition", "list_filter"]
    version = catalog.version("get_all", "2.1")
    assert list(version.request_schema["definitions"]) == ["multi_field_pattern_data"]
    assert list(version.response_schema["definitions"]) == [
        "stats_status_count",
        "stats",
        "projects_get_all_response_single",
    ]
    tags = version.request_schema["properties"]["tags"]
    assert (tags["items"], "minus" in tags["description"]) == ({"type": "string"}, True)
    assert "additionalProperties" not in version.request_schema


def test_parameters(catalog: Catalog) -> None:
    found = {parameter.name: parameter for parameter in catalog.version("get_all_ex").parameters}
    assert list(found)[:3] == ["id", "name", "description"]
    page_size, state, tags, pattern = (found[name] for name in ("page_size", "stats_for_state", "tags", "_any_"))
    assert (page_size.type, page_size.minimum, page_size.default, page_size.required) == ("integer", 1, None, False)
    assert (state.type, state.enum, state.default) == ("string", ("active", "archived"), "active")
    assert (tags.type, tags.item_type, tags.enum) == ("array", "string", None)
    assert (pattern.type, [field.name for field in pattern.fields]) == ("object", ["pattern", "fields", "datetime"])
    assert pattern.description.startswith("Only projects with at least one field")
    for number, expected in (("2.1", ["name", "description"]), ("2.12", ["name"])):
        create = catalog.version("create", number)
        assert [parameter.name for parameter in create.parameters if parameter.required] == expected


@pytest.mark.parametrize("name", ENDPOINTS)
def test_skeletons_are_valid_requests(catalog: Catalog, name: str) -> None:
    """An optional parameter is left out if null, the placeholder of the others, is a value of its own."""
    nulls = NULL_VALUES.get(name, ())
    for number in catalog.endpoint(name).versions:
        version = catalog.version(name, number)
        assert version.validate(version.skeleton()) is not None
        assert list(version.skeleton()) == [
            parameter.name
            for parameter in version.parameters
            if parameter.required or parameter.default is not None or not {"*", parameter.name} & {*nulls}
        ]


def test_skeletons(catalog: Catalog) -> None:
    assert catalog.version("update").skeleton() == {"project": "<project>"}
    oldest = {"project": "<project>", "force": False}
    assert list(catalog.version("delete", "2.1").skeleton().items()) == list(oldest.items())
    newest = {**oldest, "delete_contents": None, "delete_external_artifacts": True}
    assert list(catalog.version("delete").skeleton().items()) == list(newest.items())
    optional = {"description": None, "tags": None, "system_tags": None, "default_output_destination": None}
    assert catalog.version("create").skeleton() == {"name": "<name>", **optional}
    assert catalog.version("create", "2.1").skeleton() == {"name": "<name>", **optional, "description": "<description>"}
    listing = catalog.version("get_all_ex").skeleton()
    assert listing["stats_for_state"] == "active"
    assert not {"scroll_id", "filters"} & listing.keys()


def test_skeleton_of_required_fields_without_declaration(tmp_path: Path) -> None:
    (tmp_path / "demo.conf").write_text("ping { 2.1 { request { type: object, required: [ ghost ] } } }")
    version = load(tmp_path / "demo.conf", cache_dir=tmp_path / "cache").version("ping")
    assert version.validate(version.skeleton()) == {"ghost": "<ghost>"}


def test_skeleton_of_required_fields_of_every_type(tmp_path: Path) -> None:
    request = "required: [ i, m, b, l, o, e ], properties { i { type: integer }, m { type: integer, minimum: 3 }, "
    request += "b { type: boolean }, l { type: array }, e { enum: [ x, y ] }, "
    request += 'o { "$ref": "#/definitions/o" } }'
    text = (
        "_definitions { o { type: object, required: [ s ], properties { s { type: string }, t { type: string } } } }\n"
    )
    (tmp_path / "demo.conf").write_text(f"{text}ping {{ 2.1 {{ request {{ {request} }} }} }}")
    version = load(tmp_path / "demo.conf", cache_dir=tmp_path / "cache").version("ping")
    skeleton = version.skeleton()
    assert skeleton == {"i": 0, "m": 3, "b": False, "l": [], "e": "x", "o": {"s": "<s>"}}
    assert version.validate(skeleton) == skeleton
