"""`projects doctor`: each finding about documents is detected, counted, shown, fixed if possible, and undone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

import pytest
from bson import ObjectId
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from bson.regex import Regex

from projects_cli.diagnosis.findings import EXAMPLES, KINDS, MEMBERS, PROJECTS
from projects_cli.local.sample import sample
from tests.worlds.site import COMPANY, LONG_AGO, OTHER, UNKNOWN, Site, empty_site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Cli
    from tests.servers import Server

Document = dict[str, Any]
RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)


@pytest.fixture
def site(deployment: Server, cli: Cli) -> Iterator[Site]:
    """A small site in good health, with the server's indexes, on each kind of deployment in turn."""
    yield from healthy(deployment, cli)


@pytest.fixture
def lone(standalone: Server, cli: Cli) -> Iterator[Site]:
    """The same on a standalone."""
    yield from healthy(standalone, cli)


def healthy(server: Server, cli: Cli) -> Iterator[Site]:
    site = Site(cli, server, server.borrow_indexed())
    site.task(site.project("vision/detector/yolo", tags=["edge", "prod"]))
    site.model(site.project("vision/detector/detr"))
    site.project("shared/own one")
    set_(site, "shared", company="")
    site.project("old", path=None, parent=None)
    site.documents.project.update_one({"name": "old"}, {"$unset": {"tags": 1, "last_update": 1, "system_tags": 1}})
    site.task(site.project("vision", company=OTHER), company=OTHER)
    site.task("")
    site.task(None)
    yield site
    server.give_back(site.name)


def doctor(site: Site, *arguments: str, status: int) -> Document:
    """Return the response of a run that ends with this status and prints nothing else."""
    result = site("--json", "doctor", *arguments)
    assert (result.exit_code, result.stderr) == (status, ""), result.stdout
    answer: Document = json.loads(result.stdout)
    return answer


def status_for(*kinds: str) -> int:
    """Return the exit status that these kinds of findings have together."""
    return 6 if {KINDS[kind].severity for kind in kinds} - {"note"} else 0


def found(answer: Document) -> dict[str, tuple[int, int]]:
    """Return for each finding its count and how many can be fixed."""
    return {one["name"]: (one["count"], one["fixable"]) for one in answer["findings"]}


def stored(site: Site) -> dict[str, list[bytes]]:
    """Return all that is stored, byte for byte."""
    content = {}
    for name in ("project", "task", "model"):
        found: Any = site.documents[name].with_options(codec_options=RAW).find({}, sort=[("_id", 1)])
        content[name] = [bytes(one.raw) for one in found]
    return content


def named(site: Site, name: str) -> Document:
    """Return the project of that name that the company can see; another company has one with that name too."""
    (document,) = site.documents.project.find({"name": name, "company": {"$in": [COMPANY, ""]}})
    return document


def set_(site: Site, project: str, **fields: Any) -> str:
    """Bend a project; gives its id."""
    identifier = str(named(site, project)["_id"])
    site.documents.project.update_one({"_id": identifier}, {"$set": fields})
    return identifier


def unset(site: Site, project: str, *fields: str) -> str:
    """Take fields from a project; gives its id."""
    identifier = str(named(site, project)["_id"])
    site.documents.project.update_one({"_id": identifier}, {"$unset": dict.fromkeys(fields, 1)})
    return identifier


# --- in good health -----------------------------------------------------------------------------------------------


def test_a_healthy_database_is_clean(site: Site) -> None:
    before = stored(site)
    answer = doctor(site, status=0)
    assert (answer["findings"], answer["skipped"]) == ([], [])
    assert answer["server"].keys() == {"version", "topology", "transactions", "clock_skew", "user"}
    assert site.text("doctor", "--quiet") == ("SEVERITY\tFINDING\tCOUNT\tFIXABLE\tDESCRIPTION\tIDS\tNAMES\tADVICE\n")
    assert stored(site) == before
    result = site("doctor", "--fix", "--fail-if-empty")
    assert (result.exit_code, result.stderr) == (0, "nothing can be fixed by --fix\nno problem was found\n")


