"""The shipped schema defines what the service's own schema defines, in other words.

The service's schema is not part of this project: the tests are skipped if it is not beside the checkout.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from projects_cli.schema.service import load_service

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT = Path(__file__).parents[2]
SEED = CHECKOUT.parent / "shared" / "seed" / "projects.conf"

pytestmark = pytest.mark.skipif(not SEED.exists(), reason="the service's own schema is not here")


@pytest.fixture(scope="module")
def seed() -> dict[str, Any]:
    return load_service(str(SEED))


@pytest.fixture(scope="module")
def ours() -> dict[str, Any]:
    return load_service(str(CHECKOUT / "schema" / "projects.conf"))


def bare(node: Any) -> Any:
    """Return a schema without its descriptions, except properties with that name."""
    if isinstance(node, dict):
        return {key: bare(value) for key, value in node.items() if not is_description(key, value)}
    return [bare(item) for item in node] if isinstance(node, list) else node


def is_description(key: str, value: Any) -> bool:
    return key == "description" and isinstance(value, str)


def descriptions(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if is_description(key, value):
                yield " ".join(value.casefold().split()).rstrip(".")
            else:
                yield from descriptions(value)


def test_every_endpoint_and_version_exists(seed: dict[str, Any], ours: dict[str, Any]) -> None:
    assert len(seed["endpoints"]) == 12
    for name, endpoint in seed["endpoints"].items():
        assert endpoint["versions"].keys() <= ours["endpoints"][name]["versions"].keys()
        assert endpoint["internal"] == ours["endpoints"][name]["internal"]


def test_structure_is_the_same(seed: dict[str, Any], ours: dict[str, Any]) -> None:
    definitions = {name: ours["definitions"].get(name) for name in seed["definitions"]}
    assert bare(definitions) == bare(seed["definitions"])
    for name, endpoint in seed["endpoints"].items():
        for number, version in endpoint["versions"].items():
            assert bare(ours["endpoints"][name]["versions"][number]) == bare(version), (name, number)


NOT_TAKEN_OVER = {
    # docs/semantics.md: the first schema's own version keeps its form, newer forms belong to later versions.
    ("create", "2.1"),
    # The server does not require the project, and does not apply the default of the state.
    ("get_hyper_parameters", "project"),
    ("get_model_metadata_keys", "project"),
    ("get_task_parents", "tasks_state"),
    # Without a default, so that "not given" can be told from true: allow_public has precedence over non_public.
    ("get_all_ex", "allow_public"),
}


def test_every_parameter_of_the_newest_contract_exists_in_its_version(ours: dict[str, Any]) -> None:
    contract = json.loads((SEED.parent / "newest-contract.json").read_text(encoding="utf-8"))
    assert len(contract["endpoints"]) == 21
    for name, endpoint in contract["endpoints"].items():
        for number, version in endpoint["versions"].items():
            mine = ours["endpoints"][name]["versions"][number]
            for part in ("request", "response"):
                theirs = version[part].get("properties", {})
                # The newest contract states `basename` in the oldest version of the listings; here 2.13 brings it.
                missing = theirs.keys() - mine[part]["properties"].keys()
                assert missing <= ({"basename"} if number == "2.1" else set()), (name, number, part)
                for field in theirs.keys() - missing:
                    if part == "request" and (name, field) not in NOT_TAKEN_OVER:
                        expected, actual = theirs[field], mine[part]["properties"][field]
                        if "$ref" in actual:
                            actual = ours["definitions"][actual["$ref"].rpartition("/")[2]]
                        if "$ref" in expected:
                            expected = contract["definitions"][expected["$ref"].rpartition("/")[2]]
                        assert {key: actual.get(key) for key in ("type", "default", "enum", "minimum")} == {
                            key: expected.get(key) for key in ("type", "default", "enum", "minimum")
                        }, (name, number, field)
            left_out = {field for place, field in NOT_TAKEN_OVER if place == name}
            if (name, number) not in NOT_TAKEN_OVER:
                required = set(version["request"].get("required", ())) - left_out
                assert set(mine["request"].get("required", ())) == required, (name, number)


def test_order_of_fields_is_the_same(seed: dict[str, Any], ours: dict[str, Any]) -> None:
    for name, endpoint in seed["endpoints"].items():
        for number, version in endpoint["versions"].items():
            mine = ours["endpoints"][name]["versions"][number]
            assert list(mine["request"]["properties"]) == list(version["request"]["properties"])


def test_words_are_our_own(seed: dict[str, Any], ours: dict[str, Any]) -> None:
    theirs = {text for text in descriptions(seed) if text}
    mine = list(descriptions(ours))
    assert theirs.isdisjoint(mine)
    assert all(mine), "every field is described"
