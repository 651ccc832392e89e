"""The owner of new projects: named, by default, and refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.running import on_terminal
from tests.worlds.site import COMPANY, OTHER, Site, empty_site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Cli
    from tests.servers import Server

LISTED = "Esc cancels"
"""What the list to pick from ends with."""


@pytest.fixture
def site(site: Site) -> Site:
    """Provide a site whose company has several users, of whom two have one name; another company has one more."""
    users = {"0a": "Ann", "0b": "Bob", "0c": "Twin", "0d": "Twin", "Bob": "not Bob"}
    site.documents.user.insert_many([{"_id": key, "name": name, "company": COMPANY} for key, name in users.items()])
    site.documents.user.insert_one({"_id": "0x", "name": "Eve", "company": OTHER})
    return site


@pytest.fixture
def empty(standalone: Server, cli: Cli) -> Iterator[Site]:
    """Provide a site without users."""
    with empty_site(standalone, cli) as site:
        yield site


def create(site: Site, *arguments: str, **environment: str) -> str:
    """Create a project, and return its owner."""
    site.json("create", "vision", "-d", "x", *arguments, **{"PROJECTS_USER": "", "LOGNAME": "nobody", **environment})
    return str(site.named("vision")["user"])


def refused(site: Site, *arguments: str, **environment: str) -> str:
    """Return the error's message and hint."""
    variables = {"PROJECTS_USER": "", "LOGNAME": "nobody", **environment}
    error = site.error("create", "vision", "-d", "x", *arguments, status=2, **variables)
    return f"{error['message']} {error['hint']}"


@pytest.mark.parametrize(("user", "owner"), [("0a", "0a"), ("Ann", "0a"), ("Bob", "Bob"), ("0c", "0c")])
def test_a_user_is_named_by_id_or_by_name_and_an_id_comes_first(site: Site, user: str, owner: str) -> None:
    assert create(site, "--user", user) == owner


@pytest.mark.parametrize("user", ["nobody", "Eve", "0x", "ann", " Ann"])
def test_an_unknown_user_is_refused_wherever_it_was_named(site: Site, user: str, tmp_path: Path) -> None:
    words = refused(site, "--user", user)
    assert words.startswith(f"--user: there is no user {user!r}")
    assert "Ann (0a)" in words
    assert "Eve" not in words.replace(repr(user), "")
    assert refused(site, PROJECTS_USER=user).startswith("PROJECTS_USER: ")
    config = tmp_path / "home" / ".config" / "projects" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f'profile = "lab"\n[profiles.lab]\nuser = "{user}"\n')
    assert "there is no user" in refused(site)
    assert create(site, "--user", "Ann") == "0a"


def test_a_name_that_several_users_have_is_refused_with_their_ids(site: Site) -> None:
    assert "0c, 0d" in refused(site, "--user", "Twin")


@pytest.mark.parametrize(("login", "owner"), [("Ann", "0a"), ("0b", "0b"), ("Bob", "Bob")])
def test_of_several_users_the_one_with_the_login_name_is_the_owner(site: Site, login: str, owner: str) -> None:
    assert create(site, LOGNAME=login) == owner


@pytest.mark.parametrize("login", ["nobody", "Eve", "Twin"])
def test_an_uncertain_owner_is_refused_without_a_terminal(site: Site, login: str) -> None:
    words = refused(site, LOGNAME=login)
    assert ("--user" in words, "Ann (0a), Bob (0b)" in words, "Eve (0x)" in words) == (True, True, False)


def test_the_only_user_is_the_owner(empty: Site) -> None:
    empty.documents.user.insert_many([{"_id": "alone", "company": COMPANY}, {"_id": "stranger", "company": OTHER}])
    assert create(empty) == "alone"


@pytest.mark.parametrize("arguments", [(), ("--user", "somebody")])
def test_a_company_without_users_takes_the_login_name_or_any_other(empty: Site, arguments: tuple[str, ...]) -> None:
    assert create(empty, *arguments, LOGNAME="mary") == (arguments or ("mary",))[-1]


def test_call_and_batch_follow_the_same_rule_and_never_ask(site: Site) -> None:
    def params(name: str) -> dict[str, str]:
        return {"name": name, "description": "x"}

    variables = {"PROJECTS_USER": "", "LOGNAME": "nobody"}
    call = ("call", "create", "--data", json.dumps(params("vision")))
    assert "--user" in site.error(*call, status=2, **variables)["hint"]
    site.json(*call, "--user", "Ann", **variables)
    lines = [
        {"endpoint": "create", "params": params("one"), "user": "Bob"},
        {"endpoint": "create", "params": params("two"), "user": "nobody"},
        {"endpoint": "create", "params": params("three")},
        {"endpoint": "create", "params": params("four"), "user": "Ann"},
        {"endpoint": "get_all", "user": "nobody"},
    ]
    result = site("batch", "-", stdin="\n".join(map(json.dumps, lines)), **variables)
    answers = [json.loads(line)["ok"] for line in result.stdout.splitlines()]
    assert (result.exit_code, answers) == (5, [True, False, False, True, True])
    owners = {one["name"]: one["user"] for one in site.documents.project.find()}
    assert owners == {"vision": "0a", "one": "Bob", "four": "0a"}


@pytest.mark.parametrize(
    ("arguments", "role"),
    [
        (("create", "audio", "-d", "x"), "the owner of new projects"),
        (("delete", "vision", "--delete-contents", "--yes"), "the user who deletes tasks and models"),
        (("prune", "--name", "vision", "--delete-contents", "--yes"), "the user who deletes tasks and models"),
    ],
)
def test_an_ambiguous_user_is_named_by_the_role(site: Site, arguments: tuple[str, ...], role: str) -> None:
    site.task(site.project("vision"))
    error = site.error(*arguments, status=2, PROJECTS_USER="", LOGNAME="nobody")
    assert error["message"].startswith(f"{role} is ambiguous")


def test_on_a_terminal_the_owner_is_picked_and_the_choice_can_be_kept(site: Site) -> None:
    variables = {"PROJECTS_USER": "", "LOGNAME": "nobody"}
    keys = [(LISTED, "ann\r")]
    seen = on_terminal(site, "create", "vision", "-d", "x", keys=keys, columns=120, PROJECTS_USER="", LOGNAME="nobody")
    assert (seen.status, site.named("vision")["user"]) == (0, "0a")
    assert "projects config set user 0a" in seen.plain
    kept = site("config", "set", "user", "0a")
    assert kept.exit_code == 0
    assert site.json("create", "audio", "-d", "x", **variables)
    assert site.named("audio")["user"] == "0a"


@pytest.mark.parametrize("words", [("delete", "vision", "audio", "--yes"), ("prune", "--name", "i", "--yes")])
def test_a_user_is_picked_once_for_all_projects(site: Site, words: tuple[str, ...]) -> None:
    for name in ("vision", "audio"):
        site.project(name)
    seen = on_terminal(
        site, *words, "--delete-contents", keys=[(LISTED, "ann\r")], columns=120, PROJECTS_USER="", LOGNAME="nobody"
    )
    assert (seen.status, seen.plain.count(LISTED), site.names()) == (0, 1, [])


def test_who_picks_no_owner_or_may_not_be_asked_creates_nothing(site: Site) -> None:
    words = ("create", "vision", "-d", "x")
    keys = [(LISTED, "\x1b")]
    assert on_terminal(site, *words, keys=keys, PROJECTS_USER="", LOGNAME="nobody").status == 1
    assert on_terminal(site, *words, "--no-input", PROJECTS_USER="", LOGNAME="nobody").status == 2
    assert site.names() == []
