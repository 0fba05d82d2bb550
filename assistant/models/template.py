"""Whether the chat template of a model on this machine begins every answer with thinking."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from assistant.models.thinking import OPENING

_LARGEST_CHARS = 2**20
_CONVERSATION = [[{"role": "system", "content": "Answer."}, {"role": "user", "content": "Hello"}]]

logger = logging.getLogger(__name__)


def template_always_thinks(folder: Path) -> bool:
    """Returns True if the prompt that this folder's template makes ends inside the thinking, although it is told that
    there is to be none. A folder without a template that can be rendered does not.
    """
    template = _template(folder)
    if template is None:
        return False
    from transformers.utils.chat_template_utils import render_jinja_template

    try:
        (prompt,), _ = render_jinja_template(
            _CONVERSATION, chat_template=template, add_generation_prompt=True, enable_thinking=False
        )
    except Exception as error:  # a template is a program, and may fail in any way
        logger.debug("The chat template of %s cannot be rendered: %s", folder, type(error).__name__)
        return False
    return str(prompt).rstrip().endswith(OPENING)


def _template(folder: Path) -> str | None:
    """Returns the folder's chat template: a file of its own, or an entry of tokenizer_config.json."""
    try:
        own = folder / "chat_template.jinja"
        if own.is_file():
            return own.read_text(encoding="utf-8")[:_LARGEST_CHARS]
        stored: Any = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))["chat_template"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    if isinstance(stored, list):  # several templates with names
        named = {each.get("name"): each.get("template") for each in stored if isinstance(each, dict)}
        stored = named.get("default")
    return stored[:_LARGEST_CHARS] if isinstance(stored, str) else None
