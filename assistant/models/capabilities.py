"""The fields that each kind of OpenAI-compatible server understands beyond the common ones, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

ServerKind = Literal["auto", "vllm", "sglang", "ollama", "llamacpp", "lmdeploy", "transformers", "dashscope", "openai"]

_TEMPLATE_SWITCH = {"chat_template_kwargs": {"enable_thinking": False}}
# Qwen recommends these values for answers without thinking. The temperature is set elsewhere. There is no presence
# penalty, because it would punish the second [1] and every quoted term.
_QWEN_SAMPLING = {"top_p": 0.8, "top_k": 20}


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The capabilities of one kind of server.

    `thinking_off` has the fields of the request body that stop the model from thinking aloud. `sampling` has the fields
    that are sent with the temperature, because the defaults of servers differ. `stream_usage` is True if the request
    must ask for the usage. If a server still refuses a field, the field is left out.
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
    # This server answers 422 to fields that it does not know (top_k), and always ends its stream with the usage.
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
    """Returns the capabilities of a kind of server. For `auto`, the address decides. If it says nothing, the result is
    the safe minimum.
    """
    if kind == "auto":
        address = urlsplit(url)
        host = address.hostname or ""
        named = (server for domain, server in _HOSTED.items() if host == domain or host.endswith("." + domain))
        kind = next(named, "ollama" if address.port == 11434 else "auto")
    return _SERVERS[kind]
