"""What tests of the faces begin with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome

from tests.api.chat_page import chromium
from tests.fake_dingtalk import FakeDingTalk


@pytest.fixture
def ding() -> Iterator[FakeDingTalk]:
    """DingTalk, on this machine."""
    with FakeDingTalk() as fake:
        yield fake


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """A real browser. Only tests with `needs_browser` may ask for it."""
    opened = chromium(tmp_path_factory.mktemp("chromium"))
    yield opened
    opened.quit()
