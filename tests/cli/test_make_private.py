"""`projects make-private`: the reverse of make-public, for the company of origin."""

from __future__ import annotations

from tests.worlds.site import COMPANY, OTHER, UNKNOWN, Site


def public(site: Site, name: str, origin: str = COMPANY) -> str:
    return site.project(name, company="", company_origin=origin)


def test_company_comes_back_and_nothing_else_changes(site: Site) -> None:
    identifier = public(site, "vision")
    before = site.stored(identifier)
    assert site.json("make-private", "vision") == {"updated": 1}
    del before["company_origin"]
    assert site.stored(identifier) == before | {"company": COMPANY}


def test_public_and_private_again_is_the_same_project(site: Site) -> None:
    identifier = site.project("vision")
    before = site.stored(identifier)
    site.json("make-public", "vision")
    site.json("make-private", "vision")
    assert site.stored(identifier) == before


def test_several_count_once_each_also_from_standard_input(site: Site) -> None:
    one = public(site, "one")
    public(site, "two")
    assert site.json("make-private", one, "-", stdin="one\ntwo\n") == {"updated": 2}


def test_one_of_another_origin_refuses_all(site: Site) -> None:
    public(site, "ours")
    theirs = public(site, "theirs", OTHER)
    error = site.error("make-private", "ours", "theirs", status=3)
    assert (error["code"], error["subcode"], error["name"]) == (400, 401, "InvalidProjectId")
    assert theirs in error["message"]


def test_one_that_is_private_refuses_all(site: Site) -> None:
    public(site, "ours")
    site.project("private")
    assert site.fault("make-private", "ours", "private", status=3) == (400, 401, "InvalidProjectId")


def test_an_unknown_id_refuses_all(site: Site) -> None:
    public(site, "ours")
    assert site.fault("make-private", "ours", UNKNOWN, status=3) == (400, 401, "InvalidProjectId")


def test_a_name_that_is_taken_in_the_company_refuses(site: Site) -> None:
    site.project("vision")
    identifier = public(site, "vision")
    assert site.fault("make-private", identifier, status=4) == (400, 801, "ExpectedUniqueData")


def test_dry_run_changes_nothing(site: Site) -> None:
    public(site, "vision")
    before = site.everything()
    assert site.json("make-private", "vision", "-n")["plan"] == "make 1 project private"
    assert site.everything() == before


def test_read_only_refuses(site: Site) -> None:
    public(site, "vision")
    assert site.error("make-private", "vision", "--read-only", status=4)["name"] == "ReadOnly"
