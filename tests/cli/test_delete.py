"""`projects delete`: deleted and kept documents, confirmation, and refusals."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.worlds.site import COMPANY, LONG_AGO, OTHER, UNKNOWN, Site

if TYPE_CHECKING:
    from pathlib import Path


def test_an_empty_project_goes_once_somebody_says_yes(site: Site) -> None:
    site.project("vision/old")
    assert site.json("delete", "vision/old", "--yes") == {
        "deleted": 1,
        "disassociated_tasks": 0,
        "deleted_models": 0,
        "deleted_tasks": 0,
    }
    assert site.names() == ["vision"]


def test_everything_below_goes_and_tasks_and_models_stay(site: Site) -> None:
    deep = site.project("vision/old/deep")
    task = site.task(deep, system_tags=["archived"], tags=["t"])
    model = site.model(site.named("vision/old")["_id"], system_tags=["archived"])
    elsewhere = site.task(site.project("audio"))
    before = {name: {one["_id"]: one for one in found} for name, found in site.everything().items()}
    assert site.json("delete", "vision", "-y") == {
        "deleted": 3,
        "disassociated_tasks": 1,
        "deleted_models": 0,
        "deleted_tasks": 0,
    }
    after = site.everything()
    assert site.names() == ["audio"]
    assert {one["_id"]: one for one in after["task"]} == {
        task: before["task"][task] | {"project": None},
        elsewhere: before["task"][elsewhere],
    }
    assert after["model"] == [before["model"][model] | {"project": None}]


def test_the_parents_last_update_stays(site: Site) -> None:
    site.project("vision/old")
    site.json("delete", "vision/old", "-y")
    assert site.named("vision")["last_update"] == LONG_AGO.replace(tzinfo=None)


@pytest.mark.parametrize(
    ("special", "task", "fault"),
    [
        ({}, {}, (400, 402, "ProjectHasTasks")),
        ({}, {"type": "report"}, (400, 402, "ProjectHasTasks")),
        ({"system_tags": ["dataset"]}, {}, (400, 406, "ProjectHasDatasets")),
        ({"system_tags": ["pipeline"]}, {"type": "controller"}, (400, 413, "ProjectHasPipelines")),
    ],
)
def test_tasks_that_are_not_archived_refuse(
    site: Site, special: dict[str, object], task: dict[str, object], fault: tuple[int, int, str]
) -> None:
    site.task(site.project("vision/special", **special), **task)
    assert site.fault("delete", "vision", "--yes", status=4) == fault


def test_models_that_are_not_archived_refuse(site: Site) -> None:
    site.model(site.project("vision"))
    error = site.error("delete", "vision", "-y", status=4)
    assert (error["code"], error["subcode"], error["name"]) == (400, 405, "ProjectHasModels")
    command = f"projects delete {site.named('vision')['_id']} --force"
    assert error["hint"] == (
        f"archive them in the web UI, or see what --force would delete: {command} --dry-run; "
        f"then {command} deletes without asking, and keeps tasks and models without a project"
    )


def test_pipelines_refuse_before_datasets_and_those_before_tasks(site: Site) -> None:
    site.task(site.project("top/plain"))
    dataset = site.task(site.project("top/sets", system_tags=["dataset"]))
    run = site.task(site.project("top/runs", system_tags=["pipeline"]), type="controller")
    names = []
    for task in (run, dataset):
        names.append(site.error("delete", "top", "-y", status=4)["name"])
        site.documents.task.update_one({"_id": task}, {"$set": {"system_tags": ["archived"]}})
    names.append(site.error("delete", "top", "-y", status=4)["name"])
    assert names == ["ProjectHasPipelines", "ProjectHasDatasets", "ProjectHasTasks"]


def test_a_refused_delete_lists_every_obstacle(site: Site) -> None:
    top = site.project("top")
    runs = site.project("top/.pipelines/runs", system_tags=["pipeline", "hidden"])
    sets = site.project("top/sets", system_tags=["dataset"])
    hidden = site.project("top/hidden one", system_tags=["hidden"])
    run = site.task(runs, type="controller", name="the run")
    version = site.task(sets, name="the version", system_tags=["hidden"])
    plain = [site.task(hidden, _id=f"{number:032x}", name=f"task {number}") for number in range(7)]
    own = site.task(top, name="report one", type="report")
    model = site.model(hidden, name="the model")
    for ignored in ({"system_tags": ["archived"]}, {"company": OTHER, "name": "secret"}):
        site.task(top, **ignored)
        site.model(top, **ignored)
    error = site.error("delete", "top", "-y", status=4)
    assert (error["name"], error["subcode"]) == ("ProjectHasPipelines", 413)
    assert error["message"] == "'top' holds pipelines with runs that are not archived: 1"
    problems = error["problems"]
    assert [(one["kind"], one["path"], one["project"]["id"], one["count"]) for one in problems] == [
        ("pipelines", "top/.pipelines/runs", runs, 1),
        ("datasets", "top/sets", sets, 1),
        ("tasks", "top", top, 1),
        ("tasks", "top/hidden one", hidden, 7),
        ("models", "top/hidden one", hidden, 1),
    ]
    assert [[sample["id"] for sample in one["samples"]] for one in problems] == [
        [run],
        [version],
        [own],
        plain[:5],
        [model],
    ]
    assert problems[0]["message"] == (
        f"1 run that is not archived: 'the run'; to clear: projects delete {runs} --force"
    )
    assert "'task 4' and 2 more; to clear" in problems[3]["message"]
    assert "secret" not in str(error)


def test_people_see_every_obstacle_on_a_line_even_of_one(site: Site) -> None:
    one, two = site.project("top"), site.project("top/two")
    site.task(one, name="first")
    site.task(two, name="second")
    lines = site("delete", "top", "-y").stderr.splitlines()
    assert lines[:3] == [
        "error: 'top' holds tasks that are not archived: 2",
        f"  top: 1 task that is not archived: 'first'; to clear: projects delete {one} --force",
        f"  top/two: 1 task that is not archived: 'second'; to clear: projects delete {two} --force",
    ]
    lines = site("delete", "top/two", "-y").stderr.splitlines()
    assert lines[1].startswith("  top/two: 1 task")


def test_the_commands_that_clear_the_obstacles_do(site: Site) -> None:
    for number, (special, task) in enumerate(
        ({"system_tags": ["pipeline"]}, {"type": "controller"}) if kind else ({}, {}) for kind in (0, 1)
    ):
        project = site.project(f"top/project {number}", **special)
        site.task(project, **task)
        site.model(project)
    for problem in site.error("delete", "top", "-y", status=4)["problems"]:
        if site.documents.project.find_one({"_id": problem["project"]["id"]}):  # tasks and models have one command
            site.json(*problem["to_clear"].split()[1:])
    assert site.json("delete", "top", "-y")["deleted"] == 1


def test_of_many_obstacles_the_first_are_listed(site: Site) -> None:
    for number in range(23):
        site.task(site.project(f"top/project {number:02d}"))
    problems = site.error("delete", "top", "-y", status=4)["problems"]
    assert [one["path"] for one in problems] == [*(f"top/project {number:02d}" for number in range(20)), "tasks"]
    assert problems[-1] == {
        "path": "tasks",
        "message": "and 3 more projects with 3 tasks that are not archived",
        "kind": "tasks",
        "more": 3,
        "count": 3,
    }


def test_batch_answers_with_every_obstacle(site: Site) -> None:
    project = site.project("vision")
    site.task(project)
    site.model(project)
    line = json.dumps({"endpoint": "delete", "params": {"project": project}})
    answer = json.loads(site("batch", "-", stdin=line).stdout)
    assert [one["kind"] for one in answer["error"]["problems"]] == ["tasks", "models"]


def test_other_tasks_and_models_of_pipelines_and_datasets_never_refuse(site: Site) -> None:
    pipeline = site.project("top/runs", system_tags=["pipeline"])
    dataset = site.project("top/sets", system_tags=["dataset"])
    site.task(pipeline, type="training")
    site.model(pipeline)
    site.model(dataset)
    assert site.json("delete", "top", "-y") == {
        "deleted": 3,
        "disassociated_tasks": 1,
        "deleted_models": 0,
        "deleted_tasks": 0,
    }


def test_force_deletes_although_there_are_tasks_and_asks_nothing(site: Site) -> None:
    task = site.task(site.project("vision"))
    assert site.json("delete", "vision", "--force") == {
        "deleted": 1,
        "disassociated_tasks": 1,
        "deleted_models": 0,
        "deleted_tasks": 0,
    }
    assert site.names() == []
    assert site.documents.task.find_one({"_id": task}, {"project": 1}) == {"_id": task, "project": None}


# --- questions ----------------------------------------------------------------------------------------------------


def test_without_a_terminal_a_question_fails_and_names_the_flag(site: Site) -> None:
    site.project("vision")
    error = site.error("delete", "vision", status=2)
    assert (error["name"], error["hint"]) == ("ConfirmationNeeded", "answer in advance with --yes")


def test_without_a_terminal_a_full_project_asks_for_its_name(site: Site) -> None:
    site.project("vision/deep")
    error = site.error("delete", "vision", status=2)
    assert (error["name"], error["hint"]) == (
        "ConfirmationNeeded",
        "answer in advance with --yes or --confirm 'vision'",
    )


def test_what_would_go_is_told_with_the_question(site: Site) -> None:
    deep = site.project("vision/deep")
    site.task(deep, system_tags=["archived"])
    result = site("delete", "vision")
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{deep}  vision/deep" in result.stderr
    assert "2 projects, 1 task, 0 models" in result.stderr


def test_confirm_answers_for_that_name_only(site: Site) -> None:
    site.project("vision/deep")
    assert site.error("delete", "vision", "--confirm", "vision/deep", status=2)["name"] == "ConfirmationNeeded"
    assert site.json("delete", "vision", "--confirm", "vision")["deleted"] == 2


def test_yes_answers_from_the_environment_too(site: Site) -> None:
    site.project("vision")
    assert site.json("delete", "vision", PROJECTS_YES="1")["deleted"] == 1


# --- refusals -----------------------------------------------------------------------------------------------------


def test_a_public_project_can_not_be_deleted(site: Site) -> None:
    site.project("shared", company="", company_origin=OTHER)
    for flag in ("--yes", "--force"):
        assert site.fault("delete", "shared", flag, status=4) == (403, 21, "NoWritePermission")


def test_a_project_with_public_ones_below_is_not_deleted_even_by_force(site: Site) -> None:
    site.project("vision/own")
    site.project("vision/shared", company="", company_origin=OTHER)
    error = site.error("delete", "vision", "--force", status=4)
    assert (error["name"], "'vision/shared'" in error["message"]) == ("NoWritePermission", True)


def test_an_unknown_project_and_one_of_another_company(site: Site) -> None:
    foreign = site.project("foreign", company=OTHER)
    for identifier in (UNKNOWN, foreign):
        assert site.fault("delete", identifier, "--force", status=3) == (400, 401, "InvalidProjectId")


def test_tasks_of_another_company_in_an_own_project_stay_as_they_are(site: Site) -> None:
    project = site.project("vision")
    foreign, public = site.task(project, company=OTHER), site.task(project, company="")
    assert site.json("delete", "vision", "--force")["disassociated_tasks"] == 1
    tasks = {one["_id"]: one["project"] for one in site.documents.task.find()}
    assert tasks == {foreign: project, public: None}


def test_dry_run_tells_and_changes_nothing(site: Site) -> None:
    site.task(site.project("vision/deep"), system_tags=["archived"])
    before = site.everything()
    plan = site.json("delete", "vision", "-n")
    assert plan["counts"] == {"projects": 2, "tasks": 1, "models": 0}
    assert [sample["name"] for sample in plan["samples"]] == ["vision", "vision/deep"]
    assert site.everything() == before


def test_dry_run_refuses_what_would_be_refused(site: Site) -> None:
    site.task(site.project("vision"))
    assert site.error("delete", "vision", "--dry-run", status=4)["name"] == "ProjectHasTasks"


def test_read_only_refuses_even_by_force(site: Site) -> None:
    site.project("vision")
    assert site.error("delete", "vision", "--force", "--read-only", status=4)["name"] == "ReadOnly"


# --- several ------------------------------------------------------------------------------------------------------


def test_several_are_deleted_and_summed(site: Site) -> None:
    site.task(site.project("one"), system_tags=["archived"])
    site.project("two/deep")
    site.project("stays")
    answer = site.json("delete", "one", site.named("two")["_id"], "one", "--yes")
    assert answer == {"deleted": 3, "disassociated_tasks": 1, "deleted_models": 0, "deleted_tasks": 0}
    assert site.names() == ["stays"]


def test_several_come_from_standard_input(site: Site) -> None:
    site.project("one")
    site.project("two")
    assert site.json("delete", "-", "--yes", stdin="one\n\ntwo\n")["deleted"] == 2
    assert site.names() == []


def test_one_failing_of_several_leaves_the_others_done_and_status_5(site: Site) -> None:
    site.project("one")
    site.task(site.project("busy"))
    site.project("two")
    result = site("delete", "one", "busy", "nowhere", "two", "--yes")
    assert result.exit_code == 5
    assert result.stdout == "deleted\t2\ndisassociated tasks\t0\ndeleted models\t0\ndeleted tasks\t0\n"
    assert "error: 'busy' holds tasks that are not archived: 1" in result.stderr
    assert "error: there is no project 'nowhere'" in result.stderr
    assert "error: 2 of 4 did not succeed" in result.stderr
    assert site.names() == ["busy"]


def test_several_without_a_terminal_ask_for_the_flag_and_change_nothing(site: Site) -> None:
    site.project("one")
    site.project("two")
    before = site.everything()
    result = site("delete", "one", "two")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("--yes") == 1
    assert site.everything() == before


def test_several_are_confirmed_by_how_many_go(site: Site) -> None:
    site.project("one/deep")
    site.project("two")
    assert site.error("delete", "one", "two", "--confirm", "2 projects", status=2)["name"] == "ConfirmationNeeded"
    assert site.json("delete", "one", "two", "--confirm", "3 projects")["deleted"] == 3


def test_several_have_one_plan_and_a_record_each(site: Site) -> None:
    site.project("one/deep")
    site.task(site.project("two"), system_tags=["archived"])
    plan = site.json("delete", "one", "two", "-n")
    assert (plan["plan"], plan["counts"]) == ("delete 2 projects", {"projects": 3, "tasks": 1, "models": 0})
    assert len(plan["steps"]) == 4
    site.json("delete", "one", "two", "--yes")
    summaries = [one["summary"] for one in site.json("history", "--operations")["operations"]]
    assert summaries[:2] == ["delete the project 'two'", "delete the project 'one'"]


def test_what_goes_with_another_one_is_no_failure(site: Site) -> None:
    site.project("one/deep/deeper")
    result = site("delete", "one/deep", "one", site.named("one")["_id"], "one/deep/deeper", "--force", "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (
        0,
        {"deleted": 3, "disassociated_tasks": 0, "deleted_models": 0, "deleted_tasks": 0},
    )


def test_max_delete_refuses_more_and_changes_nothing(site: Site) -> None:
    site.project("one/deep")
    site.project("two")
    for arguments, environment in (
        (("delete", "one", "--force", "--max-delete", "1"), {}),
        (("delete", "one", "two", "--yes", "--max-delete=2"), {}),
        (("delete", "one", "two", "-n", "--max-delete=2"), {}),
        (("delete", "two", "--yes", "--max-delete", "0"), {"PROJECTS_MAX_DELETE": "5"}),
        (("delete", "one", "--yes"), {"PROJECTS_MAX_DELETE": "1"}),
        (("call", "delete", "--data", json.dumps({"project": site.named("one")["_id"]})), {"PROJECTS_MAX_DELETE": "1"}),
    ):
        assert site.error(*arguments, status=4, **environment)["name"] == "OverMaxDelete"
    assert site.json("delete", "one", "two", "--yes", "--max-delete", "3")["deleted"] == 3


@pytest.mark.parametrize("number", ["-1", "many", "1.5"])
def test_a_max_delete_that_is_no_number_is_wrong_usage(site: Site, number: str) -> None:
    site.project("one")
    for result in (
        site("delete", "one", "--yes", f"--max-delete={number}"),
        site("delete", "one", "--yes", PROJECTS_MAX_DELETE=number),
    ):
        assert result.exit_code == 2
    assert "x>=0" not in site.text("delete", "--help")


def test_no_project_at_all_is_wrong_usage(site: Site) -> None:
    assert site.error("delete", status=2)["name"] == "UsageError"


# --- several, and a fault of the whole run ----------------------------------------------------------------------------


def test_a_fault_of_the_whole_run_is_told_once(site: Site) -> None:
    site.project("one")
    site.project("two")
    before = site.everything()
    result = site("delete", "one", "two", "--yes", "--api-version", "0.1")
    assert (result.exit_code, result.stderr.count("error:")) == (2, 1)
    away = site.cli("delete", "one", "two", "three", "--yes", "--timeout", "1s", uri="mongodb://127.0.0.1:1")
    assert (away.exit_code, away.stderr.count("error:"), away.stdout) == (69, 1, "")
    assert site.everything() == before


def test_an_empty_name_among_several_is_its_own_failure(site: Site) -> None:
    site.project("one")
    result = site("delete", "", "one", "--yes")
    assert (result.exit_code, site.names()) == (5, [])
    assert "error: the name of the project is empty" in result.stderr


@pytest.mark.parametrize("company", [[COMPANY], [COMPANY, OTHER]])
def test_a_document_whose_company_is_a_list_belongs_to_no_company(
    site: Site, tmp_path: Path, company: list[str]
) -> None:
    """MongoDB matches a list by each of its items. No command shows, counts, exports or changes such a document."""
    top = site.project("top")
    odd = site.task(top, company=company, name="theirs", status="in_progress", hyperparams={"a": {"b": {"value": "c"}}})
    site.model(top, company=company, name="theirs")
    site.task(None, company=company, parent=odd)
    before = [*site.documents.task.find(), *site.documents.model.find()]
    for words in (
        ["contents", "top"],
        ["list", "--stats"],
        ["tree", "--stats"],
        ["top"],
        ["validate-delete", "top"],
        ["status"],
        ["report", "top", "-o", "json"],
        ["hyperparams"],
        ["activity"],
    ):
        text = site.text(*words, "--json")
        assert "theirs" not in text, words
        assert '"tasks":1' not in text.replace(" ", ""), words
    site.json("export", "--with", "tasks,models", "--to", str(tmp_path / "x.jsonl"))
    assert b"theirs" not in (tmp_path / "x.jsonl").read_bytes()
    assert site.json("delete", "top", "--yes") | {"urls": None} == {
        "deleted": 1, "disassociated_tasks": 0, "deleted_models": 0, "deleted_tasks": 0, "urls": None,
    }  # fmt: skip
    assert [*site.documents.task.find(), *site.documents.model.find()] == before
