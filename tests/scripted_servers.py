"""What each kind of chat server says of itself, and a real HTTP server on loopback that says it.

`LLAMACPP` was recorded from llama.cpp's own server, with a Qwen2.5 of half a billion parameters. The others follow the
documentation and the sources of those servers: they have not been seen live.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Pages = Mapping[str, Any]
"""The JSON at each path, or a number for an error with this status. A function gets the body of a POST."""

_REST = {"object": "model", "created": 1795841783}


def _listed(*entries: Mapping[str, Any]) -> dict[str, Any]:
    return {"object": "list", "data": [{**_REST, **entry} for entry in entries]}


VLLM: Pages = {
    "/v1/models": _listed(
        {"id": "Qwen/Qwen3-8B", "owned_by": "vllm", "root": "Qwen/Qwen3-8B", "parent": None, "max_model_len": 32768},
        {"id": "hr", "owned_by": "vllm", "root": "/adapters/hr", "parent": "Qwen/Qwen3-8B", "max_model_len": None},
    ),
    "/version": {"version": "0.33.0"},
    "/tokenize": lambda body: {"count": 7 * len(body["messages"]), "max_model_len": 32768, "tokens": [1] * 7},
}
SGLANG: Pages = {
    "/v1/models": _listed(
        {"id": "Qwen/Qwen3-8B", "owned_by": "sglang", "root": "Qwen/Qwen3-8B", "parent": None, "max_model_len": 40960}
    ),
}
SGLANG_BEHIND_A_GATEWAY: Pages = {
    "/v1/models": _listed({"id": "qwen", "owned_by": "gateway"}),
    "/get_server_info": {"model_path": "Qwen/Qwen3-8B", "version": "0.5.23"},
}
OLLAMA_LOADED: Pages = {
    "/v1/models": _listed({"id": "qwen3:8b", "owned_by": "library"}),
    "/api/version": {"version": "0.33.0"},
    "/api/ps": {"models": [{"name": "qwen3:8b", "model": "qwen3:8b", "context_length": 16384}]},
}
OLLAMA_WITH_A_MODELFILE: Pages = {
    "/v1/models": _listed(
        {"id": "qwen3:latest", "owned_by": "library"}, {"id": "llama3:latest", "owned_by": "library"}
    ),
    "/api/ps": {"models": []},
    "/api/show": lambda body: {
        "parameters": 'stop                           "<|im_end|>"\nnum_ctx                        12288',
        "model_info": {"qwen3.context_length": 40960},
        "details": {"family": "qwen3", "parent_model": body["model"]},
    },
}
OLLAMA_BY_DEFAULT: Pages = {
    "/v1/models": _listed({"id": "qwen3:8b", "owned_by": "library"}),
    "/api/ps": {"models": []},
    "/api/show": {"model_info": {"qwen3.context_length": 40960}},
}
_TAGS = {"models": [{"name": "qwen3:8b", "model": "qwen3:8b", "size": 5225388164, "details": {"family": "qwen3"}}]}
_SHOWN = {"model_info": {"general.architecture": "qwen3", "qwen3.context_length": 40960}, "capabilities": ["thinking"]}
OLLAMA_NATIVE: Pages = {"/api/tags": _TAGS, "/api/ps": {"models": []}, "/api/show": _SHOWN}
OLLAMA_NATIVE_LOADED: Pages = {
    **OLLAMA_NATIVE,
    "/api/ps": {"models": [{"name": "qwen3:8b", "model": "qwen3:8b", "context_length": 32768}]},
}
OLLAMA_NATIVE_WITH_A_MODELFILE: Pages = {**OLLAMA_NATIVE_LOADED, "/api/show": {**_SHOWN, "parameters": "num_ctx 6144"}}
OLLAMA_NATIVE_OF_A_SMALL_MODEL: Pages = {
    **OLLAMA_NATIVE,
    "/api/show": {"model_info": {"general.architecture": "qwen3", "qwen3.context_length": 2048}},
}
OPEN_WEBUI: Pages = {"/api/models": _listed({"id": "qwen", "owned_by": "gateway"}), "/api/version": {"version": "0.6"}}
"""An OpenAI-compatible server whose address ends as that of Ollama's own interface."""
LLAMACPP: Pages = {
    "/v1/models": {
        "models": [{"name": "qwen2.5.gguf", "model": "qwen2.5.gguf", "capabilities": ["completion"]}],
        "object": "list",
        "data": [
            {
                "id": "qwen2.5.gguf",
                "aliases": ["qwen2.5.gguf"],
                "tags": [],
                "object": "model",
                "created": 1795841783,
                "owned_by": "llamacpp",
                "meta": {"vocab_type": 2, "n_vocab": 151936, "n_ctx": 4096, "n_ctx_train": 32768, "n_embd": 896},
            }
        ],
    },
    "/props": {"default_generation_settings": {"params": {"top_k": 40}, "n_ctx": 4096}, "total_slots": 2},
    "/apply-template": lambda body: {
        "prompt": "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in body["messages"])
        + "<|im_start|>assistant\n"
    },
    "/tokenize": lambda body: {"tokens": list(range(len(body["content"]) // 2))},
}
LMDEPLOY: Pages = {"/v1/models": _listed({"id": "Qwen/Qwen3-8B", "owned_by": "lmdeploy", "root": "Qwen/Qwen3-8B"})}
OPENVINO: Pages = {
    "/v3/models": 404,
    "/v2": {"name": "OpenVINO Model Server", "version": "2026.4", "extensions": []},
}
TENSORRT: Pages = {"/v1/models": _listed({"id": "Qwen3-8B", "owned_by": "tensorrt_llm"})}
TRANSFORMERS: Pages = {"/v1/models": 500, "/health": {"status": "ok"}}
"""It answers the list of models with an error on a machine without a cache of a hub."""
PLAIN: Pages = {"/v1/models": _listed({"id": "qwen"})}


@contextmanager
def saying(pages: Pages) -> Iterator[tuple[str, list[str]]]:
    """A server with these pages: its address without a path, and the list of what it is asked, as it grows."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Stay silent."""

        def do_GET(self) -> None:
            self._answer(pages.get(self.path, 404))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            page = pages.get(self.path, 404)
            self._answer(page(body) if callable(page) else page)

        def _answer(self, page: Any) -> None:
            asked.append(f"{self.command} {self.path}")
            self.send_response(page if isinstance(page, int) else 200)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps({"error": "no"} if isinstance(page, int) else page).encode())

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
