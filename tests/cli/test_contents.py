"""`projects contents`: the tasks and models directly in a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from bson import ObjectId, Regex

from tests.worlds.site import COMPANY, LONG_AGO, OTHER, UNKNOWN

if TYPE_CHECKING:
    from tests.worlds.site import Site


@pytest.fixture
def filled(site: Site) -> Site:
    """Return a site with tasks and models in `vision`, in a project below it, and of another company."""
    vision = site.project("vision")
    site.task(vision, name="b", status="failed", type="training")
    site.task(vision, name="a", status="completed", type="testing", system_tags=["archived"])
    site.task(vision, name="c", status="completed", company="")
    site.task(vision, name="foreign", company=OTHER)
    site.task(site.project("vision/deep"), name="deep")
    site.model(vision, name="net", ready=True, framework="PyTorch")
    site.model(vision, name="draft", ready=False)
    return site


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ([], ["b", "c", "draft", "net"]),
        (["--all"], ["a", "b", "c", "draft", "net"]),
        (["--archived"], ["a"]),
        (["--tasks"], ["b", "c"]),
        (["--models"], ["draft", "net"]),
        (["--tasks", "--models", "--all"], ["a", "b", "c", "draft", "net"]),
        (["--status", "failed"], ["b"]),
        (["--status", "published", "--status", "completed"], ["c", "net"]),
        (["--status", "created"], ["draft"]),
        (["--sort-by", "-name"], ["c", "b", "net", "draft"]),
    ],
)
def test_contents_are_filtered_and_sorted(filled: Site, options: list[str], names: list[str]) -> None:
    listed = filled.json("contents", "vision", *options)["contents"]
    assert [record["name"] for record in listed] == names


def test_a_record_names_its_owner_and_state(filled: Site) -> None:
    filled.documents.user.insert_one({"_id": "owner", "name": "Ada", "company": COMPANY})
    task, *_, model = filled.json("contents", "vision")["contents"]
    assert (task["kind"], task["type"], task["status"], task["archived"]) == ("task", "training", "failed", False)
    assert task["owner"] == {"id": "owner", "name": "Ada"}
    assert (model["kind"], model["type"], model["status"]) == ("model", "PyTorch", "published")
    assert model.keys() == task.keys()


def test_age_is_the_reverse_of_the_time_of_creation(site: Site) -> None:
    vision = site.project("vision")
    for year in (2021, 2023, 2022):
        site.task(vision, name=str(year), created=LONG_AGO.replace(year=year))
    for column, years in (("age", ["2023", "2022", "2021"]), ("-age", ["2021", "2022", "2023"])):
        rows = site.json("contents", "vision", "--sort-by", column)["contents"]
        assert [row["name"] for row in rows] == years
    assert site.text("contents", "vision", "--sort-by", "created", "-o", "id").count("\n") == 3


def test_odd_values_are_listed_as_they_are(site: Site) -> None:
    """Documents that another program wrote: every field has an unusual type."""
    vision = site.project("vision")
    for value in (None, 1, ["x"], {"a": 1}, ObjectId(), Regex("x"), "two\nlines \x1b[31m"):
        site.task(vision, name=value, status=value, type=value, user=value, created=value, system_tags=value)
        site.model(vision, name=value, ready=value, framework=value, user=value, last_update=value)
    for column in ("name", "status", "owner", "-updated", "type"):
        assert len(site.json("contents", "vision", "--sort-by", column)["contents"]) == 14
    assert "\x1b" not in site.text("contents", "vision")


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["vision", "--archived", "--all"], 2, "--archived and --all can't be used together"),
        (["vision", "--sort-by", "size"], 2, "--sort-by: unknown column 'size'"),
        ([UNKNOWN], 3, f"there is no project with the id '{UNKNOWN}'"),
        ([], 2, "no project was named"),
    ],
)
def test_errors_say_what_is_wrong(filled: Site, arguments: list[str], status: int, message: str) -> None:
    assert filled.error("contents", *arguments, status=status)["message"] == message
