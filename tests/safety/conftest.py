"""Worlds for these tests: a database and its journal, on each kind of deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.safety.world import BEFORE, World, world_on

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Server


@pytest.fixture
def world(deployment: Server) -> Iterator[World]:
    """Give the odd little site on each kind of deployment in turn."""
    with world_on(deployment, BEFORE) as made:
        yield made


@pytest.fixture
def lone(standalone: Server) -> Iterator[World]:
    """Give the odd little site on a standalone."""
    with world_on(standalone, BEFORE) as made:
        yield made
