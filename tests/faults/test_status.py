"""`projects status` on a replica set of three, complete and without a primary."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.worlds.site import Site, empty_site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Cli
    from tests.faults.nodes import ThreeNodes

pytestmark = pytest.mark.xdist_group("three members")


@pytest.fixture
def site(cluster: ThreeNodes, cli: Cli) -> Iterator[Site]:
    """Provide a site whose documents have reached every member."""
    with empty_site(cluster, cli) as site:
        site.project("vision")
        cluster.heal()
        yield site


def test_the_members_and_the_primary_are_told(site: Site, cluster: ThreeNodes) -> None:
    for arguments in ((), ("--read-preference", "secondary")):
        found = site.json("status", *arguments)["server"]
        assert found["primary"] == cluster.primary().address
        assert sorted(found["members"]) == sorted(node.address for node in cluster.nodes)


def test_without_a_primary_what_a_secondary_knows_is_told(site: Site, cluster: ThreeNodes) -> None:
    survivor = cluster.secondaries()[0]
    for node in cluster.nodes:
        if node is not survivor:
            node.kill()
    result = site("status", "--json", "--read-preference", "secondaryPreferred", "--timeout", "2")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["counts"]["projects"] == {"own": 1, "public": 0}
    assert (found["server"]["topology"], len(found["server"]["members"])) == ("replica set", 3)
    assert (found["interrupted"], found["lock"]) == (None, None)
    assert {entry["name"] for entry in found["unknown"]} == {"the interrupted changes", "the lock"}
    cluster.heal()  # before the site is taken down
