"""`projects move`, `projects merge` and `projects rename`: checks in their order, effects, and two writers at once."""

from __future__ import annotations

import json

from tests.worlds.site import OTHER, USER, Site


def subcode(site: Site, *arguments: str, status: int) -> int:
    return int(site.error(*arguments, status=status)["subcode"])


def test_a_tree_moves_with_all_its_levels_and_comes_back(site: Site) -> None:
    top, inner, deep = site.project("one/two"), site.project("one/two/three"), site.project("one/two/three/four")
    before = site.everything()
    assert site.json("move", "one/two", "//new / place/", "--user", USER) == {"moved": 3}
    new, place = (site.named(name)["_id"] for name in ("new", "new/place"))
    assert site.stored(deep)["name"] == "new/place/two/three/four"
    assert site.stored(deep)["path"] == [new, place, top, inner]
    assert (site.stored(top)["parent"], site.stored(inner)["parent"]) == (place, top)
    findings = json.loads(site("doctor", "--json").stdout)["findings"]
    assert [one["name"] for one in findings if not one["name"].startswith("index")] == []
    assert site.json("move", top, "--top-level") == {"moved": 3}
    assert (site.stored(top)["path"], "parent" in site.stored(top)) == ([], False)
    for _ in range(2):
        site("undo", "--yes")
    assert site.everything() == before


def test_the_checks_of_a_move(site: Site) -> None:
    site.project("one/two/three")
    site.project("shown", company="")
    site.project("three")
    assert subcode(site, "move", "one", "one/two/new", status=4) == 411
    assert subcode(site, "move", "one/two", "one", status=4) == 410
    assert subcode(site, "move", "one", "", status=4) == 410
    assert subcode(site, "move", "one", "ab", status=2) == 12
    assert subcode(site, "move", "one", "shown", status=4) == 414
    assert subcode(site, "move", "three", "one/two", status=4) == 801
    assert subcode(site, "move", "one", "aaa/bbb/ccc/ddd/eee/fff/ggg/hhh", status=4) == 409
    assert site.error("move", "one", status=2)["message"] == "no location was named"
    assert "not an id" in site.error("move", "one", "a" * 32, status=2)["message"]


def test_a_merge_takes_everything_along(site: Site) -> None:
    source, target = site.project("src"), site.project("dst")
    kid, deep = site.project("src/kid"), site.project("src/kid/in/deep")
    tasks = [site.task(source), site.task(source, system_tags=["archived"]), site.task(source, company="")]
    foreign, inside, model = site.task(source, company=OTHER), site.task(kid), site.model(source)
    before = site.everything()
    assert site.error("merge", "src", "dst", status=2)["name"] == "ConfirmationNeeded"
    assert site.json("merge", "src", "dst", "--confirm", "src") == {"moved_entities": 4, "moved_projects": 1}
    homes = {one["_id"]: one["project"] for name in ("task", "model") for one in site.documents[name].find({})}
    assert homes == {**dict.fromkeys([*tasks, model], target), foreign: source, inside: kid}
    assert site.stored(deep)["name"] == "dst/kid/in/deep"
    assert site.stored(deep)["path"][0] == target
    site("undo", "--yes")
    assert site.everything() == before


def test_the_checks_of_a_merge(site: Site) -> None:
    site.project("src/kid/deep")
    site.project("dst/kid")
    assert subcode(site, "merge", "src", "src", "--yes", status=4) == 410
    assert subcode(site, "merge", "src", "src/kid/deep", "--yes", status=4) == 412
    assert subcode(site, "merge", "src", "dst", "--yes", status=4) == 801
    assert site.json("merge", "src/kid", "src", "--yes")["moved_projects"] == 1  # above is allowed
    assert site.error("merge", "src", status=2)["message"] == "no destination was named"


def test_a_rename_takes_the_last_part_or_the_full_name(site: Site) -> None:
    site.project("one/two")
    assert site.json("rename", "one/two", "three")["fields"] == {"name": "one/three"}
    assert site.json("rename", "one/three", "one/four")["updated"] == 1
    assert site.error("rename", "one/four", "other/four", status=4)["name"] == "CannotUpdateProjectLocation"
