"""The whole of it: documents that were ingested, the server, and questions in DingTalk chats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from api.app import create_app
from api.settings import Settings
from api.workspace import Workspace
from ingest.document import Reference
from ingest.sources import NOTHING_KNOWN
from tests.fake_dingtalk import FakeDingTalk

DOCUMENTS = {
    "休假制度.md": ("# 休假制度\n\n## 年假\n\n员工入职满一年后，每年享有 12 天带薪年假。", "everyone"),
    "expenses.md": ("# Expenses\n\n## Taxis\n\nTaxi receipts are refunded up to 80 yuan per trip.", "everyone"),
    "董事会.md": ("# 董事会纪要\n\n并购项目代号为蓝鲸，预算三亿元。", "group:board"),
    "项目群.md": ("# 项目群纪要\n\n项目群的上线日期定在九月二十日。", "group:dingtalk:cidFAKE=="),
}


class Listed:
    """A source whose documents have access rules."""

    name = "listed"

    def references(self, known: Mapping[str, str] = NOTHING_KNOWN) -> Iterator[Reference]:
        for uri, (text, access) in DOCUMENTS.items():
            content = text.encode()
            yield Reference(self.name, uri, uri, len(content), 1, content=content, access=(access,))

    def covers(self, uri: str) -> bool:
        return True

    def fetch(self, reference: Reference, folder: Path) -> Reference:
        return reference


@pytest.fixture
def client(ding: FakeDingTalk, tmp_path: Path) -> Iterator[TestClient]:
    settings = Settings(
        home=tmp_path / "home",
        dingtalk_client_id=ding.client_id,
        dingtalk_client_secret=SecretStr(ding.client_secret),
        dingtalk_stream=True,
        dingtalk_http=True,
        dingtalk_api_base=ding.base,
        dingtalk_oapi_base=ding.base,
    )
    workspace = Workspace.open(settings, command="test")
    try:
        assert workspace.ingestor.run(Listed()).failed == 0
        with TestClient(create_app(workspace), base_url="http://127.0.0.1:8000") as client:
            ding.wait(lambda: ding.connections)
            yield client
    finally:
        workspace.close()


@pytest.mark.slow
def test_chats_are_answered_from_the_documents_that_everyone_in_them_may_read(
    ding: FakeDingTalk, client: TestClient
) -> None:
    chinese = ding.single("入职满一年有几天年假？")
    english = ding.single("How much is refunded for taxi receipts?")
    secret = ding.single("并购项目的代号是什么？")
    in_group, elsewhere = ding.message("项目群的上线日期是哪天？"), ding.single("项目群的上线日期是哪天？")
    forged = client.post("/dingtalk/callback", json=ding.message("你好"), headers=ding.signed(secret="guessed"))
    assert (forged.status_code, forged.json()["error"]["code"]) == (401, "dingtalk_signature_wrong")
    ding.push(chinese)
    ding.push(chinese)
    for message in (chinese, english, secret, in_group, elsewhere):
        response = client.post("/dingtalk/callback", json=message, headers=ding.signed())
        assert (response.status_code, response.json()) == (200, {"msgtype": "empty"})
    ding.wait(lambda: len(ding.sent) >= 5, seconds=60)

    (told,) = ding.shown(chinese)
    assert "12 天" in told
    assert "**来源**\n\n- [1] 休假制度" in told
    (told,) = ding.shown(english)
    assert "80 yuan" in told
    assert "**Sources**\n\n- [1] Expenses" in told
    assert "九月二十日" in ding.shown(in_group)[0]
    for message in (secret, elsewhere):
        (told,) = ding.shown(message)
        assert "蓝鲸" not in told
        assert "九月" not in told
    assert len(ding.sent) == 5
