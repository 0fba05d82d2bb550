"""What tests of the faces begin with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fake_dingtalk import FakeDingTalk


@pytest.fixture
def ding() -> Iterator[FakeDingTalk]:
    """DingTalk, on this machine."""
    with FakeDingTalk() as fake:
        yield fake
