"""Every recorded case, through `batch`: the answer, and what it changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pymongo
import pytest

from tests import servers
from tests.recorded import recording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Cli

CASES = recording.load_cases()

pytestmark = [
    pytest.mark.skipif(not CASES, reason="the recorded cases are not at hand"),
    pytest.mark.xdist_group("recorded"),
]


class Difference(NamedTuple):
    """A deliberate difference: its number in docs/semantics.md (differs on purpose), and the error or the response.

    Of the response, only the fields that differ are listed.
    """

    number: int
    subcode: int | None = None
    answer: dict[str, Any] | None = None


OWN_USERS = [{"id": "__tests__", "name": "Default User"}, {"id": "__user2__", "name": "Second Üser"}]

DIFFERENCES: dict[str, Difference] = {
    "create-name-missing": Difference(3, subcode=12),
    "get_all-unknown-field": Difference(3, subcode=12),
    "get_all-only-str": Difference(3, subcode=12),
    "get_all_ex-stats-hidden-state": Difference(3, subcode=12),
    "get_all-hiddenbool-s_no": Difference(3, subcode=12),
    "get_all_ex-hiddenbool-zero": Difference(3, subcode=12),
    "get_all_ex-hiddenbool-list": Difference(3, subcode=12),
    "get_all_ex-hidden-str": Difference(3, subcode=12),
    "get_all_ex-users-id-str": Difference(3, subcode=12),
    "update-unknown-field": Difference(3, subcode=12),
    "delete-bool-emptylist": Difference(3, subcode=12),
    "get_hyper_parameters-str-page": Difference(3, subcode=12),
    "get_task_tags-filter-unknown": Difference(3, subcode=12),
    "get_task_tags-include-str": Difference(3, subcode=12),
    "get_hyper_parameters-size-only": Difference(1, answer={"total": 11, "remaining": 7}),
    "get_hyper_parameters-p0s3": Difference(1, answer={"total": 11, "remaining": 8}),
    "get_model_metadata_keys-p1s2": Difference(1, answer={"total": 8, "remaining": 4}),
    "get_model_metadata_keys-p9s2": Difference(1, answer={"total": 8, "remaining": 0}),
    "get_model_metadata_values-p1s1": Difference(1, answer={"total": 2, "values": ["0.9"]}),
    "get_model_metadata_values-no-public": Difference(2, answer={"total": 2, "values": ["0.12", "0.9"]}),
    "delete-mixed-parent-force": Difference(5, subcode=21),
    "delete-tree-contents-no-external": Difference(5, answer={"deleted": 14, "deleted_tasks": 80, "deleted_models": 9}),
    "move-mixed": Difference(5, subcode=21),
    "validate_delete-alpha": Difference(5, answer={"tasks": 72, "non_archived_tasks": 63}),
    "get_user_names-task": Difference(5, answer={"users": OWN_USERS}),
    "merge-models-only": Difference(6, answer={"moved_entities": 2, "moved_projects": 0}),
    "merge-into-root": Difference(6, answer={"moved_entities": 11, "moved_projects": 2}),
    "merge-no-clash": Difference(6, answer={"moved_entities": 3, "moved_projects": 2}),
    "merge-with-hidden": Difference(6, answer={"moved_entities": 13, "moved_projects": 5}),
    "update-tags": Difference(7, answer={"fields": {"tags": ["n1", "n2"]}, "updated": 1}),
    "make_public-dup": Difference(10, answer={"updated": 1}),
    "get_all_ex-stats-null-state": Difference(13),
    "get_all-textscore-desc": Difference(14, subcode=16),
    "get_model_tags-filter-null": Difference(14, answer={"tags": []}),
}


class Seeded:
    """A database with the start state, which is restored after every case that changed it."""

    def __init__(self, server: servers.Server) -> None:
        self.uri = server.uri
        self.name = servers.new_name()
        self.client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(server.uri)
        self.database = self.client[self.name]
        self.documents = recording.seed()
        recording.make_indexes(self.database)
        recording.restore(self.database, self.documents)
        self.start = recording.snapshot(self.database)

    def effects(self) -> recording.Case:
        """Return what the case changed, and restore the start state."""
        found = recording.effects(self.start, recording.snapshot(self.database))
        if found:
            recording.restore(self.database, self.documents)
        return found


@pytest.fixture(scope="module")
def seeded(standalone: servers.Server) -> Iterator[Seeded]:
    prepared = Seeded(standalone)
    yield prepared
    prepared.client.close()
    standalone.drop(prepared.name)


def answer_to(case: recording.Case, seeded: Seeded, cli: Cli) -> recording.Case:
    """Run a case and the calls before it in one batch, and return the last answer."""
    parts = [*(case.get("pre") or ()), case]
    lines = "".join(recording.line_of(case, part) + "\n" for part in parts)
    result = cli("batch", "-", uri=seeded.uri, stdin=lines, PROJECTS_DATABASE=seeded.name)
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(answers) == len(parts), result.stderr
    assert result.exit_code == (0 if all(answer["ok"] for answer in answers) else 5)
    last: recording.Case = answers[-1]
    assert last["id"] == case["id"]
    return last


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_a_recorded_case_agrees_or_differs_on_purpose(case: recording.Case, seeded: Seeded, cli: Cli) -> None:
    answer = answer_to(case, seeded, cli)
    effects = seeded.effects()
    difference = DIFFERENCES.get(case["id"])
    if difference is not None:
        assert_differs(case, answer, effects, difference)
        return
    assert answer["ok"] == case["ok"], answer
    matcher = recording.Matcher()
    if case["ok"]:
        expected, found = (recording.plain(case, data) for data in (case["response"], answer["data"]))
        assert matcher.same(expected, found), (expected, found)
    else:
        assert {key: answer["error"][key] for key in ("code", "subcode")} == case["error"]
    assert recording.same_effects(case.get("effects") or {}, effects, matcher), (case.get("effects"), effects)


def assert_differs(
    case: recording.Case, answer: recording.Case, effects: recording.Case, difference: Difference
) -> None:
    """Fail unless the answer still differs, and as the table says."""
    if difference.subcode is not None:
        assert not answer["ok"]
        assert answer["error"]["subcode"] == difference.subcode
        assert case["ok"] or case["error"]["subcode"] != difference.subcode
        assert effects == {}
        return
    assert answer["ok"], answer
    assert not case["ok"] or not recording.Matcher().same(case["response"], answer["data"])
    for key, value in (difference.answer or {}).items():
        assert answer["data"].get(key) == value


def test_a_null_state_returns_both_states(seeded: Seeded, cli: Cli) -> None:
    case = next(case for case in CASES if case["id"] == "get_all_ex-stats-null-state")
    recorded = {project["id"]: project["stats"] for project in case["response"]["projects"]}
    for project in answer_to(case, seeded, cli)["data"]["projects"]:
        assert project["stats"]["active"] == recorded[project["id"]]["active"]
        assert project["stats"].keys() == {"active", "archived"}


def test_every_difference_is_a_recorded_case() -> None:
    assert {case["id"] for case in CASES} >= DIFFERENCES.keys()
