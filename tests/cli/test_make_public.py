"""`projects make-public`: all of the given projects, or none."""

from __future__ import annotations

import pytest

from tests.worlds.site import COMPANY, LONG_AGO, OTHER, UNKNOWN, Site


def test_company_becomes_empty_and_its_origin_is_kept(site: Site) -> None:
    identifier, deep = site.project("vision"), site.project("vision/deep")
    task = site.task(identifier)
    before = site.stored(identifier)
    assert site.json("make-public", "vision") == {"updated": 1}
    assert site.stored(identifier) == before | {"company": "", "company_origin": COMPANY}
    assert site.stored(identifier)["last_update"] == LONG_AGO.replace(tzinfo=None)
    assert site.stored(deep)["company"] == COMPANY
    assert site.documents.task.find_one({"_id": task}, {"company": 1, "_id": 0}) == {"company": COMPANY}


def test_several_by_any_address_count_once_each(site: Site) -> None:
    one, two = site.project("one"), site.project("two")
    assert site.json("make_public", one, "one", "two", two[:8]) == {"updated": 2}
    assert site.documents.project.distinct("company") == [""]


def test_names_come_from_standard_input(site: Site) -> None:
    site.project("one")
    site.project("two")
    assert site.json("make-public", "-", stdin="one\ntwo\n") == {"updated": 2}


@pytest.mark.parametrize("company", ["", OTHER])
def test_a_project_that_is_not_the_companys_own_refuses_all(site: Site, company: str) -> None:
    site.project("own")
    identifier = site.project("not-own", company=company, company_origin=OTHER)
    error = site.error("make-public", "own", identifier, status=3)
    assert (error["code"], error["subcode"], error["name"]) == (400, 401, "InvalidProjectId")
    assert identifier in error["message"]
    assert ("is public already" if company == "" else "does not exist") in error["message"]


def test_an_unknown_id_refuses_all(site: Site) -> None:
    site.project("own")
    assert site.fault("make-public", "own", UNKNOWN, status=3) == (400, 401, "InvalidProjectId")


def test_an_unknown_name_refuses_all(site: Site) -> None:
    site.project("vision")
    error = site.error("make-public", "vision", "visoin", status=3)
    assert (error["name"], error["hint"]) == ("ProjectNotFound", "did you mean 'vision'?")


def test_a_name_that_is_taken_among_the_public_refuses_all(site: Site) -> None:
    site.project("own")
    identifier = site.project("vision")
    site.project("vision", company="", company_origin=OTHER)
    error = site.error("make-public", "own", identifier, status=4)
    assert (error["code"], error["subcode"], error["name"]) == (400, 801, "ExpectedUniqueData")
    assert "'vision'" in error["message"]


def test_no_project_is_wrong_usage(site: Site) -> None:
    assert site.error("make-public", status=2)["name"] == "UsageError"


def test_dry_run_changes_nothing(site: Site) -> None:
    identifier = site.project("vision")
    before = site.everything()
    plan = site.json("make-public", "vision", "--dry-run")
    assert (plan["plan"], plan["samples"]) == ("make 1 project public", [{"id": identifier, "name": "vision"}])
    assert site.everything() == before


def test_read_only_refuses(site: Site) -> None:
    site.project("vision")
    assert site.error("make-public", "vision", "--read-only", status=4)["name"] == "ReadOnly"


def test_people_are_told_what_changed(site: Site) -> None:
    site.project("vision")
    result = site("make-public", "vision")
    assert (result.stdout, result.stderr) == ("updated\t1\n", "done: make 1 project public (1 project)\n")
