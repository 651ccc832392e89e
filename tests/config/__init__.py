"""Tests of the settings, and the configured site that the tests of commands work on."""

import pytest

pytest.register_assert_rewrite("tests.worlds.site")
