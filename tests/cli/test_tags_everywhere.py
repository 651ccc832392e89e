"""`projects tags`: the tags of projects, tasks and models together."""

from __future__ import annotations

import pytest

from tests.worlds.site import COMPANY, OTHER, Site


@pytest.fixture
def tagged(site: Site) -> Site:
    vision, deep, audio = (site.project(name, tags=["prod"]) for name in ("vision", "vision/deep", "audio"))
    for project in (vision, deep, deep, None):
        site.task(project, tags=["prod", "x"])
    site.task(audio, tags=["Prod"], system_tags=["archived"])
    site.model(deep, tags=["prod"])
    site.task(None, tags=["prod"], company=OTHER)
    site.task(None, tags=["prod"], company="")
    site.project("shared", company="", company_origin=COMPANY, tags=["prod"])
    return site


def rows(site: Site, *options: str) -> dict[str, tuple[int, ...]]:
    """Return the numbers of documents with each tag."""
    tags = site.json("tags", "list", "--counts", *options)["tags"]
    return {one.pop("tag"): tuple(one.values()) for one in tags}


def test_tags_are_listed_with_their_kinds_and_numbers(tagged: Site) -> None:
    assert rows(tagged) == {"Prod": (0, 1, 0), "prod": (3, 4, 1), "x": (0, 4, 0)}
    assert rows(tagged, "--of", "tasks", "--project", "vision") == {"prod": (3,), "x": (3,)}
    assert rows(tagged, "--of", "tasks", "--project", "vision", "--no-subprojects") == {"prod": (1,), "x": (1,)}
    assert rows(tagged, "--where-name", "^audio$") == {"Prod": (0, 1, 0), "prod": (1, 0, 0)}
    assert tagged.json("tags", "list")["tags"] == [
        {"tag": "Prod", "of": ["tasks"]},
        {"tag": "prod", "of": ["projects", "tasks", "models"]},
        {"tag": "x", "of": ["tasks"]},
    ]
    assert tagged.text("tags", "list", "-o", "id") == "Prod\nprod\nx\n"


def test_a_rename_changes_the_companys_own_documents_everywhere(tagged: Site) -> None:
    before = tagged.everything()
    assert tagged.error("tags", "rename", "prod", "production", status=2)["name"] == "ConfirmationNeeded"
    plan = tagged.json("tags", "rename", "prod", "production", "-n")
    assert (plan["counts"], plan["steps"][0]["why"]) == (
        {"projects": 3, "tasks": 4, "models": 1},
        "tags: -prod +production",
    )
    assert tagged.json("tags", "rename", "prod", "production", "--confirm", "8 documents") == {
        "projects": 3,
        "tasks": 4,
        "models": 1,
    }
    assert rows(tagged) == {"Prod": (0, 1, 0), "production": (3, 4, 1), "x": (0, 4, 0)}
    others = [
        *tagged.documents.task.find({"company": {"$ne": COMPANY}}),
        *tagged.documents.project.find({"company": ""}),
    ]
    assert {tuple(one["tags"]) for one in others} == {("prod",)}
    (run,) = tagged.json("history")["runs"]
    assert (run["operations"], run["summary"]) == (1, "rename the tag 'prod' to 'production'")
    tagged.json("undo", "--yes")
    assert tagged.everything() == before


def test_merge_add_and_remove_in_chosen_projects(tagged: Site) -> None:
    tagged.json("tags", "merge", "prod", "Prod", "x", "--into", "done", "--of", "tasks", "--yes")
    assert rows(tagged) == {"done": (0, 5, 0), "prod": (3, 0, 1)}
    tagged.json("tags", "add", "done", "new", "--project", "vision/deep", "--yes")
    assert rows(tagged) == {"done": (1, 5, 1), "new": (1, 2, 1), "prod": (3, 0, 1)}
    tagged.json("tags", "remove", "done", "new", "--where-under", "vision", "--yes")
    assert rows(tagged) == {"done": (0, 2, 0), "prod": (3, 0, 1)}
    for _ in range(3):
        tagged.json("undo", "--yes")
    assert rows(tagged) == {"Prod": (0, 1, 0), "prod": (3, 4, 1), "x": (0, 4, 0)}


def test_what_changes_nothing_says_so(tagged: Site) -> None:
    before = tagged.everything()
    result = tagged("tags", "rename", "unused", "other")
    assert (result.exit_code, "nothing to change" in result.stderr) == (0, True)
    assert tagged.json("tags", "add", "prod", "--project", "vision", "--of", "projects") == {
        "projects": 0, "tasks": 0, "models": 0,
    }  # fmt: skip
    for words in (["rename", "unused", "other"], ["rename", "unused", "other", "-n"]):
        assert tagged("tags", *words, "--fail-if-empty").exit_code == 6
    assert tagged.json("tags", "remove", "x", "--project", "-", stdin="", PROJECTS_QUIET="1")["tasks"] == 0
    assert tagged.everything() == before


def test_public_documents_that_were_named_are_counted(tagged: Site) -> None:
    result = tagged("tags", "add", "new", "--project", "shared", "--project", "vision", "--of", "projects", "-n")
    assert "public documents that stay as they are: 1" in result.stderr
    assert "public" not in tagged("tags", "rename", "prod", "production", "-n").stderr


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("rename", "prod", "prod"), 2),
        (("rename", "prod", ""), 2),
        (("rename", "prod", "__$all"), 2),
        (("merge", "prod", "--into", "prod"), 2),
        (("merge", "prod"), 2),
        (("add", "x"), 2),
        (("add", "x", "--project", "nowhere"), 3),
        (("remove", "x", "--project", "audio", "--where-tag", "prod"), 2),
        (("rename", "prod", "x", "--of", "users"), 2),
    ],
)
def test_refusals(tagged: Site, words: tuple[str, ...], status: int) -> None:
    assert "Traceback" not in tagged.error("tags", *words, "--yes", status=status)["message"]
