"""Second search: where the first one answers poorly, a chat model words the query in the other language and in other
words, and both are searched for, too.

    first search ──► good? ──► evidence
                       └► no ──► one short call ─────────► two searches at once ──► merged ──► good? ──► evidence
                                 the first search, wider ────────────────────────────┘           └► no: the first hits

A good first search costs nothing here: no call is made, and none is made ahead. What the model says is
data. A line that is not of the form that was asked for is ignored, and what is left is searched for as the same reader.
Whatever fails, or takes too long, leaves the first result as it is.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from assistant.admission import Admission
from assistant.events import Change, ChangeKind
from assistant.links import BARE_ADDRESS
from assistant.models import ChatModel, complete
from assistant.prompts.fences import neutralise
from assistant.prompts.messages import second_search_messages
from assistant.request import AnswerLanguage, Request
from assistant.retrieve import FUSION_DEPTH, Retrieved, Worded
from ingest.document import Language, Signals
from ingest.errors import YoujuError
from ingest.language import detect, fold

logger = logging.getLogger(__name__)

_LONGEST_TOKENS = 128
_LONGEST_QUERY = 200
"""A longer query says enough, and would not fit twice into so few tokens. In characters."""
_LONGER, _ENGLISH_OF_CHINESE = 3, 6
"""A wording has at most so many times the characters of the query. An English word takes up six, a Chinese one less
than two."""
_SHORT = 120
"""So many characters are never too many."""
_LINE = re.compile(
    r"[ \t]*(?:[-*•][ \t]*|\d{1,2}[.)、][ \t]*)?"
    r"(?:(?P<translation>英文|英语|english|chinese|中文)|(?P<rewording>换词|other words))[ \t]*[:：](?P<text>[^\n]*)",
    re.IGNORECASE,
)
_IN_OTHER_WORDS = 0.9
"""The weight of what other words find. Measured with good wordings and with bad ones (docs/decisions/0026)."""
_QUOTES = " \t\r\"'“”‘’「」*"
_NOT_IN_QUERY = re.compile(r"[<>\[\]{}|`\\\x00-\x1f]")
"""Brackets, bars and code are no words of a question. Links, images, tags and control tokens consist of them."""
_OWN: dict[AnswerLanguage, frozenset[Language]] = {"zh": frozenset(("zh", "mixed")), "en": frozenset(("en",))}
_OTHER: dict[AnswerLanguage, AnswerLanguage] = {"zh": "en", "en": "zh"}

Search = Callable[[str, int], Awaitable[Retrieved]]
"""Searches for a query as one reader: the query, and how many hits are wanted."""


@dataclass(frozen=True, slots=True)
class Wording:
    """A query as the model worded it: in the other language, or in other words."""

    kind: ChangeKind
    text: str


class SecondSearch:
    """Searches again in the words of a chat model, for at most `seconds` of waiting for it. With 0 it never does."""

    def __init__(self, model: ChatModel, admission: Admission, seconds: float) -> None:
        self._model = model
        self._admission = admission
        self._seconds = seconds if model.follows_instructions else 0.0

    @property
    def is_on(self) -> bool:
        """True if the model is asked at all. One that only quotes cannot be."""
        return self._seconds > 0

    async def after(self, found: Retrieved, search: Search, limit: int) -> Retrieved:
        """Returns what was found first, with `limit` hits of each search in other words. It is `found` itself if there
        is none.

        It raises nothing but a cancellation, which ends the call and does not wait for the searches.
        """
        if not self._may_ask(found.query):
            return found
        # The wider search is needed only if the model says something fit, but then it is already there.
        wordings, wide = await asyncio.gather(
            self._worded(found.query), _searched(search(found.query, max(limit, FUSION_DEPTH)))
        )
        results = await asyncio.gather(*(_searched(search(wording.text, limit)) for wording in wordings))
        others = [(wording, other) for wording, other in zip(wordings, results, strict=True) if other is not None]
        return merged(found, wide or found, others) if others else found

    def _may_ask(self, query: str) -> bool:
        """Returns True if the query has words, and the model is there and need not be waited for."""
        is_short = len(query) <= _LONGEST_QUERY and _language(query) is not None
        return is_short and not self._model.is_away and not self._admission.is_full

    async def _worded(self, query: str) -> tuple[Wording, ...]:
        """Returns the query in the model's words. There are none if it fails, is too slow, or says nothing fit."""
        language = _language(query) or "en"
        messages = second_search_messages(query, language)
        request = Request(messages, query, language, temperature=0.0, max_tokens=_LONGEST_TOKENS)
        try:
            async with asyncio.timeout(self._seconds), self._admission.model():
                said = await complete(self._model, request)
        except (YoujuError, TimeoutError) as error:
            logger.info("The model did not word the query in another way: %s", str(error) or "it was too slow")
            return ()
        known = "\n".join(message.text for message in messages)
        return wordings_in(said, query, language, known)


