"""The place of misplaced projects: a majority of three fields decides, ties are left to the user."""

from __future__ import annotations

from typing import Any

import pytest

from projects_cli.diagnosis.findings import KINDS
from projects_cli.diagnosis.project_tree import ProjectTree
from projects_cli.diagnosis.repair import TreeRepair

Row = tuple[str, str, str | None, list[str] | None]
Changes = dict[str, dict[str, Any]]

A: Row = ("a", "aaa", None, [])
B: Row = ("b", "bbb", None, [])
ALL = frozenset(KINDS)
TOP = {"$unset": {"parent": 1}}


def changes(*rows: Row, public: str = "", wanted: frozenset[str] = ALL) -> Changes:
    """Return the changes of a forest of projects: id, name, parent, path; `public` has the ids of those that are."""
    tree = ProjectTree("own")
    for identifier, name, parent, path in rows:
        document = {"_id": identifier, "name": name, "basename": name.rpartition("/")[2], "path": path}
        document |= {"parent": parent} if parent else {}
        tree.add({**document, "company": "" if identifier in public else "own"})
    repair = TreeRepair(tree, tree.cycles(tree.parent), wanted)
    return {str(project.id): change for project, change, _ in repair.changes()}


def moved(parent: str, *path: str, **fields: str) -> dict[str, Any]:
    return {"$set": {**({"parent": parent} if parent else {}), "path": list(path), **fields}}


CASES: dict[str, tuple[list[Row], Changes]] = {
    "all is well": ([A, ("c", "aaa/ccc", "a", ["a"])], {}),
    "name and path agree": ([A, B, ("c", "aaa/ccc", "b", ["a"])], {"c": {"$set": {"parent": "a"}}}),
    "only the name speaks": ([A, ("c", "aaa/ccc", "gone", ["gone"])], {"c": moved("a", "a")}),
    "nothing but the name": ([A, ("c", "aaa/ccc", None, None)], {"c": moved("a", "a")}),
    "name and path are at the top": ([A, ("c", "ccc", "a", [])], {"c": TOP}),
    "the parent is gone, the name at the top": (
        [("c", "ccc", "gone", ["gone"])],
        {"c": {"$set": {"path": []}, "$unset": {"parent": 1}}},
    ),
    "parent and path agree, the name's place is nowhere": (
        [A, ("c", "old/ccc", "a", ["a"]), ("d", "old/ccc/ddd", "c", ["a", "c"])],
        {"c": {"$set": {"name": "aaa/ccc"}}, "d": {"$set": {"name": "aaa/ccc/ddd"}}},
    ),
    "one below has followed already": (
        [A, ("c", "old/ccc", "a", ["a"]), ("d", "aaa/ccc/ddd", "c", ["a", "c"])],
        {"c": {"$set": {"name": "aaa/ccc"}}, "d": {"$set": {"name": "aaa/ccc/ddd"}}},
    ),
    "what is below comes along": (
        [A, B, ("c", "aaa/ccc", "b", ["a"]), ("d", "aaa/ccc/ddd", "c", ["b", "c"])],
        {"c": {"$set": {"parent": "a"}}, "d": {"$set": {"path": ["a", "c"]}}},
    ),
    "the parent is gone, the path ends elsewhere": (
        [A, B, ("c", "aaa/ccc", "gone", ["b"]), ("d", "aaa/ccc/ddd", "c", ["b", "c"])],
        {},
    ),
    "the parent is gone, name and path agree": (
        [A, B, ("c", "aaa/ccc", "gone", ["a"])],
        {"c": {"$set": {"parent": "a"}}},
    ),
    "the parent is gone, the name at the top, the path elsewhere": ([A, ("c", "ccc", "gone", ["a"])], {}),
    "a tie": ([A, B, ("c", "aaa/ccc", "b", ["b"])], {}),
    "a tie at the top": ([A, ("c", "ccc", "a", ["a"])], {}),
    "three places": ([A, B, ("x", "xxx", None, []), ("c", "aaa/ccc", "b", ["x"])], {}),
    "no field is valid": ([("c", "gone/ccc", "gone", ["gone"])], {}),
    "two have the name above": ([A, ("b", "aaa", None, []), ("c", "aaa/ccc", "gone", [])], {}),
    "a cycle": ([("a", "aaa", "b", ["b"]), ("b", "aaa/bbb", "a", ["a"])], {}),
    "a project below itself": ([("a", "aaa", "a", [])], {}),
    "a cycle by choice": ([("b", "bbb", "a", ["a"]), ("a", "bbb/aaa", "gone", [])], {}),
    "two that want one name": ([A, ("c", "old/same", "a", ["a"]), ("d", "odd/same", "a", ["a"])], {}),
    "the new name is taken": ([A, ("c", "old/ccc", "a", ["a"]), ("d", "aaa/ccc", "a", ["a"])], {}),
    "eleven levels": (
        [("a", "/".join("abcdefghij"), None, []), ("c", "old/ccc", "a", ["a"])],
        {},
    ),
    "no last part": ([A, ("c", "old/", "a", ["a"])], {}),
    "a tie below, by a name that would go": (
        [A, B, ("c", "old/ccc", "a", ["a"]), ("d", "old/ccc/ddd", "b", ["b"])],
        {},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_parent_is_what_two_of_three_fields_name(case: str) -> None:
    rows, expected = CASES[case]
    assert changes(*rows) == expected


def test_public_projects_are_parents_and_never_change() -> None:
    below: Row = ("c", "aaa/ccc", None, [])
    assert changes(A, below, public="a") == {"c": moved("a", "a")}
    assert changes(("a", "aaa", "gone", ["gone"]), public="a") == {}


def test_a_name_stays_if_a_public_sub_project_exists_or_has_the_same_name() -> None:
    stale: Row = ("c", "old/ccc", "a", ["a"])
    assert changes(A, stale, ("d", "old/ccc/ddd", "c", ["a", "c"]), public="d") == {}
    assert changes(A, stale, ("d", "old/ccc", None, []), public="d") == {}


def test_only_wanted_kinds_are_repaired() -> None:
    lost: Row = ("c", "aaa/ccc", "gone", ["gone"])
    crooked: Row = ("d", "bbb/ddd", "b", [])
    everything = [A, B, lost, crooked]
    assert changes(*everything, wanted=frozenset({"parent-gone"})) == {"c": moved("a", "a")}
    assert changes(*everything, wanted=frozenset({"path-mismatch"})) == {"d": {"$set": {"path": ["b"]}}}
    assert changes(*everything, wanted=frozenset({"tags-null"})) == {}


def test_an_endless_chain_of_parents_is_not_followed() -> None:
    """Neither a very deep tree nor a large cycle takes long, or too much."""
    deep: list[Row] = [(f"k{n}", f"deep/{n}", f"k{n - 1}", []) for n in range(20_000)]
    assert changes(*deep) == {}
    assert changes(("k-1", "deep/-1", "k19999", []), *deep) == {}
