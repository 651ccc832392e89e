"""`projects metrics`: the distinct metrics and variants of tasks."""

from __future__ import annotations

import pytest

from tests.worlds.site import OTHER, UNKNOWN, Site, metrics


def pairs(answer: dict[str, list[dict[str, str]]]) -> list[tuple[str, str]]:
    return [(one["metric"], one["variant"]) for one in answer["metrics"]]


@pytest.fixture
def reported(site: Site) -> Site:
    """Tasks of a project, of one below it, of another, of none, and of other companies."""
    vision = site.project("vision")
    site.task(vision, last_metrics=metrics(loss="train"))
    site.task(vision, last_metrics=metrics(loss="train", accuracy="top"), system_tags=["archived"])
    site.task(site.project("vision/deep", system_tags=["hidden"]), last_metrics=metrics(loss="test"))
    site.task(site.project("audio"), last_metrics=metrics(pitch="low"))
    site.task(None, last_metrics=metrics(free="one"))
    site.task(vision, company="", last_metrics=metrics(shared="one"))
    site.task(vision, company=OTHER, last_metrics=metrics(foreign="one"))
    return site


def test_a_project_has_those_of_all_its_tasks_and_of_what_lies_below(reported: Site) -> None:
    found = pairs(reported.json("metrics", "vision"))
    assert found == [("accuracy", "top"), ("loss", "test"), ("loss", "train"), ("shared", "one")]


@pytest.mark.parametrize(
    "arguments", [("metrics",), ("call", "get_unique_metric_variants", "--data", '{"project": ""}')]
)
def test_no_project_means_all_tasks(reported: Site, arguments: tuple[str, ...]) -> None:
    found = {metric for metric, _ in pairs(reported.json(*arguments))}
    assert found == {"accuracy", "loss", "pitch", "free", "shared"}


def test_the_hashes_are_the_keys_in_the_task(site: Site) -> None:
    stored = metrics(loss="train")
    site.task(site.project("vision"), last_metrics=stored)
    (metric_hash,) = stored
    (variant_hash,) = stored[metric_hash]
    assert site.json("get-unique-metric-variants", "vision")["metrics"] == [
        {"metric": "loss", "metric_hash": metric_hash, "variant": "train", "variant_hash": variant_hash}
    ]


def test_an_unknown_id_has_none(reported: Site) -> None:
    assert reported.json("metrics", UNKNOWN) == {"metrics": []}


def test_an_empty_name_is_none_rather_than_all(reported: Site) -> None:
    assert reported.error("metrics", "", status=2)["message"] == "the name of the project is empty"


def test_an_unknown_name_is_not_found(reported: Site) -> None:
    assert reported.error("metrics", "visoin", status=3)["hint"] == "did you mean 'vision'?"


def test_an_own_project_of_another_company_has_none(site: Site) -> None:
    foreign = site.project("foreign", company=OTHER)
    site.task(foreign, last_metrics=metrics(loss="train"))
    assert site.json("metrics", foreign) == {"metrics": []}


def test_the_text_has_two_columns(site: Site) -> None:
    site.task(site.project("vision"), last_metrics=metrics(loss="train"))
    assert site.text("metrics", "vision") == "METRIC\tVARIANT\nloss\ttrain\n"


def test_nothing_found_is_told(site: Site) -> None:
    result = site("metrics")
    assert (result.exit_code, result.stdout) == (0, "METRIC\tVARIANT\n")
    assert result.stderr == "no metrics\n"


def test_a_project_from_standard_input(reported: Site) -> None:
    assert pairs(reported.json("metrics", "-", stdin="audio\n")) == [("pitch", "low")]