def test_the_sample_is_clean(lone: Site) -> None:
    for collection, documents in sample(COMPANY).items():
        lone.documents[collection].delete_many({})
        lone.documents[collection].insert_many(documents)
    assert doctor(lone, status=0)["findings"] == []


# --- severity -----------------------------------------------------------------------------------------------------


def test_notes_alone_are_no_failure(lone: Site) -> None:
    """A server writes tags in the order in which a user gave them."""
    unsorted = set_(lone, "vision", tags=["b", "a"])
    result = lone("doctor")
    assert (result.exit_code, result.stderr.splitlines()[0]) == (0, "found: 1 note")
    assert unsorted in result.stdout
    assert doctor(lone, status=0)["findings"][0]["name"] == "tags-unsorted"
    assert lone("doctor", "--fail-if-empty").exit_code == 0
    set_(lone, "vision/detector", basename="other")
    result = lone("doctor")
    assert (result.exit_code, result.stderr.splitlines()[0]) == (6, "found: 1 warning, 1 note")


def test_errors_come_first_with_ids_and_advice(lone: Site) -> None:
    ids = [set_(lone, "vision", tags=["b", "a"]), set_(lone, "old", tags=None), unset(lone, "vision/detector", "user")]
    answer = doctor(lone, status=6)
    assert [one["severity"] for one in answer["findings"]] == ["error", "warning", "note"]
    assert [one["fix"] for one in answer["findings"]] == [None, "sets an empty list", "sorts them"]
    rows = [line.split("\t") for line in lone("doctor").stdout.splitlines()[1:]]
    assert [(row[0], row[1], row[5]) for row in rows] == [
        ("error", "field-missing", ids[2]),
        ("warning", "tags-null", ids[1]),
        ("note", "tags-unsorted", ids[0]),
    ]
    assert [row[7] for row in rows] == [KINDS[row[1]].advice for row in rows]


def test_many_missing_indexes_are_one_line(standalone: Server, cli: Cli) -> None:
    with empty_site(standalone, cli) as site:
        site.project("vision")
        site.task(None)
        site.model(None)
        lines = site("doctor", "--only", "index-missing").stdout.splitlines()
        assert len(lines) == 2
        assert int(lines[1].split("\t")[2]) > 20


# --- one for each kind --------------------------------------------------------------------------------------------


class Case(NamedTuple):
    """How a database is made inconsistent for one kind, what is found, and what is true after the fix.

    `bend` gives the ids that the examples name. `left` are the kinds that are found after `--fix`.
    """

    kind: str
    bend: Callable[[Site], list[str]]
    found: int
    fixable: int = 0
    also: dict[str, tuple[int, int]] = {}  # noqa: RUF012 - never changed
    fixed: Callable[[Site], object] = lambda _: True


def wrong_basenames(site: Site) -> list[str]:
    return [set_(site, "vision/detector", basename="finder"), unset(site, "old", "basename")]


def fields_missing(site: Site) -> list[str]:
    return [unset(site, "vision", "user"), set_(site, "old", created=None)]


def fields_of_other_types(site: Site) -> list[str]:
    """A text for a date, a number for a text, a list of texts for a text, and an id that is not a text."""
    other: Document = {"_id": ObjectId("65f000000000000000000002"), "company": COMPANY, "user": "u", "name": "mongosh"}
    site.documents.project.insert_one(other | {"basename": "mongosh", "created": LONG_AGO, "path": []})
    site.project("mongosh/below", parent=other["_id"], path=[other["_id"]])
    site.task(other["_id"])
    return [
        set_(site, "old", created="yesterday"),
        set_(site, "vision/detector/yolo", user=5),
        set_(site, "vision/detector/detr", description=["a text"]),
        "65f000000000000000000002",
        str(named(site, "mongosh/below")["_id"]),
    ]


def one_name_twice(site: Site) -> list[str]:
    site.documents.project.drop_index("name_1_company_1")
    other = {"_id": UNKNOWN, "company": COMPANY, "user": "u", "name": "old", "basename": "old", "created": LONG_AGO}
    site.documents.project.insert_one(other)
    return [UNKNOWN]


