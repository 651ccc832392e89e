"""The indexes of a private database are those that a real server created."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pymongo
import pytest

from projects_cli.store.index_definitions import SERVER

if TYPE_CHECKING:
    from tests.conftest import Database

RECORDED = Path(__file__).parents[3] / "shared" / "cases" / "seed" / "indexes.json"


@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded answers are not here")
def test_indexes_are_the_recorded_ones(indexed_database: Database) -> None:
    recorded = json.loads(RECORDED.read_text())
    with pymongo.MongoClient[dict[str, Any]](indexed_database.uri) as client:
        made = {
            f"backend.{collection}": [dict(index) for index in client[indexed_database.name][collection].list_indexes()]
            for collection in SERVER
        }
    by_name = {name: {index["name"]: index for index in indexes} for name, indexes in recorded.items()}
    assert {name: {index["name"]: _plain(index) for index in indexes} for name, indexes in made.items()} == by_name


def _plain(index: dict[str, Any]) -> Any:
    return json.loads(json.dumps(index, default=dict))
