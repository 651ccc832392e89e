"""`projects task-tags` and `projects model-tags`: the distinct tags of tasks or models, sorted."""

from __future__ import annotations

import pytest

from tests.worlds.site import OTHER, UNKNOWN, Site


@pytest.fixture(params=["task", "model"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def tagged(site: Site, kind: str) -> Site:
    member = site.task if kind == "task" else site.model
    vision = site.project("vision")
    member(vision, tags=["b", "a"], system_tags=["archived", "s"])
    member(site.project("vision/deep", system_tags=["hidden"]), tags=["c"])
    member(site.project("audio"), tags=["d"], system_tags=["t"])
    member(None, tags=None)
    member(vision, company=OTHER, tags=["foreign"])
    member(vision, company="", tags=["public"])
    return site


def test_tags_of_the_companys_own_are_given_once_and_sorted(tagged: Site, kind: str) -> None:
    assert tagged.json(f"{kind}-tags") == {"tags": ["a", "b", "c", "d"]}


def test_system_tags_come_when_asked_for(tagged: Site, kind: str) -> None:
    assert tagged.json(f"get_{kind}_tags", "--include-system") == {
        "tags": ["a", "b", "c", "d"],
        "system_tags": ["archived", "s", "t"],
    }


@pytest.mark.parametrize("option", ["--project", "--projects"])
def test_projects_count_with_those_below(tagged: Site, kind: str, option: str) -> None:
    assert tagged.json(f"{kind}-tags", option, "vision") == {"tags": ["a", "b", "c"]}


def test_several_projects_by_any_address(tagged: Site, kind: str) -> None:
    audio = tagged.named("audio")["_id"]
    assert tagged.json(f"{kind}-tags", "--project", "vision/deep", "--project", audio[:9]) == {"tags": ["c", "d"]}


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
def test_filters_choose_which_count(tagged: Site, kind: str, options: tuple[str, ...], tags: list[str]) -> None:
    assert tagged.json(f"{kind}-tags", *options) == {"tags": tags}


def test_an_unknown_operator_is_refused(tagged: Site, kind: str) -> None:
    error = tagged.error(f"{kind}-tags", "--filter-tag", "__$maybe", status=2)
    assert (error["code"], error["subcode"], error["name"]) == (400, 16, "FieldsValueError")


def test_an_unknown_id_has_none(tagged: Site, kind: str) -> None:
    assert tagged.json(f"{kind}-tags", "--project", UNKNOWN, "--include-system") == {"tags": [], "system_tags": []}


def test_an_unknown_name_is_not_found(tagged: Site, kind: str) -> None:
    assert tagged.error(f"{kind}-tags", "--project", "visoin", status=3)["hint"] == "did you mean 'vision'?"


def test_the_text_tells_the_kinds_apart(tagged: Site, kind: str) -> None:
    text = tagged.text(f"{kind}-tags", "--project", "audio", "--include-system")
    assert text == "TAG\tKIND\nd\tuser\nt\tsystem\n"


def test_ids_are_the_tags(tagged: Site, kind: str) -> None:
    assert tagged.text(f"{kind}-tags", "--project", "vision", "-o", "id") == "a\nb\nc\n"


def test_no_tags_are_told(site: Site, kind: str) -> None:
    result = site(f"{kind}-tags")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "TAG\tKIND\n", "no tags\n")