def a_public_name(site: Site) -> list[str]:
    site.project("old", company="")
    return [site.documents.project.find_one({"name": "old", "company": COMPANY})["_id"]]  # type: ignore[index]


def parents_gone(site: Site) -> list[str]:
    """The first is known by its name, the second is at the top level, nothing names the third."""
    site.documents.project.insert_one({**site.stored(named(site, "old")["_id"]), "_id": "lost", "name": "gone/lost"})
    return [
        set_(site, "vision/detector", parent=UNKNOWN, path=[UNKNOWN]),
        set_(site, "old", parent=UNKNOWN),
        set_(site, "gone/lost", parent="__DELETED__", basename="lost", path=[]),
    ]


def parents_are_back(site: Site) -> None:
    vision, detector = named(site, "vision"), named(site, "vision/detector")
    assert (detector["parent"], detector["path"]) == (vision["_id"], [vision["_id"]])
    assert "parent" not in named(site, "old")
    assert named(site, "gone/lost")["parent"] == "__DELETED__"


def a_parent_of_another_company(site: Site) -> list[str]:
    return [set_(site, "vision/detector", parent=site.project("theirs", company=OTHER))]


def a_cycle(site: Site) -> list[str]:
    above = named(site, "vision/detector")["_id"]
    return [set_(site, "vision", parent=above, path=[above]), above]


def name_and_path_agree(site: Site) -> list[str]:
    """Two have a parent that their names and paths contradict, the third has none."""
    other = named(site, "old")["_id"]
    return [
        set_(site, "vision", parent=other),
        set_(site, "vision/detector/yolo", parent=other),
        unset(site, "vision/detector/detr", "parent"),
    ]


def they_are_below_the_detector(site: Site) -> None:
    detector = named(site, "vision/detector")["_id"]
    assert "parent" not in named(site, "vision")
    assert [named(site, f"vision/detector/{name}")["parent"] for name in ("yolo", "detr")] == [detector] * 2


def a_rename_that_was_stopped(site: Site) -> list[str]:
    """The server had renamed the topmost project and one deep below, and not what lies between."""
    set_(site, "vision", name="sight", basename="sight")
    set_(site, "vision/detector/yolo", name="sight/detector/yolo")
    return [named(site, name)["_id"] for name in ("vision/detector", "sight/detector/yolo")]


def the_names_follow(site: Site) -> None:
    names = [name for name in site.names() if name.startswith("sight")]
    assert names == ["sight", "sight/detector", "sight/detector/detr", "sight/detector/yolo"]


def a_tie(site: Site) -> list[str]:
    """The name gives one place, parent and path another; both are there."""
    other = named(site, "old")["_id"]
    return [set_(site, "vision/detector/yolo", parent=other, path=[other])]


def a_stale_name_over_a_public_project(site: Site) -> list[str]:
    set_(site, "vision", name="sight", basename="sight")
    set_(site, "vision/detector/yolo", company="", company_origin=COMPANY)
    return [named(site, "vision/detector")["_id"]]


def two_of_one_name(site: Site) -> list[str]:
    """Two that would both be called `vision/detector/same` there."""
    detector = named(site, "vision/detector")["_id"]
    set_(site, "vision/detector/yolo", name="gone/same", basename="same")
    return [
        set_(site, "vision/detector/detr", name="away/same", basename="same"),
        set_(site, "gone/same", parent=detector),
    ]


def wrong_paths(site: Site) -> list[str]:
    """A path of the wrong ids, none at all, no list, one of other types."""
    return [
        set_(site, "vision", path=[UNKNOWN]),
        unset(site, "vision/detector", "path"),
        set_(site, "vision/detector/yolo", path="vision"),
        set_(site, "vision/detector/detr", path=[1, {"a": None}]),
    ]


def paths_are_right(site: Site) -> None:
    vision, detector = named(site, "vision"), named(site, "vision/detector")
    assert (vision["path"], detector["path"]) == ([], [vision["_id"]])
    assert named(site, "vision/detector/yolo")["path"] == [vision["_id"], detector["_id"]]


def eleven_levels(site: Site) -> list[str]:
    return [site.project("/".join(f"level {number}" for number in range(11)))]


