"""The chat page in a real browser, driven as its reader would."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from api.app import create_app
from tests.api.scripted_assistant import ScriptedAssistant, a_workspace
from tests.api.served import served

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_DRIVER = shutil.which("chromedriver")
needs_browser = pytest.mark.skipif(
    not (_CHROMIUM and _DRIVER), reason="chromium and chromedriver are not installed: the page was not driven"
)


T = TypeVar("T")


class Browser:
    """A page, driven as its reader would."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver

    def all(self, selector: str) -> list[WebElement]:
        return [found for found in self.driver.find_elements(By.CSS_SELECTOR, selector) if found.is_displayed()]

    def one(self, selector: str, text: str = "") -> WebElement:
        """The first visible match that contains `text`, once it is there."""

        def found(_: WebDriver) -> WebElement | None:
            return next((node for node in self.all(selector) if text in node.text), None)

        return self.until(found)

    def until(self, holds: Callable[[WebDriver], T | None]) -> T:
        """What `holds` gives once it is true. The page may draw an element anew while it is being looked at."""
        waiting = WebDriverWait(
            self.driver, 10, poll_frequency=0.05, ignored_exceptions=[StaleElementReferenceException]
        )
        return waiting.until(holds)  # type: ignore[return-value]

    def ask(self, question: str) -> None:
        self.one("#question").send_keys(question + Keys.ENTER)

    def complaints(self) -> list[str]:
        """What the browser itself objected to: a blocked script, a violated policy."""
        return [entry["message"] for entry in self.driver.get_log("browser")]


def chromium(profile: Path) -> Chrome:
    """A browser that nobody sees, with a new profile in that folder."""
    options = Options()
    options.binary_location = str(_CHROMIUM)
    switches = ["headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-sync"]
    switches += ["disable-background-networking", "disable-component-update", "disable-dev-shm-usage"]
    switches += ["window-size=1280,860", f"user-data-dir={profile}"]
    for switch in switches:
        options.add_argument(f"--{switch}")
    return Chrome(options=options, service=Service(str(_DRIVER)))


@contextmanager
def page(
    driver: Chrome, assistant: ScriptedAssistant, *, language: str = "en-US", path: str = "/", **workspace: Any
) -> Iterator[Browser]:
    """The page of a new server, in the language of the browser."""
    driver.execute_cdp_cmd("Emulation.setLocaleOverride", {"locale": language})
    driver.execute_cdp_cmd("Network.setUserAgentOverride", {"userAgent": "test", "acceptLanguage": language})
    driver.get_log("browser")
    with served(create_app(a_workspace(assistant, **workspace))) as url:
        driver.get(url + path)
        yield Browser(driver)
        driver.get("about:blank")
