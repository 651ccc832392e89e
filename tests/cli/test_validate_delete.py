"""`projects validate-delete`: what refuses a delete, by the same checks, and the counts of every version."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.worlds.site import Site

from tests.worlds.site import OTHER


def contents(site: Site) -> dict[str, str]:
    """Store a tree with contents of every kind; return the ids of its projects."""
    top = site.project("top")
    ids = {
        "top": top,
        "runs": site.project("top/.pipelines/runs", system_tags=["pipeline", "hidden"]),
        "idle": site.project("top/.pipelines/idle", system_tags=["pipeline", "hidden"]),
        "sets": site.project("top/sets", system_tags=["dataset"]),
        "hidden": site.project("top/hidden one", system_tags=["hidden"]),
        "public": site.project("top/public", company=""),
    }
    site.task(ids["runs"], type="controller", name="the run")
    site.task(ids["idle"], type="training")
    site.task(ids["sets"], name="a version")
    site.model(ids["sets"])
    for archived in ([], ["archived"]):
        site.task(ids["hidden"], system_tags=archived, name="plain")
        site.task(ids["top"], system_tags=["reports", *archived], name="report")
        site.model(ids["public"], system_tags=archived, company="")
        site.task(ids["top"], system_tags=archived, company=OTHER, name="secret")
    return ids


def test_every_blocker_is_listed_with_the_command_that_clears_it(site: Site) -> None:
    ids = contents(site)
    answer = site.json("validate-delete", "top")
    assert answer.pop("blockers") == [
        blocker(kind, name, ids[key], sample, site)
        for kind, name, key, sample in (
            ("pipelines", "top/.pipelines/runs", "runs", "the run"),
            ("datasets", "top/sets", "sets", "a version"),
            ("tasks", "top", "top", "report"),
            ("tasks", "top/hidden one", "hidden", "plain"),
            ("models", "top/public", "public", "model"),
        )
    ]
    four = {"tasks": 2, "non_archived_tasks": 1, "models": 2, "non_archived_models": 1}
    assert answer == {**four, "pipelines": 1, "datasets": 1, "reports": 2, "non_archived_reports": 1}
    table = site.text("validate-delete", "top")
    assert "top/hidden one" in table
    assert "secret" not in table
    lines = "".join(
        json.dumps({"endpoint": "validate_delete", "version": version, "params": {"project": ids["top"]}}) + "\n"
        for version in ("2.14", "2.25", "999.0")
    )
    answers = [json.loads(line)["data"] for line in site.text("batch", "-", stdin=lines).splitlines()]
    assert answers == [four, four, answer]


def blocker(kind: str, name: str, identifier: str, sample: str, site: Site) -> dict[str, Any]:
    collection = site.documents.model if kind == "models" else site.documents.task
    document = collection.find_one({"project": identifier, "name": sample, "system_tags": {"$ne": "archived"}})
    assert document is not None
    return {
        "kind": kind,
        "project": {"id": identifier, "name": name},
        "count": 1,
        "samples": [{"id": document["_id"], "name": sample}],
        "to_clear": f"projects delete {identifier} --force",
    }


def test_it_agrees_with_what_delete_refuses(site: Site) -> None:
    contents(site)
    site.documents.project.update_many({"company": ""}, {"$set": {"company": "d1bd92a3b039400cbafc60a7a5b1e52b"}})
    blockers = site.json("validate-delete", "top")["blockers"]
    problems = site.error("delete", "top", "-y", status=4)["problems"]
    assert [{key: problem[key] for key in blockers[0]} for problem in problems] == blockers
    for project in dict.fromkeys(row["project"]["id"] for row in blockers if row["project"]["name"] != "top"):
        site.json("delete", project, "--force")
    assert [row["project"]["name"] for row in site.json("validate-delete", "top")["blockers"]] == ["top"]
    site.documents.task.update_many({}, {"$set": {"system_tags": ["archived"]}})
    result = site("validate-delete", "top")
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 1)  # the heading
    assert "nothing keeps the project from being deleted" in result.stderr
    assert site.json("delete", "top", "-y")["deleted"] == 3  # with the idle pipeline and its container


def test_public_and_unknown_projects_are_refused(site: Site) -> None:
    site.project("shown", company="")
    assert site.fault("validate-delete", "shown", status=4) == (403, 21, "NoWritePermission")
    assert site.error("validate-delete", "f" * 32, status=3)["name"] == "InvalidProjectId"