async def _searched(searching: Awaitable[Retrieved]) -> Retrieved | None:
    """Returns what a search finds, or None if it fails: there is a first result without it."""
    try:
        return await searching
    except Exception as error:
        logger.warning("A second search failed: %s", error)
        return None


def wordings_in(said: str, query: str, language: AnswerLanguage, known: str = "") -> tuple[Wording, ...]:
    """Returns the queries in a model's reply: the first fit line of each kind. All else in it is ignored.

    A line is fit if it is in the language that its kind has for a query in `language`, is not far longer than the
    query, says something else than it and than the other line, has nothing that no query has, and is none of the lines
    in `known`, the request, of which small models repeat the example.
    """
    fit: dict[ChangeKind, str] = {}
    seen = {_plain(query), *(_plain(match["text"]) for match in _labelled(known))}
    for match in _labelled(said):
        kind: ChangeKind = "translation" if match["translation"] else "rewording"
        text = match["text"].strip(_QUOTES)
        wanted = _OTHER[language] if kind == "translation" else language
        longest = max((_ENGLISH_OF_CHINESE if (language, wanted) == ("zh", "en") else _LONGER) * len(query), _SHORT)
        if kind in fit or not _is_query(text, longest) or detect(text) not in _OWN[wanted]:
            continue
        if _plain(text) not in seen:
            seen.add(_plain(text))
            fit[kind] = text
    return tuple(Wording(kind, text) for kind, text in fit.items())


def _labelled(said: str) -> Iterator[re.Match[str]]:
    return filter(None, map(_LINE.fullmatch, said.splitlines()))


def _is_query(text: str, longest: int) -> bool:
    """Returns True if a text may be searched for and shown: a short line, without an address or a control token."""
    return (
        0 < len(text) <= longest
        and not (_NOT_IN_QUERY.search(text) or BARE_ADDRESS.search(text))
        and neutralise(text) == text
    )


def _language(query: str) -> AnswerLanguage | None:
    """Returns the language that a query is worded in, or None if it has no words of one."""
    detected = detect(query)
    return next((language for language, own in _OWN.items() if detected in own), None)


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", fold(text)).lower()


def merged(found: Retrieved, wide: Retrieved, others: Sequence[tuple[Wording, Retrieved]]) -> Retrieved:
    """Returns one ranking of what all searches found, each chunk once, as many hits as the longest of them has.

    The score of a chunk is its best one; that in other words counts a little less. The scores of all searches are on
    one scale (`assistant.retrieve.fuse`). The signals stay those for the question: `wide` is what it finds if more is
    asked for. `Retrieved.worded` has those for the words for which a chunk stands out most.
    """
    used = [(wording, other) for wording, other in others if other.embedder == found.embedder]
    best = {hit.chunk.id: hit for hit in found.hits}
    signals = {hit.chunk.id: hit.signals for hit in (*wide.hits, *found.hits)}
    worded: dict[str, Worded] = {}
    for _, other in used:
        for hit in other.hits:
            key, score = hit.chunk.id, _IN_OTHER_WORDS * hit.score
            if key not in best or score > best[key].score:
                best[key] = replace(hit, score=score, signals=signals.get(key))
            if hit.signals is not None and (key not in worded or _above(hit.signals) > _above(worded[key].signals)):
                worded[key] = Worded(other.query, hit.signals)
    hits = sorted(best.values(), key=lambda hit: -hit.score)
    most = max(len(found.hits), *(len(other.hits) for _, other in used)) if used else len(hits)
    changed = (Change(wording.kind, found.query, other.query) for wording, other in used)
    return replace(found, hits=tuple(hits[:most]), changed=(*found.changed, *changed), worded=worded)


def _above(signals: Signals) -> float:
    return signals.above_background
