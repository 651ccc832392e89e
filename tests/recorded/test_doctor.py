"""The doctor on the recorded documents of a real server: it reports their known oddities, and nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.recorded import recording

if TYPE_CHECKING:
    from tests import servers
    from tests.conftest import Cli

pytestmark = pytest.mark.skipif(not recording.load_cases(), reason="the recorded answers are not here")

ODD = {
    "tags-unsorted": ["ea88e9e563bf31fb0daf7f72fd6620b5"],
    "task-project-gone": ["07c1579208bdd02370b2a867b6f6e06c"],
}
"""A project with unsorted tags, and a task of a deleted project."""


def test_the_doctor_finds_and_fixes_inconsistencies(standalone: servers.Server, cli: Cli) -> None:
    name = standalone.borrow_indexed()
    recording.restore(standalone.client[name], recording.seed())
    before = recording.snapshot(standalone.client[name])
    result = cli("doctor", "--json", uri=standalone.uri, PROJECTS_DATABASE=name)
    found = {
        one["name"]: [example["id"] for example in one["examples"]] for one in json.loads(result.stdout)["findings"]
    }
    assert (found, result.exit_code) == (ODD, 6)
    fixed = cli("doctor", "--fix", "--yes", "--json", uri=standalone.uri, PROJECTS_DATABASE=name)
    assert (json.loads(fixed.stdout)["findings"], fixed.exit_code) == ([], 0)
    assert cli("undo", "--yes", uri=standalone.uri, PROJECTS_DATABASE=name).exit_code == 0
    assert recording.snapshot(standalone.client[name]) == before
    standalone.give_back(name)
