"""`projects model-tags`: the distinct tags of models, sorted."""

from __future__ import annotations

import pytest

from tests.worlds.site import OTHER, UNKNOWN, Site


@pytest.fixture
def tagged(site: Site) -> Site:
    vision = site.project("vision")
    site.model(vision, tags=["b", "a"], system_tags=["archived", "s"])
    site.model(site.project("vision/deep", system_tags=["hidden"]), tags=["c"])
    site.model(site.project("audio"), tags=["d"], system_tags=["t"])
    site.model(None, tags=None)
    site.model(vision, company=OTHER, tags=["foreign"])
    site.model(vision, company="", tags=["public"])
    return site


def test_tags_of_the_companys_own_are_given_once_and_sorted(tagged: Site) -> None:
    assert tagged.json("model-tags") == {"tags": ["a", "b", "c", "d"]}


def test_system_tags_come_when_asked_for(tagged: Site) -> None:
    assert tagged.json("get_model_tags", "--include-system") == {
        "tags": ["a", "b", "c", "d"],
        "system_tags": ["archived", "s", "t"],
    }


@pytest.mark.parametrize("option", ["--project", "--projects"])
def test_projects_count_with_those_below(tagged: Site, option: str) -> None:
    assert tagged.json("model-tags", option, "vision") == {"tags": ["a", "b", "c"]}


def test_several_projects_by_any_address(tagged: Site) -> None:
    audio = tagged.named("audio")["_id"]
    assert tagged.json("model-tags", "--project", "vision/deep", "--project", audio[:9]) == {"tags": ["c", "d"]}


@pytest.mark.parametrize(
    ("options", "tags"),
    [
        (("--filter-tag", "a"), ["a", "b"]),
        (("--filter-tag", "a", "--filter-tag", "d"), ["a", "b", "d"]),
        (("--filter-tag", "__$all", "--filter-tag", "a", "--filter-tag", "d"), []),
        (("--filter-tag", "-a"), ["c", "d"]),
        (("--filter-tag", "__Snot", "--filter-tag", "a"), ["c", "d"]),
        (("--filter-system-tag", "archived"), ["a", "b"]),
        (("--filter-system-tag", "t", "--filter-tag", "d"), ["d"]),
    ],
)
def test_filters_choose_which_count(tagged: Site, options: tuple[str, ...], tags: list[str]) -> None:
    assert tagged.json("model-tags", *options) == {"tags": tags}


def test_an_unknown_operator_is_refused(tagged: Site) -> None:
    error = tagged.error("model-tags", "--filter-tag", "__$maybe", status=2)
    assert (error["code"], error["subcode"], error["name"]) == (400, 16, "FieldsValueError")


def test_an_unknown_id_has_none(tagged: Site) -> None:
    assert tagged.json("model-tags", "--project", UNKNOWN, "--include-system") == {"tags": [], "system_tags": []}


def test_an_unknown_name_is_not_found(tagged: Site) -> None:
    assert tagged.error("model-tags", "--project", "visoin", status=3)["hint"] == "did you mean 'vision'?"


def test_the_text_tells_the_kinds_apart(tagged: Site) -> None:
    text = tagged.text("model-tags", "--project", "audio", "--include-system")
    assert text == "TAG\tKIND\nd\tuser\nt\tsystem\n"


def test_ids_are_the_tags(tagged: Site) -> None:
    assert tagged.text("model-tags", "--project", "vision", "-o", "id") == "a\nb\nc\n"


def test_no_tags_are_told(site: Site) -> None:
    result = site("model-tags")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "TAG\tKIND\n", "no tags\n")
