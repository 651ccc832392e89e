"""Changes of trees that another tool bent: they end, and their undo restores every byte."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import bson
import pytest
from bson import DatetimeMS
from bson.raw_bson import RawBSONDocument

from projects_cli.changes import following
from tests.worlds.site import COMPANY, LONG_AGO
from tests.worlds.transfers import stored

if TYPE_CHECKING:
    from tests.worlds.site import Site

ONE, TWO, THREE, FOUR = (f"{number:032x}" for number in range(1, 5))
LATE, EARLY = DatetimeMS(253_402_300_800_000), DatetimeMS(-(2**60))


def project(identifier: object, name: object, parent: object = None, path: list[Any] | None = None) -> dict[str, Any]:
    return {"_id": identifier, "company": COMPANY, "name": name, "parent": parent, "path": path or []}


TREES: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]], tuple[tuple[str, ...], ...]]] = {
    "a NUL in a name": (
        [project(ONE, "aaa\0bbb"), project(TWO, "aaa\0bbb/sub", ONE, [ONE]), project(FOUR, "target")],
        [],
        (("move", ONE, "target"), ("rename", ONE, "clean"), ("merge", ONE, FOUR), ("merge", FOUR, ONE)),
    ),
    "a date beyond Python's as the id of a task": (
        [project(ONE, "source"), project(FOUR, "target")],
        [{"_id": LATE, "project": ONE}, {"_id": EARLY, "project": ONE}, {"_id": THREE, "project": ONE}],
        (("merge", ONE, FOUR), ("delete", ONE, "--force"), ("delete", ONE, "--force", "--delete-contents")),
    ),
    "a date beyond Python's as the id of a project": (
        [project(ONE, "source"), project(LATE, "source/late", ONE, [ONE]), project(FOUR, "target")],
        [{"_id": THREE, "project": LATE}],
        (("move", ONE, "target"), ("merge", ONE, FOUR), ("delete", ONE, "--force"), ("rename", ONE, "renamed")),
    ),
    "a child with the new name of its parent": (
        [project(ONE, "root"), project(TWO, "root2/child", ONE, [ONE])],
        [],
        (("rename", ONE, "root2"),),
    ),
    "a child with the next name of its parent": (
        [
            project(FOUR, "other"),
            project(ONE, "other/xxx", FOUR, [FOUR]),
            project(TWO, "xxx/child", ONE, [FOUR, ONE]),
        ],
        [],
        (("move", ONE, "--top-level"),),
    ),
    "a circle": (
        [project(ONE, "one/two", TWO, [TWO]), project(TWO, "two/one", ONE, [ONE]), project(FOUR, "other")],
        [{"_id": THREE, "project": ONE}],
        (("move", ONE, "--top-level"), ("move", ONE, "other")),
    ),
    "its own parent": (
        [project(ONE, "self", ONE, [ONE]), project(FOUR, "other")],
        [{"_id": THREE, "project": ONE}],
        (
            ("merge", ONE, FOUR),
            ("merge", ONE, "--top-level"),
            ("move", ONE, "other"),
            ("rename", ONE, "renamed"),
            ("delete", ONE, "--force"),
        ),
    ),
    "no name, and none at all": (
        [project(ONE, "root"), project(TWO, None, ONE, [ONE]), {"_id": THREE, "company": COMPANY}],
        [],
        (("rename", ONE, "root2"), ("delete", ONE, "--force")),
    ),
    "a list of projects in a task": (
        [project(ONE, "root")],
        [{"_id": THREE, "project": [ONE, FOUR]}],
        (("rename", ONE, "root2"), ("delete", ONE, "--force")),
    ),
}


@pytest.mark.parametrize(
    ("tree", "command"), [(tree, command) for tree, (*_, commands) in TREES.items() for command in commands]
)
def test_a_change_of_a_bent_tree_is_undone_byte_for_byte(each_site: Site, tree: str, command: tuple[str, ...]) -> None:
    site = each_site
    projects, tasks, _ = TREES[tree]
    site.documents.project.insert_many(projects)
    if tasks:
        site.documents.task.insert_many([{"company": COMPANY, **task} for task in tasks])
    before = stored(site)
    site.json(*command, "--yes")
    assert stored(site) != before
    undone = site.json("undo", "--yes")
    assert undone["skipped"] == []
    assert stored(site) == before


def test_a_task_in_a_list_of_projects_is_an_obstacle_of_each(site: Site) -> None:
    site.documents.project.insert_one(project(ONE, "root"))
    site.documents.task.insert_one({"_id": THREE, "company": COMPANY, "project": [ONE, FOUR], "name": "bent"})
    assert [row["count"] for row in site.json("validate-delete", ONE)["blockers"]] == [1]
    assert [row["count"] for row in site.error("delete", ONE, "--yes", status=4)["problems"]] == [1]


@pytest.mark.parametrize(
    ("projects", "note"),
    [
        ([project(ONE, "root"), project(TWO, "root/sub", ONE)], f"'root/sub' ({TWO}) is below one of the projects"),
        ([project(ONE, "one", TWO, [TWO]), project(TWO, "two", ONE, [ONE])], "'one' is below itself, and stays"),
    ],
    ids=["a path that does not say it", "a circle"],
)
def test_a_dry_run_of_a_delete_says_what_will_stay(site: Site, projects: list[dict[str, Any]], note: str) -> None:
    site.documents.project.insert_many(projects)
    before = stored(site)
    planned = site("delete", ONE, "--force", "--dry-run")
    assert (planned.exit_code, note in planned.stderr) == (0, True)
    result = site("delete", ONE, "--force")
    assert (result.exit_code, note in result.stderr) == (5, True)
    assert ONE in {one["_id"] for one in site.documents.project.find()}
    site.text("undo", "--yes")
    assert stored(site) == before


def test_a_redo_is_not_refused_for_a_project_that_was_there_before(site: Site) -> None:
    site.documents.project.insert_many([project(ONE, "root"), project(TWO, "root/sub", ONE)])
    site.json("rename", ONE, "renamed", "--yes")
    renamed = stored(site)
    site.json("undo", "--yes")
    site.json("redo", "--yes")
    assert stored(site) == renamed
    site.json("undo", "--yes")
    site.documents.project.insert_one(project(THREE, "root/new", ONE, [ONE]))
    error = site.error("redo", "--yes", status=4)
    assert "projects were created below it in the meantime" in error["message"]


@pytest.mark.parametrize("name", ["aaa\0bbb", "aaa\\\0", "a.b*c", "\n"])
def test_the_pattern_for_what_follows_matches_the_name_itself_and_has_no_nul(name: str) -> None:
    pattern = following._begins(name)["$regex"]
    assert "\0" not in pattern
    assert re.match(pattern, f"{name}/below")
    assert not re.match(pattern, f"{name}x/below")


def test_a_project_that_no_request_can_name_keeps_no_other_from_being_changed(site: Site) -> None:
    for name in ("old", "older"):
        site.project(name)
    old = {"company": COMPANY, "path": [], "tags": [], "system_tags": [], "last_update": LONG_AGO}
    site.documents.project.insert_one({"_id": "", "name": "empty", "basename": "empty", **old})
    broken = bson.encode({"_id": "BROKEN!!", "name": "broken", "basename": "broken", **old})
    site.documents.project.insert_one(RawBSONDocument(broken.replace(b"BROKEN", b"\xff" * 6)))
    result = site("update", "--where-name", ".", "--add-tag", "stale", "--yes")
    assert (result.exit_code, "their ids are empty or not UTF-8: 2\n" in result.stderr) == (0, True)
    assert site.documents.project.count_documents({"tags": "stale"}) == 2
    result = site("prune", "--name", ".", "--yes", "--json")
    rows = {row["name"]: row["result"] for row in json.loads(result.stdout)["projects"]}
    assert rows == {"old": "deleted", "older": "deleted", "empty": "kept", "broken": "kept"}
    assert site.documents.project.count_documents({}) == 2