def null_tags(site: Site) -> list[str]:
    return [set_(site, "vision", tags=None, system_tags=None), set_(site, "old", system_tags=None)]


def unsorted_tags(site: Site) -> list[str]:
    return [set_(site, "vision", tags=["b", "a"]), set_(site, "old", system_tags=["é", "z"])]


def duplicated_tags(site: Site) -> list[str]:
    return [set_(site, "vision", tags=["a", "a", "b"])]


def tags_of_other_types(site: Site) -> list[str]:
    return [set_(site, "vision", tags="prod"), set_(site, "old", tags=["a", 1]), set_(site, "shared/own one", tags=7)]


def lost(site: Site, put: Callable[[str | None], str]) -> list[str]:
    theirs = site.project(f"theirs {uuid4()}", company=OTHER)
    return [put(UNKNOWN), put(UNKNOWN), put(theirs), put("__DELETED__" + UNKNOWN), put(Regex("."))]  # type: ignore[arg-type]


def none_is_lost(site: Site) -> None:
    for name in ("task", "model"):
        projects = list(site.documents[name].find({"company": COMPANY}, {"project": 1}))
        assert {one["project"] for one in projects if isinstance(one["project"], str) and len(one["project"]) > 0} <= {
            one["_id"] for one in site.documents.project.find({"company": COMPANY})
        }
    assert site.documents.task.count_documents({"company": COMPANY, "name": "task"}) > 0


def tasks_with_marks(site: Site) -> list[str]:
    task = site.task(None, parent="__DELETED__" + UNKNOWN)
    inputs = {"input": [{"name": "m", "model": "__DELETED__" + UNKNOWN}], "output": []}
    return [task, site.task(None, models=inputs), site.task(None, models=inputs, company=OTHER)][:2]


def models_with_marks(site: Site) -> list[str]:
    return [site.model(None, task="__DELETED__" + UNKNOWN)]


def no_index(site: Site) -> list[str]:
    """One is gone, another has another name, which does not matter."""
    site.documents.project.drop_index("path_1")
    site.documents.task.drop_index("project_1")
    site.documents.task.create_index([("project", 1)], name="by_project")
    return []


CASES = [
    Case(
        "basename-mismatch", wrong_basenames, 2, 2,
        fixed=lambda site: [named(site, "vision/detector")["basename"], named(site, "old")["basename"]]
        == ["detector", "old"],
    ),
    Case("field-missing", fields_missing, 2),
    Case("field-type", fields_of_other_types, 5),
    Case("name-duplicated", one_name_twice, 1, also={"index-missing": (1, 0)}),
    Case("name-public", a_public_name, 1),
    Case("parent-gone", parents_gone, 3, 2, fixed=parents_are_back),
    Case("parent-gone", a_parent_of_another_company, 1, 1),
    Case("parent-cycle", a_cycle, 2),
    Case(
        "parent-mismatch", name_and_path_agree, 3, 3, also={"path-mismatch": (5, 0)},
        fixed=they_are_below_the_detector,
    ),
    Case("parent-mismatch", a_rename_that_was_stopped, 2, 2, fixed=the_names_follow),
    Case("parent-mismatch", a_tie, 1),
    Case("parent-mismatch", two_of_one_name, 2),
    Case("parent-mismatch", a_stale_name_over_a_public_project, 1),
    Case("path-mismatch", wrong_paths, 4, 4, fixed=paths_are_right),
    Case("too-deep", eleven_levels, 1),
    Case(
        "tags-null", null_tags, 2, 2,
        fixed=lambda site: (named(site, "vision")["tags"], named(site, "old")["system_tags"]) == ([], []),
    ),
    Case(
        "tags-unsorted", unsorted_tags, 2, 2,
        fixed=lambda site: [named(site, "vision")["tags"], named(site, "old")["system_tags"]]
        == [["a", "b"], ["z", "é"]],
    ),
    Case("tags-duplicated", duplicated_tags, 1, 1, fixed=lambda site: named(site, "vision")["tags"] == ["a", "b"]),
    Case("tags-type", tags_of_other_types, 3, 1, fixed=lambda site: named(site, "vision")["tags"] == ["prod"]),
    Case("task-project-gone", lambda site: lost(site, site.task), 5, 4, fixed=none_is_lost),
    Case("model-project-gone", lambda site: lost(site, site.model), 5, 4, fixed=none_is_lost),
    Case("task-reference-deleted", tasks_with_marks, 2),
    Case("model-reference-deleted", models_with_marks, 1),
    Case("index-missing", no_index, 1),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}-{case.bend.__name__.strip('<>')}")
