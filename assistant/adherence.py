"""Whether an answer is in the language that was asked for. The beginning decides, before anything is shown.

Models answer in the language of the evidence, or in the one that they were trained in most. If the first characters are
in another language than the question asks for, the model is asked once more, with a stronger order at the end of the
prompt. The second answer is shown as it comes.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from assistant.models import ChatModel, stream
from assistant.prompts.messages import insisting
from assistant.request import Locale, Piece, Request
from ingest.errors import YoujuError
from ingest.language import script_counts

logger = logging.getLogger(__name__)

_HELD_CHARS = 40
"""So many characters of text are enough to judge. A beginning that is clearly right is shown sooner."""
_HELD_SECONDS = 3.0
"""A slow model's beginning is held no longer than until the first piece after this time."""
_PATIENCE_SECONDS = 20.0
"""If the first answer took longer than this to begin, the asker does not wait for a second one."""
_CLEAR_WORDS = 4
"""So many words of a language are enough to know that the answer is in it, if there is none of the other."""
_HAN_PER_WORD = 1.5
_ENGLISH_OPENING = re.compile(
    r"\W{0,4}(?:According|After|All|An|Any|As|At|Based|Before|By|Each|Every|For|From|If|In|It|No|On|Only|Our|That|The|"
    r"There|These|They|This|To|Under|We|When|With|Within|Yes|You|Your)[ ,]"
)
_CHINESE_OPENING = re.compile(
    r"\W{0,4}(?:根[据據]|按照|依[照据據]|[对對][于於]|如果|可以|[应應][当當该該]|需要|不[能可会會需得]|是的|您|你)"
)
"""Words with which a sentence begins in one language only: no answer names a thing by them. They are clear at once, and
most answers begin with one. In capitals they may be names (IT), and a single letter may be one in any language."""

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_WORD = re.compile(r"[A-Za-z\u00c0-\u024f]{2,}")
_ALIKE = re.compile(
    r"“[^”\n]{0,200}”|「[^」\n]{0,200}」|《[^》\n]{0,200}》|\"[^\"\n]{0,200}\"|`[^`\n]{0,200}`|[\[［【][^\]］】\n]{0,40}[\]］】]|"
    r"[A-Za-z0-9_]{0,60}(?:[/\\._:=@-][A-Za-z0-9_]{1,60}){1,40}|[A-Za-z]{0,20}\d[A-Za-z0-9]{0,40}"
)
"""Matches what stays as it is in every language: quotations, code, marks, addresses, codes."""


class Adherence:
    """Streams one answer, and asks again once if it begins in another language than `locale`.

    `asked_again` is True if the model was asked a second time. `strayed` is True if the answer that is shown begins in
    another language all the same.
    """

    def __init__(self, model: ChatModel, locale: Locale) -> None:
        self.asked_again = False
        self.strayed = False
        self._model = model
        self._locale = locale

    async def stream(self, request: Request) -> AsyncGenerator[Piece, None]:
        """Yields the pieces of the answer. Closing the generator stops the model. Raises the errors of the model.

        A model that does not follow instructions quotes, so its language is that of the documents.
        """
        if not self._model.follows_instructions:
            async with aclosing(stream(self._model, request)) as pieces:
                async for piece in pieces:
                    yield piece
            return
        async with aclosing(self._first(request)) as pieces:
            async for piece in pieces:
                yield piece
        if self.asked_again:
            logger.info("The answer began in another language than %s, and is asked for again", self._locale)
            again = replace(request, messages=insisting(request.messages, self._locale))
            async with aclosing(self._second(again)) as pieces:
                async for piece in pieces:
                    yield piece
        if self.strayed:
            logger.warning("The model does not answer in %s, though it was told to", self._locale)

    async def _first(self, request: Request) -> AsyncGenerator[Piece, None]:
        """Yields the answer, unless it begins in another language. Then it yields nothing."""
        held: list[Piece] = []
        judged = False
        began = time.monotonic()
        first = began
        async with aclosing(stream(self._model, request)) as pieces:
            try:
                async for piece in pieces:
                    if judged:
                        yield piece
                        continue
                    first = first if held else time.monotonic()
                    held.append(piece)
                    said = "".join(each.text for each in held)
                    late = time.monotonic() - first > _HELD_SECONDS
                    if not late and len(said.strip()) < _HELD_CHARS and not is_clearly(said, self._locale):
                        continue
                    judged = True
                    if self._is_refused(said, began):
                        return
                    for each in held:
                        yield each
            except YoujuError:
                for each in held if not judged else ():
                    yield each
                raise
        if judged or self._is_refused("".join(each.text for each in held), began):
            return
        for each in held:
            yield each

    def _is_refused(self, said: str, began: float) -> bool:
        """Judges the beginning of the first answer. Returns True if the model is to be asked again."""
        if not is_other(said, self._locale):
            return False
        self.asked_again = time.monotonic() - began <= _PATIENCE_SECONDS
        self.strayed = not self.asked_again
        return self.asked_again

    async def _second(self, request: Request) -> AsyncGenerator[Piece, None]:
        said = ""
        async with aclosing(stream(self._model, request)) as pieces:
            async for piece in pieces:
                if len(said) < _HELD_CHARS:
                    said += piece.text
                yield piece
        self.strayed = is_other(said, self._locale)


def is_clearly(said: str, locale: Locale) -> bool:
    """Returns True if a beginning is in this language, so that no more of it has to be waited for."""
    han, words = _counted(said)
    if locale == "en":  # the last word may be unfinished
        return not han and (words > _CLEAR_WORDS or _ENGLISH_OPENING.match(said) is not None)
    traditional, simplified = script_counts(said)
    told = traditional > simplified if locale == "zh-Hant" else simplified > traditional
    enough = han >= _CLEAR_WORDS * _HAN_PER_WORD or _CHINESE_OPENING.match(said) is not None
    return told and enough and han / _HAN_PER_WORD > 2 * words


def is_other(said: str, locale: Locale) -> bool:
    """Returns True if a text is in another language or script than it should be. What says too little is in none."""
    han, words = _counted(said)
    if locale == "en":
        return han / _HAN_PER_WORD >= max(1, 2 * words)
    if not han:
        return words >= _CLEAR_WORDS
    traditional, simplified = script_counts(_ALIKE.sub(" ", said))
    other, own = (simplified, traditional) if locale == "zh-Hant" else (traditional, simplified)
    return other > 1 and other > 2 * own


def _counted(said: str) -> tuple[int, int]:
    """Returns the Chinese characters and the words in Latin letters of a text, without what is alike everywhere."""
    bare = _ALIKE.sub(" ", said)
    return len(_HAN.findall(bare)), len(_WORD.findall(bare))
