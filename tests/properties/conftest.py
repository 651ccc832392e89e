"""How the properties are tried: reproducibly in CI, with other examples at each run elsewhere.

`HYPOTHESIS_PROFILE=properties-thorough` tries many more.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, configuration, settings

from tests.properties.calling import Caller, calling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Server

# Function-scoped fixtures are the clean environment of tests/conftest.py, which no example changes.
_CHECKS = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("properties", deadline=None, max_examples=60, suppress_health_check=_CHECKS, database=None)
settings.register_profile("properties-ci", settings.get_profile("properties"), derandomize=True)
settings.register_profile("properties-thorough", settings.get_profile("properties"), max_examples=1000)
_PROFILE = "properties-ci" if os.environ.get("CI") else "properties"
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", _PROFILE))
configuration.set_hypothesis_home_dir(Path(tempfile.gettempdir()) / f"hypothesis-{os.getuid()}")


@pytest.fixture(scope="module")
def caller(standalone: Server) -> Iterator[Caller]:
    """Provide a database with the server's indexes, and the endpoints on it; each example fills it anew."""
    with calling(standalone) as made:
        yield made


@pytest.fixture(scope="module")
def twin(standalone: Server) -> Iterator[Caller]:
    """Provide another such database, to compare with."""
    with calling(standalone) as made:
        yield made
