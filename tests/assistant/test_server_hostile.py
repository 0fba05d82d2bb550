"""A model server that answers with more than anybody wants."""

from __future__ import annotations

import pytest

from tests.hostile_server import PACKED, bomb, hostile_server
from tests.ingest.peak_memory import peak_mb

_IMPORTS = """
import asyncio
from assistant.errors import ModelError
from assistant.models import complete
from assistant.models.from_settings import open_model
from assistant.request import Message, Request
from assistant.settings import AssistantSettings

async def ask(url):
    model = open_model(AssistantSettings(model="qwen", model_url=f"{url}/v1"), hub=False)
    try:
        return await complete(model, Request((Message("user", "now"),)))
    except ModelError as error:
        return [error.code, len(str(error)) < 600]
    finally:
        await model.aclose()

asyncio.run(ask("http://127.0.0.1:1"))
"""
_ASK = "answer = asyncio.run(ask(sys.argv[1]))"


@pytest.mark.parametrize(
    ("status", "code"), [(200, "model_protocol"), (500, "model_rejected"), (422, "model_rejected")]
)
@pytest.mark.parametrize("is_packed", [True, False])
def test_neither_a_packed_answer_nor_a_line_without_end_is_kept(status: int, code: str, is_packed: bool) -> None:
    body, headers, times = (bomb(), PACKED, 1) if is_packed else (b"data: x" * (1 << 17), {}, 200)
    with hostile_server(body, status=status, headers=headers, times=times) as (url, asked):
        answer, megabytes = peak_mb(_IMPORTS, _ASK, url)
    assert answer == [code, True]
    assert megabytes < 24
    assert asked[0]["accept-encoding"] == "identity"


def test_a_message_may_hold_what_separates_lines_elsewhere() -> None:
    event = 'data: {"choices": [{"delta": {"content": "a\u2028b\u0085c"}}]}\r\n\r\ndata: [DONE]\r\n\r\n'
    with hostile_server(event.encode()) as (url, _):
        answer, _ = peak_mb(_IMPORTS, _ASK, url)
    assert answer == "a\u2028b\u0085c"
