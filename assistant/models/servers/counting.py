"""Has a server count the tokens of a prompt with the model's own tokenizer and chat template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assistant.models.servers.asking import Asks, root_of
from assistant.models.servers.kinds import Server


async def count_tokens(
    ask: Asks, url: str, server: Server, model: str, messages: Sequence[Mapping[str, str]]
) -> int | None:
    """Returns how many tokens the messages take, with the beginning of the answer. Returns None if a server of this
    kind does not count, or did not. Raises what `ask` raises.
    """
    root = root_of(url)
    if server.counting == "vllm":
        body = {"model": model, "messages": messages, "add_generation_prompt": True, **server.thinking_off}
        return _count(await _said(ask, f"{root}/tokenize", body), "count")
    if server.counting == "llamacpp":
        written = await _said(ask, f"{root}/apply-template", {"messages": messages, **server.thinking_off})
        prompt = written.get("prompt")
        if not isinstance(prompt, str):
            return None
        # The template has written the control tokens as text.
        body = {"content": prompt, "add_special": True, "parse_special": True}
        tokens = (await _said(ask, f"{root}/tokenize", body)).get("tokens")
        return len(tokens) if isinstance(tokens, list) else None
    return None


async def _said(ask: Asks, address: str, body: Mapping[str, object]) -> Mapping[str, object]:
    said = await ask(address, body)
    return said.data if said.status == 200 and isinstance(said.data, dict) else {}


def _count(said: Mapping[str, object], name: str) -> int | None:
    value = said.get(name)
    return value if isinstance(value, int) and value > 0 else None
