"""A headless Chromium, for tests of reports and of the site, and for pictures. Nothing is downloaded for it."""

from __future__ import annotations

import base64
import json
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver import Chrome

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")


class Medium(NamedTuple):
    """What a page is shown on: `width` in pixels, `scheme` light or dark, `media` screen or print."""

    width: int
    scheme: str = "light"
    media: str = "screen"


class Browser:
    """A running browser."""

    def __init__(self, driver: Chrome) -> None:
        """Take the driver."""
        self.driver = driver

    def command(self, name: str, **parameters: Any) -> Any:
        """Run a command of the DevTools protocol."""
        return self.driver.execute_cdp_cmd(name, parameters)

    def open(self, page: Path, medium: Medium) -> None:
        """Load a file."""
        self.show(page.as_uri(), medium)

    def show(self, address: str, medium: Medium) -> None:
        """Load a page by its address."""
        size = {"width": medium.width, "height": 800, "deviceScaleFactor": 1, "mobile": True}
        self.command("Emulation.setDeviceMetricsOverride", **size)
        feature = {"name": "prefers-color-scheme", "value": medium.scheme}
        self.command("Emulation.setEmulatedMedia", media=medium.media, features=[feature])
        self.driver.get(address)

    def messages(self) -> list[str]:
        """Return the messages of the console since the last call."""
        return [entry["message"] for entry in self._log("browser")]

    def requests(self) -> list[str]:
        """Return the addresses that were requested since the last call."""
        events = [json.loads(entry["message"])["message"] for entry in self._log("performance")]
        return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]

    def _log(self, kind: str) -> list[dict[str, Any]]:
        driver: Any = self.driver  # this method of it is not typed
        return list(driver.get_log(kind))

    def run(self, script: str) -> Any:
        """Run a script in the page, and return its result."""
        return self.driver.execute_script(script)

    def picture(self, height: int) -> bytes:
        """Return the top of the page as PNG."""
        width = self.run("return document.documentElement.clientWidth")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        shot = self.command("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        return base64.b64decode(shot["data"])


@contextmanager
def browser() -> Iterator[Browser]:
    """Start a browser, which ends with the block."""
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = CHROMIUM or ""
    # Its sandbox does not run as root, nor in most containers; the pages are our own.
    for argument in ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options=options, service=Service(DRIVER))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
