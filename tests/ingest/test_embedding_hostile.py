"""An embedding server that answers with more than anybody wants."""

from __future__ import annotations

import pytest

from tests.hostile_server import PACKED, bomb, hostile_server
from tests.ingest.peak_memory import peak_mb

_IMPORTS = """
import httpx, ssl
from ingest.embedding.remote import RemoteEmbedder
from ingest.errors import YoujuError

def embedder(url):
    return RemoteEmbedder(url + "/v1", "any", timeout_seconds=30)

embedder("http://127.0.0.1:1")
"""
_ASK = """
try:
    embedder(sys.argv[1]).embed_documents(["a", "b"])
except YoujuError as error:
    answer = [error.code, len(str(error)) < 500]
"""


@pytest.mark.parametrize(
    ("status", "code"),
    [(200, "embedding_server_failed"), (404, "embedding_server_refused"), (400, "embedding_refused")],
)
@pytest.mark.parametrize("is_packed", [True, False])
def test_neither_a_packed_answer_nor_an_endless_one_is_kept(status: int, code: str, is_packed: bool) -> None:
    body, headers, times = (bomb(), PACKED, 1) if is_packed else (b" " * (1 << 20), {}, 200)
    with hostile_server(body, status=status, headers=headers, times=times) as (url, asked):
        answer, megabytes = peak_mb(_IMPORTS, _ASK, url)
    assert answer == [code, True]
    assert megabytes < 24
    assert asked[0]["accept-encoding"] == "identity"


def test_an_answer_nested_without_end_is_none() -> None:
    with hostile_server(b"[" * 100_000) as (url, _):
        answer, _ = peak_mb(_IMPORTS, _ASK, url)
    assert answer == ["embedding_server_failed", True]
