"""The shipped schema defines what the service's own schema defines, in other words.

The service's schema is not part of this project: the tests are skipped where it is not beside the checkout.
"""

from __future__ import annotations

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
    assert bare(ours["definitions"]) == bare(seed["definitions"])
    for name, endpoint in seed["endpoints"].items():
        for number, version in endpoint["versions"].items():
            assert bare(ours["endpoints"][name]["versions"][number]) == bare(version), (name, number)


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