def test_a_finding_is_reported_fixed_and_undone(case: Case, lone: Site) -> None:
    ids = case.bend(lone)
    bent = stored(lone)
    answer = doctor(lone, status=status_for(case.kind, *case.also))
    told = next(one for one in answer["findings"] if one["name"] == case.kind)
    assert (told["count"], told["fixable"]) == (case.found, case.fixable)
    assert {name: one for name, one in found(answer).items() if name != case.kind}.keys() == case.also.keys()
    assert told["examples"]
    assert {one.get("id") for one in told["examples"]} >= set(ids[:EXAMPLES])
    assert told["description"] == KINDS[case.kind].description
    assert found(doctor(lone, "--only", case.kind, status=status_for(case.kind))) == {
        case.kind: (case.found, case.fixable)
    }
    assert stored(lone) == bent
    check_fix(case, lone, bent)


def check_fix(case: Case, site: Site, bent: dict[str, list[bytes]]) -> None:
    """Fix what can be fixed: it is not found again, and undo restores every byte."""
    left = {case.kind: (case.found - case.fixable, 0)} if case.found > case.fixable else {}
    also = {} if case.fixable else case.also
    answer = doctor(site, "--fix", "--yes", status=status_for(*left, *also))
    assert found(answer) == left | also
    assert ("fixed" in answer) == bool(case.fixable)
    assert case.fixed(site) in {None, True}
    if case.fixable:
        assert stored(site) != bent
        site.json("undo", "--yes")
    assert stored(site) == bent


def test_every_kind_about_documents_is_tried() -> None:
    assert {case.kind for case in CASES} == {kind.name for kind in (*PROJECTS, *MEMBERS)} | {"index-missing"}


# --- several at once, and in part ---------------------------------------------------------------------------------

BENDS = (
    wrong_basenames,
    parents_gone,
    a_rename_that_was_stopped,
    unsorted_tags,
    tags_of_other_types,
    tasks_with_marks,
)


def bend(site: Site) -> None:
    null_tags(site)
    wrong_paths(site)
    a_rename_that_was_stopped(site)
    lost(site, site.task)
    lost(site, site.model)
    set_(site, "old", basename="aged")
    set_(site, "sight", tags=["b", "a", "b"])


def test_several_at_once_are_mended_in_one_operation_and_undone(site: Site) -> None:
    bend(site)
    before = stored(site)
    names = set(found(doctor(site, status=6)))
    assert names == {
        "basename-mismatch", "parent-mismatch", "path-mismatch", "tags-null", "tags-unsorted", "tags-duplicated",
        "task-project-gone", "model-project-gone",
    }  # fmt: skip
    answer = doctor(site, "--fix", "--yes", status=6)
    assert found(answer) == {"task-project-gone": (1, 0), "model-project-gone": (1, 0)}
    assert answer["fixed"] == {"projects": 5, "tasks": 4, "models": 4}
    the_names_follow(site)
    operation = site.json("history", "--operations")["operations"][0]
    assert (operation["state"], operation["endpoint"]) == ("done", "doctor")
    assert operation["counts"] == {"projects": 5, "tasks": 4, "models": 4}
    site.json("undo", "--yes")
    assert stored(site) == before


def test_only_what_is_named_is_mended(lone: Site) -> None:
    bend(lone)
    before = lone.everything()
    assert doctor(lone, "--only", "tags-null", "--only", "basename-mismatch", "--fix", "-y", status=0)["findings"] == []
    changed = {
        field
        for old, new in zip(before["project"], lone.everything()["project"], strict=True)
        for field in {*old, *new}
        if old.get(field) != new.get(field)
    }
    assert changed == {"system_tags", "basename"}
    assert lone.everything()["task"] == before["task"]


