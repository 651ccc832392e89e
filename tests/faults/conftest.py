"""Shared by these tests: a replica set of three members, started once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.nodes import ThreeNodes, three_nodes

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def three_members() -> Iterator[ThreeNodes]:
    """Run a replica set of three for the whole run."""
    with three_nodes() as cluster:
        yield cluster


@pytest.fixture
def cluster(three_members: ThreeNodes) -> Iterator[ThreeNodes]:
    """Provide the replica set of three, whole before and after."""
    yield three_members
    three_members.heal()
