"""Keeps the beginning of prompts that does not change: the rules are computed once, and not for every question.

Only the system message is kept, which has the same rules for everybody. Nothing of a question, of its evidence or of
the turns before it is kept.
"""

from __future__ import annotations

import copy
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

_KEPT = 2
"""So many beginnings are kept: that of answers and that of rewritten questions. The rules may take 100 MB of memory on
models without grouped heads, so those of a second language take the place of the one that was used longest ago."""
_SHORTEST = 16
_STEP = 512
"""So many tokens are read at a time, so that a reading that nobody waits for any more can be stopped."""


def reads_in_parts(model: Any) -> bool:
    """Returns True for the models for which it is known that a prompt can be read in parts: those of Qwen."""
    return str(model.config.model_type).startswith("qwen")


class PrefixCache:
    """What a model has computed of the rules. It belongs to one model, and one thread uses it at a time."""

    def __init__(self, tokenizer: Any, model: Any) -> None:
        self._tokenizer = tokenizer
        self._model = model
        self._lengths: OrderedDict[str, tuple[int, ...]] = OrderedDict()
        self._kept: OrderedDict[tuple[int, ...], Any] = OrderedDict()

    def read(self, ids: Any, messages: Sequence[Mapping[str, str]], stopped: threading.Event) -> Any | None:
        """Returns the cache of a prompt that has been read up to its last token, which the generation reads.

        Returns None if `stopped` was set meanwhile.
        """
        from transformers import DynamicCache

        prompt = ids[0].tolist()
        rules = self._rules(messages)
        if len(rules) < _SHORTEST or len(rules) >= len(prompt) or tuple(prompt[: len(rules)]) != rules:
            return self._go_on(ids, DynamicCache(config=self._model.config), 0, len(prompt) - 1, stopped)
        cache = self._kept.get(rules)
        if cache is None:
            cache = self._go_on(ids, DynamicCache(config=self._model.config), 0, len(rules), stopped)
            if cache is None:
                return None
            self._kept[rules] = cache
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(rules)
        # A cache grows with what is read, and some layers overwrite their state, so each answer has its own.
        return self._go_on(ids, copy.deepcopy(cache), len(rules), len(prompt) - 1, stopped)

    def _go_on(self, ids: Any, cache: Any, start: int, end: int, stopped: threading.Event) -> Any | None:
        for at in range(start, end, _STEP):
            if stopped.is_set():
                return None
            part = ids[:, at : min(at + _STEP, end)]
            self._model(input_ids=part, past_key_values=cache, use_cache=True, logits_to_keep=1)
        return None if stopped.is_set() else cache

    def _rules(self, messages: Sequence[Mapping[str, str]]) -> tuple[int, ...]:
        """Returns the tokens with which every prompt with this system message begins. There are none if the first
        message is no system message.

        Where they end is not asked of the template: they are what two prompts with different questions share.
        """
        if not messages or messages[0]["role"] != "system":
            return ()
        text = messages[0]["content"]
        if text not in self._lengths:
            one, other = (self._begun(text, question) for question in ("a", "0"))
            same = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
            self._lengths[text] = tuple(token for token, _ in same)
            while len(self._lengths) > 2 * _KEPT:
                self._lengths.popitem(last=False)
        return self._lengths[text]

    def _begun(self, rules: str, question: str) -> list[int]:
        said = [{"role": "system", "content": rules}, {"role": "user", "content": question}]
        encoded = self._tokenizer.apply_chat_template(
            said, add_generation_prompt=True, enable_thinking=False, return_dict=True
        )
        ids: list[int] = encoded["input_ids"]
        return ids
