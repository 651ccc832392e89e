"""`projects tree`: projects with their sub-projects, and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from bson import ObjectId

from tests.running import on_terminal
from tests.worlds.site import OTHER, UNKNOWN

if TYPE_CHECKING:
    from tests.worlds.site import Site


def outline(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the names of a tree as nested objects."""
    return {record["name"]: outline(record["children"]) for record in records}


@pytest.fixture
def forest(site: Site) -> Site:
    """Return a site with two trees, a hidden project within one, a public project, and another company's."""
    site.project("vision/yolo/v8")
    site.task(site.named("vision/yolo/v8")["_id"], status="in_progress")
    site.task(site.named("vision/yolo")["_id"], status="failed")
    site.task(site.named("vision/yolo")["_id"], system_tags=["archived"])
    site.task(site.project("vision/.datasets", system_tags=["hidden"]))
    site.project("vision/.datasets/images")
    site.model(site.named("vision/yolo")["_id"])
    site.project("audio", company="")
    site.project("foreign", company=OTHER)
    return site


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ([], {"audio": {}, "vision": {"vision/.datasets/images": {}, "vision/yolo": {"vision/yolo/v8": {}}}}),
        (["vision/yolo"], {"vision/yolo": {"vision/yolo/v8": {}}}),
        (["--depth", "0"], {"audio": {}, "vision": {}}),
        (["vision", "--depth", "1"], {"vision": {"vision/.datasets/images": {}, "vision/yolo": {}}}),
        (["vision/.datasets"], {"vision/.datasets": {"vision/.datasets/images": {}}}),
        (
            ["vision", "--hidden", "--depth", "1"],
            {"vision": {"vision/.datasets": {}, "vision/yolo": {}}},
        ),
    ],
)
def test_json_is_nested(forest: Site, arguments: list[str], shown: dict[str, Any]) -> None:
    assert outline(forest.json("tree", *arguments)["projects"]) == shown


@pytest.mark.parametrize("output", ["json", "jsonl", "csv", "tsv", "table", "yaml", "id"])
def test_chosen_fields_are_those_of_all_projects(forest: Site, output: str) -> None:
    text = forest.text("tree", "vision", "--fields", "id,name", "-o", output)
    names = ("vision", "vision/.datasets/images", "vision/yolo", "vision/yolo/v8")
    for name in names:
        project = forest.named(name)
        assert str(project["_id" if output == "id" else "name"]) in text
    assert "children" not in text


def test_counts_include_all_sub_projects(forest: Site) -> None:
    audio, vision = forest.json("tree", "--stats", "--depth", "1")["projects"]
    assert {key: vision[key] for key in ("tasks", "running", "failed", "models")} == {
        "tasks": 3,
        "running": 1,
        "failed": 1,
        "models": 1,
    }
    assert [child["tasks"] for child in vision["children"]] == [0, 2]
    assert audio["tasks"] == 0


def test_formats_with_lines_list_parents_first(forest: Site) -> None:
    names = [line.split("\t")[0] for line in forest.text("tree", "vision").splitlines()]
    assert names == ["NAME", "vision", "vision/.datasets/images", "vision/yolo", "vision/yolo/v8"]
    assert forest.text("tree", "vision", "-o", "id").splitlines()[0] == forest.named("vision")["_id"]
    assert '"depth":2' in forest.text("tree", "vision", "-o", "jsonl").splitlines()[-1]


def test_projects_with_contradictory_parents_are_all_shown(site: Site) -> None:
    """A circle, a parent that does not exist, a chain of 300 levels, and ids of another type."""
    first, second = site.project("one"), site.project("two")
    projects = site.documents.project
    projects.update_one({"_id": first}, {"$set": {"path": [second], "parent": second}})
    projects.update_one({"_id": second}, {"$set": {"path": [first], "parent": first}})
    site.project("orphan", path=["missing"], parent=UNKNOWN)
    site.project("itself", _id="itself", parent="itself")
    above = ObjectId()
    site.project("chain 000", _id=above)
    for number in range(1, 300):
        below = ObjectId()
        site.project(f"chain {number:03}", _id=below, parent=above, path=None)
        above = below
    shown = site.text("tree", "--stats").splitlines()
    assert len(shown) == 1 + 2 + 2 + 300
    assert site.json("tree")["projects"]


def test_errors_say_what_is_wrong(forest: Site) -> None:
    assert forest.error("tree", UNKNOWN, status=3)["name"] == "InvalidProjectId"
    assert forest.error("tree", "visoin", status=3)["hint"] == "did you mean 'vision'?"


def test_a_narrow_tree_is_cut_with_a_mark_and_has_no_escapes_in_ascii(site: Site) -> None:
    project = site.project("vision")
    for status in ("in_progress", "failed", "completed"):
        site.task(project, status=status)
    site.model(project)
    _, wide = on_terminal(site, "tree", "vision", "--stats", COLUMNS="80", NO_COLOR="1")
    assert "vision  ━━━━━━━━━━  3 tasks, 1 running, 1 failed, 1 model" in wide
    _, narrow = on_terminal(site, "tree", "vision", "--stats", COLUMNS="40", NO_COLOR="1")
    assert "vision  ━━━━━━━━━━  3 tasks, 1 running,…" in narrow
    _, ascii_only = on_terminal(
        *(site, "tree", "vision", "--stats"), COLUMNS="80", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0"
    )
    assert "\\u" not in ascii_only
    assert "3 tasks, 1 running, 1 failed, 1 model" in ascii_only
