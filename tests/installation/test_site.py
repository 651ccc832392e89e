"""The site of the documentation: complete, and usable in a browser without any other host."""

from __future__ import annotations

import http.server
import subprocess
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tools import site
from tools.browser import CHROMIUM, DRIVER, Browser, Medium, browser

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# A package for charts, which other tests load, adds a finder of modules without the method of today.
pytestmark = pytest.mark.filterwarnings("ignore:PluginImportFixer:ImportWarning")

PHONE, DESK = Medium(360), Medium(1280, "dark")
SHOWN = ("index.html", "docs/connecting.html", "docs/commands/list.html", "docs/platforms.html")
TOO_WIDE = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files without a log."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in the base class
        """Print nothing."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    subprocess.run([sys.executable, "-m", "tools.site", str(folder)], cwd=site.CHECKOUT, check=True)
    return folder


@pytest.fixture(scope="module")
def address(built: Path) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(built))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def chromium() -> Iterator[Browser]:
    """Start a browser that has not been here: a page stores the scheme that it was shown in."""
    if CHROMIUM is None or DRIVER is None:
        pytest.skip("Chromium and its driver are not installed (Debian: chromium-driver)")
    with browser() as shown:
        yield shown


@pytest.mark.xdist_group("site")
def test_every_page_is_in_the_site(built: Path) -> None:
    """A link that leads nowhere fails the build."""
    expected = {page.with_suffix(".html") for page in site.pages() if page.name != "README.md"}
    expected |= {page.parent / "index.html" for page in site.pages() if page.name == "README.md"}
    assert {page for page in expected if not (built / page).is_file()} == set()


@pytest.mark.xdist_group("site")
@pytest.mark.parametrize("medium", [PHONE, DESK], ids=["phone", "desk"])
def test_a_browser_shows_the_pages_without_a_fault(address: str, chromium: Browser, medium: Medium) -> None:
    for page in SHOWN:
        chromium.show(f"{address}/{page}", medium)
        assert chromium.run(TOO_WIDE) <= 0, page
        scheme = chromium.run("return document.body.getAttribute('data-md-color-scheme')")
        assert scheme == ("slate" if medium.scheme == "dark" else "default")
    assert chromium.messages() == []
    requests = [request for request in chromium.requests() if not request.startswith("data:")]
    assert [request for request in requests if not request.startswith(f"{address}/")] == []
    assert any(request.endswith(".svg") for request in requests), "the picture of README.md"


@pytest.mark.xdist_group("site")
def test_the_search_finds_a_command(address: str, chromium: Browser) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.wait import WebDriverWait

    chromium.show(f"{address}/index.html", DESK)
    chromium.driver.find_element(By.CSS_SELECTOR, "[data-md-component=search-query]").send_keys("validate-delete")
    links = "return [...document.querySelectorAll('.md-search-result__link')].map(link => link.href)"
    found = WebDriverWait(chromium.driver, 20).until(lambda _: chromium.run(links))
    assert any("/docs/commands/validate-delete.html" in link for link in found)
