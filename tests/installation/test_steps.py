"""The commands of the workflows run for real, in a copy of the checkout: `lint`, the tests of one file, `smoke`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from projects_cli import __version__
from tests.installation.test_automation import CHECKOUT, RUNS

ONE_FILE = "tests/config/test_parsing.py"
"""Instead of all tests, which are running already."""

INSTALLS = "make test-programs"

INSTALLED = Path(sys.prefix, ".installed")
"""What make writes when it has installed the locked versions."""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy what git would commit: the environments of `test-newest` and `smoke` are made beside it, and not here."""
    folder = tmp_path_factory.mktemp("steps")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (CHECKOUT / name).exists():  # a file may be deleted and not committed
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, folder / name)
    return folder


@pytest.mark.xdist_group("steps")
@pytest.mark.parametrize("run", RUNS)
def test_every_step_succeeds(copy: Path, run: str) -> None:
    if run == INSTALLS and not all(map(shutil.which, ("zsh", "fish", "groff", "chromedriver"))):
        pytest.skip("it would install programs on this machine")
    if run == "make lint" and not INSTALLED.exists():
        pytest.skip("another version of a linter has other rules")
    # The environment of this interpreter takes the place of the one that `make` would set up first.
    given = [f"--assume-old={INSTALLED}", f"VENV={sys.prefix}", f"PYTHON={sys.executable}", f"TESTS={ONE_FILE}"]
    program, *arguments = run.split(maxsplit=1)
    command = f'{program} --no-print-directory "$@" {" ".join(arguments)}'
    outer = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "PYTEST_"))}
    environment = {**outer, "GITHUB_REF_NAME": f"v{__version__}", "WORKERS": "1"}
    result = subprocess.run(
        ["bash", "-c", command, "bash", *given],
        cwd=copy,
        check=False,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert result.returncode == 0, f"{run}:\n{result.stdout[-3000:]}\n{result.stderr[-3000:]}"
    if run.startswith("make test") and run != INSTALLS:
        assert " passed" in result.stdout
