"""Condense: a follow-up question and the turns before it become one query that stands alone."""

from __future__ import annotations

import asyncio
import logging
import re

from assistant.conversation import Conversation, Turn
from assistant.follow_up import completed
from assistant.models import ChatModel, complete
from assistant.prompts.answer_language import answer_language
from assistant.prompts.messages import condense_messages
from assistant.request import Request
from ingest.errors import YoujuError

logger = logging.getLogger(__name__)

_TURNS = 6
_LONGEST_TOKENS = 128
_PATIENCE_SECONDS = 20
_LABEL = re.compile(r"^(?:改写(?:后的问题)?|问题|rewritten(?: question)?|question)\s*[:：]\s*", re.IGNORECASE)


async def condense(model: ChatModel, question: str, conversation: Conversation) -> str:
    """Returns the standalone query. It is `question` itself if that opens the conversation.

    A rewrite is not used if it is empty, far longer than the question, or in another language. Without a rewrite, and
    where no model can make one, the question is completed from the turns before it (`follow_up.completed`).
    """
    if not conversation:
        return question
    rewritten = await _rewritten(model, question, conversation) if model.follows_instructions else None
    if rewritten is not None:
        return rewritten
    # The first question that is completed loads the dictionary, which takes about half a second.
    return await asyncio.to_thread(completed, question, conversation)


async def _rewritten(model: ChatModel, question: str, conversation: Conversation) -> str | None:
    """Returns the model's rewrite of the question, or None if it is of no use."""
    language = answer_language(question, conversation)
    messages = condense_messages(question, language, conversation[-_TURNS:])
    request = Request(messages, question, language, temperature=0.0, max_tokens=_LONGEST_TOKENS)
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            said = await complete(model, request)
    except (YoujuError, TimeoutError) as error:
        logger.warning("The model did not rewrite the follow-up question: %s", error or "the model was too slow")
        return None
    rewritten = _first_line(said)
    if not rewritten or len(rewritten) > max(3 * len(question), 80):
        return None
    # A rewrite that is only a name or a code has the language of what it stands for.
    if answer_language(rewritten, (*conversation, Turn("user", question))) != language:
        return None
    logger.debug("Condensed a question of %d characters to %d", len(question), len(rewritten))
    return rewritten


def _first_line(text: str) -> str:
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return _LABEL.sub("", line).strip(" \"'“”「」")
