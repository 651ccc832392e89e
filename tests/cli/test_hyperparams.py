"""`projects hyperparams`: the distinct hyperparameters of tasks, in pages."""

from __future__ import annotations

import pytest

from tests.worlds.site import OTHER, UNKNOWN, Site


def parameters(*names: str) -> dict[str, dict[str, dict[str, str]]]:
    """Return `hyperparams` of a task, from section/name as stored."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for section, name in (each.split("/") for each in names):
        found.setdefault(section, {})[name] = {"section": section, "name": name, "value": "1"}
    return found


@pytest.fixture
def used(site: Site) -> Site:
    vision = site.project("vision")
    site.task(vision, hyperparams=parameters("Args/lr", "Args/batch%2Esize"))
    site.task(vision, hyperparams=parameters("Args/lr", "_/x"), system_tags=["archived"])
    site.task(site.project("vision/deep"), hyperparams=parameters("General/%_seed"))
    site.task(site.project("audio"), hyperparams=parameters("Args/pitch"))
    site.task(vision, company=OTHER, hyperparams=parameters("Args/foreign"))
    return site


def test_pairs_are_shown_unescaped_in_stored_order_with_true_totals(used: Site) -> None:
    assert used.json("hyperparams", "vision") == {
        "parameters": [
            {"section": "Args", "name": "batch.size"},
            {"section": "Args", "name": "lr"},
            {"section": "General", "name": "_seed"},
            {"section": "_", "name": "x"},
        ],
        "remaining": 0,
        "total": 4,
    }


def test_no_project_means_all_tasks(used: Site) -> None:
    answer = used.json("get-hyper-parameters")
    assert answer["total"] == 5
    assert {"section": "Args", "name": "pitch"} in answer["parameters"]


@pytest.mark.parametrize(
    ("page", "size", "names", "remaining"),
    [
        ("0", "3", ["batch.size", "lr", "_seed"], 1),
        ("1", "3", ["x"], 0),
        ("2", "3", [], 0),
        ("-1", "2", ["batch.size", "lr"], 2),
        ("1", "0", ["lr"], 2),
    ],
)
def test_pages_count_everything(used: Site, page: str, size: str, names: list[str], remaining: int) -> None:
    answer = used.json("hyperparams", "vision", "--page", page, "--page-size", size)
    assert [one["name"] for one in answer["parameters"]] == names
    assert (answer["remaining"], answer["total"]) == (remaining, 4)


def test_people_are_told_how_many_remain(used: Site) -> None:
    result = used("hyperparams", "vision", "--page-size", "1")
    assert result.stdout == "SECTION\tNAME\nArgs\tbatch.size\n"
    assert result.stderr == "3 more of 4: see --page and --page-size\n"


def test_an_unknown_id_has_none(used: Site) -> None:
    assert used.json("hyperparams", UNKNOWN) == {"parameters": [], "remaining": 0, "total": 0}


def test_a_page_that_is_no_number_is_wrong_usage(used: Site) -> None:
    assert used.error("hyperparams", "--page", "one", status=2)["name"] == "UsageError"
