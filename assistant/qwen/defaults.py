"""What the registry decides where a setting does not: the context window and the sampling of the chat model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from assistant.qwen.find import Found, find
from assistant.qwen.registry import Model, Sampling

if TYPE_CHECKING:  # `youju models` needs the figures alone, and pydantic would be a third of its time
    from assistant.settings import AssistantSettings

UNKNOWN_CONTEXT: Final = 8192
"""Tokens of context of a model that is not known."""
MOST_CONTEXT: Final = 16_384
"""No more tokens are taken unasked. The evidence and some turns fit in, and a server is seldom started with less."""
_TEMPERATURE: Final = 0.2


def model_of(settings: AssistantSettings) -> Model | None:
    """Returns the Qwen model that the settings name, or None if they name none that is known."""
    return _named(settings.model)


def usual_context(name: str | None) -> int:
    """Returns the context window that suits a model of this name, in tokens: its own, up to a sensible size."""
    model = _named(name)
    if model is None or model.context is None:
        return UNKNOWN_CONTEXT
    return min(model.context, MOST_CONTEXT)


def context_tokens(settings: AssistantSettings) -> int:
    """Returns the context window to work with, in tokens: the setting, or the model's, up to a sensible size."""
    if settings.model_context_tokens is not None:
        return settings.model_context_tokens
    return usual_context(settings.model)


def temperature(settings: AssistantSettings) -> float:
    """Returns the temperature for answers: the setting, or what suits the model."""
    if settings.model_temperature is not None:
        return settings.model_temperature
    suited = grounded(settings).temperature
    return _TEMPERATURE if suited is None else suited


def grounded(settings: AssistantSettings) -> Sampling:
    """Returns the sampling for grounded answers that suits the model. It is empty for a model that is not known."""
    model = model_of(settings)
    return model.series.grounded if model else Sampling()


def _named(name: str | None) -> Model | None:
    found = find(name) if name else None
    return found.model if isinstance(found, Found) else None
