"""Builders of test data: every database content that tests use is made here."""

import pytest

pytest.register_assert_rewrite("tests.worlds.site", "tests.worlds.world")
