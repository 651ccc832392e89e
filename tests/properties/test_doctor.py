"""The doctor on any inconsistent database: it sees its company only, its fixes last, and undo restores every byte.

As in `test_tenancy`, two databases are compared: one with another company's documents among all others, and the same
without them. What is found, planned and changed has to be the same on both.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from projects_cli.changes.journal import Author
from projects_cli.changes.runner import Runner
from projects_cli.diagnosis.doctor import DOCUMENT_FINDINGS, Diagnosis, Repair
from projects_cli.store.journal import JournalStore
from tests.properties.calling import OWN, Documents
from tests.properties.tenancies import MARKER
from tests.worlds.random_worlds import OTHER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypothesis.strategies import SearchStrategy

    from projects_cli.messages import Plan, Step
    from tests.properties.calling import Caller, Document

JOURNAL = "properties_doctor"
FEW = settings().max_examples // 2
LONG_AGO = datetime(2023, 3, 1, 8, tzinfo=UTC)
OWNERS = (OWN, OWN, OWN, OWN, OWN, "", OTHER)
ROWS = 9
SEGMENTS = ("aaa", "bbb", "ccc")


def _identifier(company: str, number: int) -> str:
    return f"{MARKER if company == OTHER else 'aaaa'}{number:028x}"


# --- databases ----------------------------------------------------------------------------------------------------


@st.composite
def databases(draw: st.DrawFn) -> Documents:
    """Draw projects in good order, then bend some; tasks and models are in any of them, or in none that there is."""
    projects: list[Document] = []
    for number in range(draw(st.integers(1, ROWS))):
        above = draw(st.sampled_from([None, *projects, *projects]))
        name = _name(draw(st.sampled_from(SEGMENTS)), above, projects)
        projects.append(_project(number, draw(st.sampled_from(OWNERS)), name, above))
    ids = [one["_id"] for one in projects]
    for project in projects:
        project.update(draw(_bent(ids, [one["name"] for one in projects])))
    _keep_unique(projects)
    members = st.lists(st.tuples(st.sampled_from(OWNERS), _place(ids)), max_size=8)
    return {"project": projects, "task": _members(2, draw(members)), "model": _members(3, draw(members))}


def _name(segment: str, above: Document | None, taken: list[Document]) -> str:
    name = f"{above['name']}/{segment}" if above else segment
    return f"{name} {len(taken)}" if any(one["name"] == name for one in taken) else name


def _project(number: int, company: str, name: str, above: Document | None) -> Document:
    document: Document = {
        "_id": _identifier(company, number),
        "company": company,
        "user": f"{MARKER} person" if company == OTHER else "person",
        "name": name,
        "basename": name.rpartition("/")[2],
        "created": LONG_AGO,
        "tags": [],
        "system_tags": [],
        "path": [*above["path"], above["_id"]] if above else [],
    }
    return document | ({"parent": above["_id"]} if above else {})


def _place(ids: list[str]) -> SearchStrategy[Any]:
    return st.sampled_from([*ids, *ids, "unknown", "__DELETED__unknown", "", None, 7])


def _bent(ids: list[str], names: list[str]) -> SearchStrategy[Document]:
    """Draw fields to set, in most cases none."""
    tags = st.sampled_from([None, ["b", "a"], ["a", "a"], "text", "", [1], {"a": 1}, 7])
    fields: dict[str, SearchStrategy[Any]] = {
        "parent": _place(ids),
        "path": st.lists(_place(ids), max_size=3) | st.sampled_from([None, "text"]),
        "name": st.sampled_from(names).map(lambda name: f"{name}/moved") | st.sampled_from(["zzz", "zzz/yyy", "/", ""]),
        "basename": st.sampled_from(["wrong", None, 7]),
        "tags": tags,
        "system_tags": tags,
    }
    some = st.sampled_from(
        [[], [], *([name] for name in fields), ["parent", "path"], ["name", "path"], ["tags", "system_tags"]]
    )
    return some.flatmap(lambda chosen: st.fixed_dictionaries({name: fields[name] for name in chosen}))


def _keep_unique(projects: list[Document]) -> None:
    """Keep names unique for the index, and mark those of the other company."""
    taken: set[tuple[str, str]] = set()
    for number, project in enumerate(projects):
        if project["company"] == OTHER:
            project["name"] = f"{MARKER} {number}"
        if (project["name"], project["company"]) in taken:
            project["name"] += f" {number}"
        taken.add((project["name"], project["company"]))


def _members(kind: int, drawn: list[tuple[str, Any]]) -> list[Document]:
    return [
        {"_id": _identifier(company, kind * 100 + number), "company": company, "project": place, "x": None}
        | {"name": f"{MARKER} run" if company == OTHER else "run", "tags": [], "system_tags": []}
        for number, (company, place) in enumerate(drawn)
    ]


# --- asking -------------------------------------------------------------------------------------------------------


def runner(caller: Caller) -> Runner:
    """Return the entry point for changes, with a journal."""
    return Runner(
        store=caller.store,
        stored=JournalStore(caller.store.connection, JOURNAL),
        author=Author(by="caller", command="projects test"),
        database=caller.database.name,
        clock=lambda: datetime.now(UTC),
        lock_wait=5,
        progress=lambda _done, _all: None,
    )


def diagnosis(changes: Runner) -> Diagnosis:
    """Return the doctor, as the command creates it for `--fix`."""
    return Diagnosis(changes, changes.store, JOURNAL)


def repair_plan(changes: Runner) -> Plan[Step]:
    return diagnosis(changes).plan(diagnosis(changes).report(DOCUMENT_FINDINGS))


def examined(caller: Caller) -> list[Document]:
    """Return the findings in the documents."""
    return diagnosis(runner(caller)).report(DOCUMENT_FINDINGS).findings.records()


def fix(caller: Caller) -> bool:
    """Fix all that can be fixed, and return whether there was anything."""
    changes = runner(caller)
    plan = repair_plan(changes)
    if plan.steps:
        changes.apply(Repair(diagnosis(changes), DOCUMENT_FINDINGS), plan)
    return bool(plan.steps)


def _seen(documents: Documents) -> Documents:
    return {name: [one for one in some if one["company"] != OTHER] for name, some in documents.items()}


def _counts(findings: list[Document]) -> Iterator[tuple[str, int, int]]:
    for one in findings:
        yield one["name"], one["count"], one["fixable"]


@settings(max_examples=FEW)
@given(documents=databases())
def test_the_doctor_changes_its_company_only_and_its_fixes_last(
    caller: Caller, twin: Caller, documents: Documents
) -> None:
    caller.fill(documents)
    twin.fill(_seen(documents))
    before, twins_before = caller.stored(), twin.stored()
    findings = examined(caller)
    assert findings == examined(twin)
    assert MARKER not in json.dumps(findings)
    assert caller.stored() == before
    was_fixed = fix(caller)
    assert fix(twin) == was_fixed == any(fixable for _, _, fixable in _counts(findings))
    after = caller.stored()
    assert {key: after.get(key) for key in before.keys() - twins_before.keys()} == {
        key: before[key] for key in before.keys() - twins_before.keys()
    }
    assert {key: after[key] for key in twins_before} == twin.stored()
    _check_left(findings, examined(caller))
    if was_fixed:
        runner(caller).undo(None)
    assert caller.stored() == before


def _check_left(findings: list[Document], left: list[Document]) -> None:
    """Fail if a fix left findings that it should have fixed, or caused new ones.

    A path can be checked only after the paths above it are correct, and unreadable names may be among several.
    """
    were = {name: (count, fixable) for name, count, fixable in _counts(findings)}
    for name, count, fixable in _counts(left):
        assert fixable == 0, left
        if name != "path-mismatch":
            assert count <= were[name][0] - were[name][1], (findings, left)
