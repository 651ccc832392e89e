"""`make pictures`: the pictures of docs/report.md, of the report on the sample, in the browser that the tests use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.browser import Medium, browser

CHECKOUT = Path(__file__).parents[1]
FOLDER = CHECKOUT / "docs" / "images"

PICTURES = {
    "report-light": (Medium(1100), 880),
    "report-dark": (Medium(1100, "dark"), 880),
    "report-phone": (Medium(360), 800),
}
"""Name -> on what the page is shown, and how many pixels of its height."""


def main() -> None:
    """Write the pictures."""
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        page = Path(folder, "report.html")
        environment = os.environ | {"PROJECTS_LOCAL_DIR": str(Path(folder, "database")), "HOME": folder}
        for words in (["local", "sample"], ["report", "--html", str(page)], ["local", "stop"]):
            command = [sys.executable, "-m", "projects_cli", "--quiet", *words]
            subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own words
        with browser() as shown:
            for name, (medium, height) in PICTURES.items():
                shown.open(page, medium)
                (FOLDER / f"{name}.png").write_bytes(shown.picture(height))


if __name__ == "__main__":
    main()