def test_what_is_above_a_tie_or_a_cycle_is_left_alone(lone: Site) -> None:
    a_tie(lone)
    below = lone.project("below")
    tied = named(lone, "vision/detector/yolo")
    set_(lone, "below", name="vision/detector/yolo/below", basename="below", parent=tied["_id"], path=[UNKNOWN])
    assert found(doctor(lone, "--fix", "-y", status=6)) == {"parent-mismatch": (1, 0), "path-mismatch": (1, 0)}
    assert lone.stored(below)["path"] == [UNKNOWN]


def test_an_unknown_kind_is_refused_with_the_nearest(lone: Site) -> None:
    result = lone("doctor", "--only", "parent-cycles")
    assert result.exit_code == 2
    assert "parent-cycle" in result.stderr.splitlines()[1]
    assert lone("doctor", "--only", "nonsense").stderr.endswith("right-missing\n")


# --- asking, dry runs, refusals -----------------------------------------------------------------------------------


def test_a_dry_run_shows_the_plan_and_changes_nothing(lone: Site) -> None:
    bend(lone)
    before = stored(lone)
    history = lone.json("history")["runs"]
    plan = lone.json("doctor", "--fix", "--dry-run")
    assert plan["counts"] == {"projects": 5, "tasks": 4, "models": 4}
    assert {(step["action"], step["collection"]) for step in plan["steps"]} == {
        ("update", "project"), ("update", "task"), ("update", "model"),
    }  # fmt: skip
    assert stored(lone) == before
    assert lone.json("history")["runs"] == history


def test_tags_and_basenames_want_a_yes_places_and_tasks_the_name_of_the_database(lone: Site) -> None:
    null_tags(lone)
    result = lone("doctor", "--fix")
    assert (result.exit_code, "--confirm" in result.stderr) == (2, False)
    wrong_paths(lone)
    result = lone("doctor", "--fix")
    assert (result.exit_code, f"--confirm {lone.name!r}" in result.stderr) == (2, True)
    assert lone("doctor", "--fix", "--confirm", lone.name).exit_code == 0


def test_nothing_is_mended_read_only(lone: Site) -> None:
    null_tags(lone)
    assert lone.error("doctor", "--fix", "--read-only", status=4)["name"] == "ReadOnly"
    assert found(doctor(lone, "--read-only", status=6)) == {"tags-null": (2, 2)}


def test_without_a_journal_it_looks_and_mends_too(lone: Site) -> None:
    null_tags(lone)
    assert doctor(lone, "--fix", "--yes", "--no-journal", status=0)["fixed"] == {"projects": 2, "tasks": 0, "models": 0}


def test_every_format_has_the_findings_and_shows_hostile_names_escaped(lone: Site) -> None:
    set_(lone, "old", name="a\x1b[31m\n\u202ered [bold]", basename="x")
    for form in ("table", "jsonl", "yaml", "csv", "tsv", "id"):
        result = lone("doctor", "-o", form)
        assert result.exit_code == 6
        assert "basename-mismatch" in result.stdout
        assert not {"\x1b", "\u202e"} & set(result.stdout + result.stderr)


def test_ids_and_fields_of_any_type_are_no_traceback(lone: Site) -> None:
    odd: list[Any] = [7, None, {"a": 1}, [1], True, 0.5, b"x", Regex("x"), ["a"], {}]
    for number, value in enumerate(odd):
        document = {"company": COMPANY, "name": value, "parent": value, "path": value, "tags": value, "basename": value}
        identifier = value if not isinstance(value, list | Regex) and value is not None else f"odd {number}"
        lone.documents.project.insert_one({"_id": identifier, **document})
        lone.documents.project.insert_one({"_id": f"named {number}", **document, "name": f"named {number}"})
        if not isinstance(value, list):  # an index refuses two lists in one document
            lone.task(value)
    before = stored(lone)
    doctor(lone, "--fix", "--yes", status=6)
    lone.json("undo", "--yes")
    assert stored(lone) == before
