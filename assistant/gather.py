"""Gather: which evidence and which earlier turns the model is given. The prompt fits into its context window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from assistant.context import available_tokens, choose_evidence, estimate_tokens, recent_turns
from assistant.conversation import Conversation
from assistant.models import Described
from assistant.prompts.messages import answer_messages
from assistant.qwen.defaults import context_tokens, temperature
from assistant.request import Locale, Request, language_of
from assistant.retrieve import NOT_WORDED, Retrieved, Worded
from assistant.settings import AssistantSettings
from ingest.document import Hit

_HISTORY_SHARE = 3
"""Earlier turns may take at most one third of the tokens that the context window has left."""
_LARGEST_WINDOW = 32_768
"""More is used only if a setting says so. A longer prompt makes every model slower and less exact."""
_NEAR = 0.7
"""An estimate that takes less than this share of the room cannot be wrong by so much that the prompt does not fit."""


class Gate(Protocol):
    """Decides whether the model is asked at all. It takes milliseconds and is called from threads."""

    def __call__(
        self, query: str, hits: Sequence[Hit], *, embedder: str, worded: Mapping[str, Worded] = NOT_WORDED
    ) -> bool:
        """Returns True if these hits, the best one first, may answer the query.

        `embedder` is the name of the embedder that made the cosines (`ingest.embedding.Embedder.name`). Cosines of
        different embedders are on different scales. `worded` is `Retrieved.worded`.
        """
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, its standalone query, the language and script of its answer, and the turns before it."""

    question: str
    query: str
    locale: Locale
    conversation: Conversation


@dataclass(frozen=True, slots=True)
class Gathered:
    """The request to the model, and the tokens of its messages, which are estimated unless the model counted them.

    `room` is how many tokens they may take in the context window. `is_near` is True if they take so much of it by the
    estimate that it takes an exact count to know that they fit. `may_be_cut` is True if the model may cut them.
    `is_poor` is True if it is worth while to search again in other words.
    """

    request: Request
    tokens: int
    room: int
    is_near: bool
    may_be_cut: bool
    is_poor: bool


class Gatherer:
    """Makes the request to the model from what was found. It computes, and is called from threads."""

    def __init__(self, gate: Gate, settings: AssistantSettings, good: Gate | None = None) -> None:
        """`good` is the gate that hits must pass not to be poor. Without it, none are."""
        self._gate = gate
        self._good = good
        self._settings = settings
        self._temperature = temperature(settings)

    def gather(self, asked: Asked, found: Retrieved, described: Described, *, shrunk: float = 1.0) -> Gathered | None:
        """Returns the request to the model, or None if the hits do not answer.

        The context window is the smaller of what the settings and the model say. If neither says it, it is what is
        known of the model. `shrunk` is the share of it that is used, if the estimate of a prompt was too low. Earlier
        turns get at most a third of the room that is left in it. The evidence gets the rest, but at most
        `evidence_tokens`.
        """
        settings, own = self._settings, described.window_tokens
        stated = settings.model_context_tokens
        window = (
            min(stated, own or stated) if stated else min(own, _LARGEST_WINDOW) if own else context_tokens(settings)
        )
        window = int(window * shrunk)
        bare = answer_messages(asked.question, asked.locale, company=settings.company)
        room = available_tokens(window, settings.model_max_tokens, [message.text for message in bare])
        turns = recent_turns(asked.conversation, room // _HISTORY_SHARE)
        room -= sum(estimate_tokens(turn.text) for turn in turns)
        evidence = choose_evidence(
            found.hits,
            limit=settings.evidence_limit,
            budget_tokens=min(room, settings.evidence_tokens),
            query=asked.query,
        )
        # The gate judges what would be answered from, so that no passage is read twice.
        judged = partial(_passes, asked.query, [item.hit for item in evidence], found)
        if not judged(self._gate):
            return None
        is_poor = self._good is not None and not judged(self._good)
        messages = answer_messages(asked.question, asked.locale, evidence, turns, settings.company)
        request = Request(
            messages,
            asked.question,
            language_of(asked.locale),
            evidence,
            self._temperature,
            settings.model_max_tokens,
            asked.query,
        )
        tokens = sum(estimate_tokens(message.text) for message in messages)
        most = window - min(settings.model_max_tokens, window // 2)
        return Gathered(request, tokens, most, tokens > _NEAR * most, described.cuts, is_poor)


def _passes(query: str, hits: Sequence[Hit], found: Retrieved, gate: Gate) -> bool:
    return gate(query, hits, embedder=found.embedder, worded=found.worded)
