"""Checks for `youju doctor` of what is known of the chat model: its licence, its context, and whether it thinks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from api.cli.finding import Finding
from api.settings import Settings
from assistant.models.from_settings import first_alone, open_model
from assistant.models.suited import found_at
from assistant.models.template import template_always_thinks
from assistant.models.thinking import thinks_always
from assistant.qwen.find import Found, Missing, find, find_by_name
from assistant.qwen.registry import Model
from ingest.errors import YoujuError

if TYPE_CHECKING:
    from assistant.models.server import ServerChatModel

_SURE = ("run", "read")
_NOT_SURE = " This is not from a primary source."


def look_at_model_facts(settings: Settings) -> Iterator[Finding]:
    """Yields what the registry says of the chat model, and nothing if there is none."""
    name, found = _named(settings)
    if not name:
        return
    if isinstance(found, Found):
        if found.how == "base":
            yield _untrained(found.model, name)
        yield _licence(found, name)
        yield _context(found.model, settings)
    else:
        hint = "Read the licence of the model yourself, and set YOUJU_MODEL_CONTEXT_TOKENS to its context."
        yield Finding("model licence", "note", found.message[:600], hint)
    if always := _always_thinks(found.model if isinstance(found, Found) else None, name, settings):
        yield always


def _named(settings: Settings) -> tuple[str, Found | Missing]:
    """Returns the name of the model, and what it stands for, by the name or by what the model server says of it."""
    name = settings.model or ""
    found = find(name)
    if isinstance(found, Found) or settings.model_url is None:
        return name, found
    try:
        name, behind = asyncio.run(_asked(settings))
    except YoujuError:  # the check of the model server says it
        return name, found
    return (name, replace(behind, how="tuned")) if behind else (name, find_by_name(name))


async def _asked(settings: Settings) -> tuple[str, Found | None]:
    """Returns the name of the model on the server, or its only one, and the model behind it."""
    model: ServerChatModel = open_model(first_alone(settings), hub=False)  # type: ignore[assignment]  # model_url is set
    try:
        identity = await model.identified()
    finally:
        await model.aclose()
    return model.model, found_at(model.model, identity)


def _untrained(model: Model, name: str) -> Finding:
    hint = f"It goes on with a text in place of answering. Take {model.name}, if that is not what it is."
    return Finding("model kind", "note", f"{name[:200]} is by its name a model that was not trained to chat", hint)


def _licence(found: Found, name: str) -> Finding:
    model, licence = found.model, found.model.licence
    who = model.name if found.how in ("id", "name") else f"{name[:200]}, as {model.name}"
    detail = f"{who}: {licence.name}"
    others = sorted({other.licence.name for other in found.others} - {licence.name})
    if others:
        names = " or ".join(other.name for other in found.others)
        detail += f", or, if it is {names}, {' or '.join(others)}"
    if not licence.bites and not others:
        return Finding("model licence", "ok", detail)
    marks = (model.confidence_of("licence"), licence.doubts.get("clause", licence.confidence))
    unsure = _NOT_SURE if any(mark not in _SURE for mark in marks) else ""
    return Finding("model licence", "note", detail, licence.clause + unsure)


def _context(model: Model, settings: Settings) -> Finding:
    taken = settings.model_context_tokens
    if model.context is None:
        return Finding("model context", "ok", f"the context of {model.name} is not known")
    if taken is None or taken <= model.context:
        setting = "is not set" if taken is None else f"is {taken:,}"
        detail = f"{model.name} has {model.context:,} tokens; YOUJU_MODEL_CONTEXT_TOKENS {setting}"
        return Finding("model context", "ok", detail)
    detail = f"YOUJU_MODEL_CONTEXT_TOKENS is {taken:,}, and {model.name} has a context of {model.context:,} tokens"
    unsure = "" if model.confidence_of("context") in _SURE else _NOT_SURE
    if model.longest is not None and taken <= model.longest:
        hint = f"It reaches {model.longest:,} by {model.extension}: see that the model server has it switched on."
        return Finding("model context", "note", detail, hint + unsure)
    hint = f"Set it to {model.longest:,} at most, and to what the model server was started with."
    return Finding("model context", "note" if unsure else "bad", detail, hint + unsure)


def _always_thinks(model: Model | None, name: str, settings: Settings) -> Finding | None:
    folder = Path(name).expanduser()
    in_process = settings.model_url is None and folder.is_dir()
    if in_process:
        always, why = template_always_thinks(folder), "its template begins every answer with thinking"
    else:
        always = model.thinks_always if model is not None else thinks_always(name)
        why = "it always thinks"
    if not always:
        return None
    detail = f"{model.name if model else name[:200]}: {why}, which is never shown, and which every asker waits for"
    hint = "Take a model that does not: `youju models never` lists some. Or raise YOUJU_MODEL_MAX_TOKENS to 8192."
    return Finding("model thinking", "note", detail, hint)
