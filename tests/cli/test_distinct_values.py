"""The commands that list what tasks, models and projects use, and which of them they choose: one database for all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.worlds.site import COMPANY, OTHER, UNKNOWN, Site, empty_site, metrics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Cli
    from tests.servers import Server

VISION, DEEP, AUDIO, SHARED, FOREIGN = (digit * 32 for digit in "abcde")
PARENTS = {"Root": "1" * 32, "root": "2" * 32, "shared": "3" * 32, "loose": "4" * 32, "strange": "6" * 32}


def _lr(value: Any, **others: Any) -> dict[str, Any]:
    """Return the hyperparameters of a task with a learning rate, and others of the section with a dot."""
    hyperparams = {"Args": {"lr": {"section": "Args", "name": "lr", "value": value}}}
    return {**hyperparams, "Hydra%2Emain": {name: {"value": other} for name, other in others.items()}}


def _metadata(**values: Any) -> dict[str, Any]:
    return {key: {"key": key, "type": "", "value": value} for key, value in values.items()}


def _fill(site: Site) -> None:
    site.documents.user.insert_many(
        [
            {"_id": "ana", "name": "Ana", "company": COMPANY},
            {"_id": "bob", "name": "Bob", "company": COMPANY},
            {"_id": "cat", "name": "Ana", "company": COMPANY},
            {"_id": "pub", "name": "Public", "company": ""},
            {"_id": "foe", "name": "Foe", "company": OTHER},
        ]
    )
    site.project("vision", _id=VISION, tags=["v", "a"], user="creator")
    site.project("vision/deep", _id=DEEP, tags=["d"], system_tags=["hidden"])
    site.project("audio", _id=AUDIO, tags=None)
    site.project("shared", _id=SHARED, company="", tags=["s"])
    site.project("foreign", _id=FOREIGN, company=OTHER, tags=["f"])
    site.task(AUDIO, _id=PARENTS["Root"], name="Root", user="ana")
    site.task(AUDIO, _id=PARENTS["root"], name="root", user="ana", system_tags=["archived"])
    site.task(SHARED, _id=PARENTS["shared"], name="shared", company="", user="pub")
    site.task(None, _id=PARENTS["loose"], name="loose", user="gone")
    foreign = site.task(FOREIGN, name="foreign", company=OTHER, user="foe")
    site.task(
        VISION,
        hyperparams=_lr("0.1", **{"%_x": True}),
        last_metrics=metrics(loss="a"),
        parent=PARENTS["Root"],
        user="bob",
    )
    site.task(VISION, hyperparams=_lr("0.01"), parent=PARENTS["root"], user="ana", system_tags=["archived"])
    site.task(DEEP, hyperparams=_lr("2.15"), last_metrics=metrics(loss="b"), parent=PARENTS["Root"], user="foe")
    site.task(AUDIO, hyperparams=_lr("2.7"), last_metrics=metrics(pitch="a"), parent=foreign, user="cat")
    site.task(SHARED, company="", hyperparams=_lr("Adam"), parent=PARENTS["shared"], user="pub")
    site.task(None, hyperparams=_lr("None"), last_metrics=metrics(loose="a"), parent=PARENTS["loose"], user="ana")
    site.task("", hyperparams=_lr(None), parent="")
    site.task(VISION, company=OTHER, hyperparams=_lr("foreign"), last_metrics=metrics(foreign="a"), parent=foreign)
    for odd in ([], [{"Args": {"lr": {"value": "list"}}}], {"Args": [{"lr": {"value": "list"}}]}, {"Args": {"lr": 1}}):
        site.task(None, hyperparams=odd)
    strange = PARENTS["strange"]
    site.task(FOREIGN, _id=strange, name="strange", parent=strange, hyperparams=_lr("own task in a foreign project"))
    for value in (10, 9.5, True, ["a"], {"b": 1}, "10"):
        site.task(None, hyperparams={"Odd": {"type": {"value": value}}})
    site.model(
        VISION, _id="5" * 32, metadata=_metadata(layers="10", a__b="x"), last_metrics=metrics(size="m"), user="cat"
    )
    site.model(DEEP, metadata=_metadata(layers="9", **{"%_lead": "y"}), user="bob", system_tags=["archived"])
    site.model(None, metadata=_metadata(loose="1"), last_metrics=metrics(size="n"))
    site.model(SHARED, company="", metadata=_metadata(layers="public"))
    site.model(VISION, company=OTHER, metadata=_metadata(foreign="1", layers="foreign"))
    site.model(VISION, metadata=["layers"])


@pytest.fixture(scope="module")
def server_site(standalone: Server) -> Iterator[Site]:
    with empty_site(standalone, None) as site:  # type: ignore[arg-type]
        _fill(site)
        yield site


@pytest.fixture
def site(server_site: Site, cli: Cli) -> Site:
    return Site(cli, server_site.server, server_site.name)


def shown(answer: dict[str, Any]) -> list[Any]:
    """Return the values of a response: of its only list, by their names."""
    (items,) = (value for key, value in answer.items() if isinstance(value, list) and key != "system_tags")
    if "metrics" in answer:
        return [f"{item['metric']}/{item['variant']}" for item in items]
    return [item["name"] if isinstance(item, dict) and "name" in item else item for item in items]


CHOICES: list[tuple[str, list[Any]]] = [
    ("metrics", ["loose/a", "loss/a", "loss/b", "pitch/a"]),
    ("metrics --own", ["loose/a"]),
    ("metrics --no-project", ["loose/a"]),
    ("metrics vision", ["loss/a", "loss/b"]),
    ("metrics vision --include-subprojects", ["loss/a", "loss/b"]),
    ("metrics vision --own", ["loss/a"]),
    ("metrics vision --no-subprojects", ["loss/a"]),
    (f"metrics {UNKNOWN} --own", []),
    (f"metrics {FOREIGN}", []),
    ("metrics --models", ["size/m", "size/n"]),
    ("metrics --model-metrics vision", ["size/m"]),
    ("metrics --models --own", ["size/n"]),
    (f"metrics --models --id {'5' * 32} --id {PARENTS['Root']}", ["size/m"]),
    (f"metrics --models audio --ids {'5' * 32}", []),
    (f"metrics --id {UNKNOWN}", []),
    ("hyperparams vision --own", ["lr", "_x"]),
    ("hyperparams vision/deep", ["lr"]),
    ("hyperparams --no-project", ["lr", "type"]),
    ("hyperparam-values Args lr", ["0.01", "0.1", "2.15", "2.7", "Adam", "None", "own task in a foreign project"]),
    ("hyperparam-values Args lr --non-public --pattern AD?.", ["own task in a foreign project"]),
    ("hyperparam-values Args lr --allow-public --pattern a[DX]", ["Adam"]),
    ("hyperparam-values Args lr --project vision", ["0.01", "0.1", "2.15"]),
    ("hyperparam-values Args lr --project vision --own", ["0.01", "0.1"]),
    ("hyperparam-values Args lr --project audio --projects vision/deep", ["2.15", "2.7"]),
    ("hyperparam-values Args lr --project audio --no-project", ["2.7", "None"]),
    ("hyperparam-values Args lr --no-project --own", ["None"]),
    ("hyperparam-values Args lr --project shared", ["Adam"]),
    (f"hyperparam-values Args lr --project {FOREIGN} --project {UNKNOWN}", []),
    ("hyperparam-values Args lr --page 1 --page-size 2", ["2.15", "2.7"]),
    ("hyperparam-values Args lr --page -3 --page-size 0", ["0.01"]),
    ("hyperparam-values Hydra.main _x", [True]),
    ("hyperparam-values Args none", []),
    ("hyperparam-values Odd type", [9.5, 10, "10", ["a"], True, {"b": 1}]),
    ("model-metadata-keys", ["_lead", "a__b", "layers", "loose"]),
    ("model-metadata-keys vision", ["_lead", "a__b", "layers"]),
    ("model-metadata-keys vision --own --page-size 1 --page 1", ["layers"]),
    ("model-metadata-keys --no-project", ["loose"]),
    ("model-metadata-values layers", ["9", "10", "public"]),
    ("model-metadata-values layers --non-public", ["9", "10"]),
    ("model-metadata-values layers --project vision --own", ["10"]),
    ("model-metadata-values _lead", ["y"]),
    ("task-parents", ["Root", "loose", "root", "shared", "strange"]),
    ("task-parents --state active", ["Root", "loose", "shared", "strange"]),
    ("task-parents --tasks-state archived", ["root"]),
    ("task-parents --state all --name ^r", ["root"]),
    ("task-parents --task-name o+t", ["Root", "root"]),
    ("task-parents --project vision --own", ["Root", "root"]),
    ("task-parents --project vision/deep --no-project", ["Root", "loose"]),
    ("task-parents --project audio", []),
    ("users", ["Ana", "Ana", "Bob"]),
    ("users --project vision", ["Ana", "Bob"]),
    ("users --project vision/deep", []),
    ("users --models", ["Ana", "Bob"]),
    ("users --entity model --project vision --own", ["Ana"]),
    ("users --no-project", ["Ana"]),
    ("project-tags", ["a", "d", "v"]),
    ("project-tags --project vision", ["a", "d", "v"]),
    ("project-tags --project vision/deep --project shared", ["d"]),
    ("project-tags --filter-tag v", ["a", "v"]),
    ("project-tags --filter-system-tag hidden", ["d"]),
]


@pytest.mark.parametrize(("words", "values"), CHOICES, ids=[words for words, _ in CHOICES])
def test_what_a_command_lists(site: Site, words: str, values: list[Any]) -> None:
    assert json.dumps(shown(site.json(*words.split()))) == json.dumps(values)  # for Python, true equals 1


def test_a_parent_has_its_project_if_it_is_readable(site: Site) -> None:
    assert site.json("task-parents")["parents"] == [
        {"id": PARENTS["Root"], "name": "Root", "project": {"id": AUDIO, "name": "audio"}},
        {"id": PARENTS["loose"], "name": "loose"},
        {"id": PARENTS["root"], "name": "root", "project": {"id": AUDIO, "name": "audio"}},
        {"id": PARENTS["shared"], "name": "shared", "project": {"id": SHARED, "name": "shared"}},
        {"id": PARENTS["strange"], "name": "strange", "project": {"id": FOREIGN}},
    ]


def test_totals_count_everything_and_system_tags_come_on_request(site: Site) -> None:
    values = ("hyperparam-values", "Args", "lr")
    assert site.json(*values, "--page-size", "2", "--page", "9") == {"total": 7, "values": []}
    keys = site.json("model-metadata-keys", "--page-size", "3")
    assert keys == {"total": 4, "remaining": 1, "keys": ["_lead", "a__b", "layers"]}
    assert site.json("project-tags")["system_tags"] == []
    assert site.json("project-tags", "--include-system")["system_tags"] == ["hidden"]
    assert site(*values, "--page-size", "2").stderr == "5 more of 7: see --page and --page-size\n"
    assert site(*values, "--page-size", "4", "--page", "1").stderr == ""


def test_tables_have_a_column_for_each_field(site: Site) -> None:
    assert site.text("hyperparam-values", "Args", "lr", "--project", "audio") == "VALUE\n2.7\n"
    assert site.text("model-metadata-keys", "--no-project") == "KEY\nloose\n"
    assert site.text("users", "--no-project") == "NAME\tID\nAna\tana\n"
    assert site.text("task-parents", "--name", "R") == f"NAME\tPROJECT\tID\nRoot\taudio\t{PARENTS['Root']}\n"
    assert site.text("project-tags", "-o", "id") == "a\nd\nv\n"
    empty = site("model-metadata-values", "none", "--fail-if-empty")
    assert (empty.exit_code, empty.stdout) == (6, "VALUE\n")


REQUESTS: list[tuple[str, dict[str, Any], int | None, Any]] = [
    ("get_hyperparam_values", {"section": "Args", "name": " lr ", "projects": [None]}, None, ["None"]),
    ("get_hyperparam_values", {"section": " ", "name": "lr"}, 12, None),
    ("get_hyperparam_values", {"section": "Args"}, 12, None),
    ("get_hyperparam_values", {"section": "Args", "name": "lr", "pattern": "("}, 21, None),
    ("get_hyperparam_values", {"section": "none", "name": "lr", "pattern": "["}, 21, None),
    ("get_hyperparam_values", {"section": "Args", "name": "l\0r"}, None, []),
    ("get_hyperparam_values", {"section": "Args", "name": "lr", "projects": [], "include_subprojects": False}, None, 7),
    ("get_hyperparam_values", {"section": "Args", "name": "lr", "projects": [""]}, None, []),
    ("get_hyperparam_values", {"section": "Args", "name": "lr", "projects": VISION}, 12, None),
    ("get_model_metadata_values", {"key": ""}, 12, None),
    ("get_model_metadata_values", {"key": "layers", "pattern": "9"}, 12, None),
    ("get_model_metadata_values", {"key": "layers", "page": None, "allow_public": None}, None, ["9", "10", "public"]),
    ("get_model_metadata_keys", {"project": ""}, None, 4),
    ("get_model_metadata_keys", {"project": VISION, "include_subprojects": None}, None, 3),
    ("get_task_parents", {"task_name": "("}, 21, None),
    ("get_task_parents", {"task_name": "(", "projects": [UNKNOWN]}, 21, None),
    ("get_task_parents", {"tasks_state": "hidden"}, 12, None),
    ("get_task_parents", {"tasks_state": None, "projects": None}, None, 5),
    ("get_user_names", {"entity": "project"}, 12, None),
    ("get_user_names", {"entity": None}, None, 3),
    ("get_project_tags", {"projects": [None]}, 12, None),
    ("get_project_tags", {"filter": {"tags": ["__$bad"]}}, 16, None),
    ("get_project_tags", {"filter": {"names": ["x"]}}, 12, None),
    ("get_project_tags", {"filter": {"tags": [None]}}, None, []),
    ("get_unique_metric_variants", {"ids": []}, None, 4),
    ("get_unique_metric_variants", {"ids": [None]}, 12, None),
]


def test_requests(site: Site) -> None:
    lines = [json.dumps({"endpoint": endpoint, "params": params}) for endpoint, params, _, _ in REQUESTS]
    answers = [json.loads(line) for line in site("batch", "-", stdin="\n".join(lines)).stdout.splitlines()]
    for answer, (endpoint, params, subcode, expected) in zip(answers, REQUESTS, strict=True):
        if subcode is not None:
            assert answer["error"]["subcode"] == subcode, (endpoint, params, answer)
            continue
        values = shown(answer["data"])
        assert (len(values) if isinstance(expected, int) else values) == expected, (endpoint, params)


@pytest.mark.parametrize(
    ("words", "version", "names"),
    [
        ("metrics vision --own", "2.1", "2.13"),
        ("metrics --models", "2.13", "2.25"),
        (f"metrics --id {UNKNOWN}", "2.27", "2.28"),
        ("hyperparams --no-project", "2.9", "2.13"),
        ("task-parents --own", "2.12", "2.13"),
        ("task-parents --name x", "2.13", "2.25"),
        ("hyperparam-values Args lr --page 0", "2.13", "2.26"),
        ("hyperparam-values Args lr --pattern x", "2.26", "2.27"),
        ("users", "2.25", "2.26"),
    ],
)
def test_a_version_that_lacks_an_option_is_refused_with_the_one_that_has_it(
    site: Site, words: str, version: str, names: str
) -> None:
    assert names in site.error(*words.split(), "--api-version", version, status=2)["message"]


def test_earlier_versions_include_sub_projects_and_have_no_pages(site: Site) -> None:
    assert shown(site.json("metrics", "vision", "--api-version", "2.1")) == ["loss/a", "loss/b"]
    assert shown(site.json("task-parents", "--project", "vision", "--api-version", "2.12")) == ["Root", "root"]
    for number in range(600):
        site.documents.task.insert_one(
            {"company": COMPANY, "hyperparams": {"Many": {"n": {"value": str(number)}}}, "user": "gone"}
        )
    try:
        values = ("hyperparam-values", "Many", "n")
        assert len(site.json(*values)["values"]) == 500
        everything = site.json(*values, "--api-version", "2.13")
        assert everything == {"total": 600, "values": [str(number) for number in range(600)]}
    finally:
        site.documents.task.delete_many({"hyperparams.Many": {"$exists": True}})


@pytest.mark.parametrize(
    "words",
    [
        "metrics vision --no-project",
        "hyperparams --no-project --include-subprojects",
        "users --project ",
        "users -- x",
        "users --models --entity task",
    ],
)
def test_contradictions_and_empty_names_are_refused(site: Site, words: str) -> None:
    assert site.error(*words.split(" "), status=2)["name"] in {"UsageError", "EmptyName"}


def test_ids_of_other_types_are_found_by_their_text(standalone: Server, cli: Cli) -> None:
    from bson import ObjectId

    with empty_site(standalone, cli) as site:
        place, task, used = ObjectId(), ObjectId(), metrics(odd="a")
        own = {"company": COMPANY, "user": "ana"}
        site.documents.project.insert_many(
            [
                {**own, "_id": place, "name": "odd"},
                {**own, "_id": 7, "name": "odd/deep", "path": [place], "parent": place, "tags": ["t"]},
            ]
        )
        site.documents.task.insert_many(
            [
                {**own, "_id": task, "name": "task", "project": place, "last_metrics": used, "hyperparams": _lr("1")},
                {**own, "_id": 1.5, "project": place, "parent": task},
                {**own, "_id": 7, "project": 7, "hyperparams": _lr("2")},
            ]
        )
        assert shown(site.json("metrics", "odd", "--id", str(task))) == ["odd/a"]
        assert shown(site.json("hyperparam-values", "Args", "lr", "--project", "odd")) == ["1", "2"]
        assert shown(site.json("hyperparam-values", "Args", "lr", "--project", "odd", "--own")) == ["1"]
        assert shown(site.json("project-tags", "--project", "odd")) == ["t"]
        (parent,) = site.json("task-parents", "--project", "odd")["parents"]
        assert parent["project"] == {"id": {"$oid": str(place)}, "name": "odd"}
        assert parent["id"] == {"$oid": str(task)}
