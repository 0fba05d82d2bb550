"""What each kind of OpenAI-compatible server understands beyond the common core, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

ServerKind = Literal["auto", "vllm", "sglang", "ollama", "llamacpp", "lmdeploy", "transformers", "dashscope", "openai"]

_TEMPLATE_SWITCH = {"chat_template_kwargs": {"enable_thinking": False}}
# Qwen's own advice for answers without thinking, temperature apart. No presence penalty: it would punish
# the second [1] and every quoted term.
_QWEN_SAMPLING = {"top_p": 0.8, "top_k": 20}


@dataclass(frozen=True, slots=True)
class Capabilities:
    """One kind of server.

    `thinking_off` is what the request body needs so that the model does not think aloud; `sampling` what is sent
    beside the temperature, because a server's own defaults differ; `stream_usage` says that usage must be asked
    for. A field that the server refuses all the same is left out.
    """

    thinking_off: Mapping[str, Any] = field(default_factory=dict)
    sampling: Mapping[str, Any] = field(default_factory=lambda: {"top_p": 0.8})
    stream_usage: bool = True


_SERVERS: Mapping[ServerKind, Capabilities] = {
    "auto": Capabilities(_TEMPLATE_SWITCH),
    "vllm": Capabilities(_TEMPLATE_SWITCH, _QWEN_SAMPLING),
    "sglang": Capabilities(_TEMPLATE_SWITCH, _QWEN_SAMPLING),
    "ollama": Capabilities({"reasoning_effort": "none"}),
    "llamacpp": Capabilities(_TEMPLATE_SWITCH, _QWEN_SAMPLING),
    "lmdeploy": Capabilities(_TEMPLATE_SWITCH, _QWEN_SAMPLING),
    # Answers 422 to fields it does not know (top_k), and always ends its stream with usage.
    "transformers": Capabilities(_TEMPLATE_SWITCH, stream_usage=False),
    "dashscope": Capabilities({"enable_thinking": False}),
    "openai": Capabilities(),
}
_HOSTED: Mapping[str, ServerKind] = {
    "aliyuncs.com": "dashscope",
    "modelscope.cn": "dashscope",
    "api.openai.com": "openai",
}


def capabilities_of(kind: ServerKind, url: str) -> Capabilities:
    """The record of a kind of server; for `auto`, what the address gives away, else the safe minimum."""
    if kind == "auto":
        address = urlsplit(url)
        host = address.hostname or ""
        named = (server for domain, server in _HOSTED.items() if host == domain or host.endswith("." + domain))
        kind = next(named, "ollama" if address.port == 11434 else "auto")
    return _SERVERS[kind]
