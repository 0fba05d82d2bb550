"""The chain: condense → retrieve → refuse or gather the evidence → stream → cite → finish."""

from __future__ import annotations

import asyncio
import logging
import os
import uuid
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Protocol, TypeVar

from assistant.adherence import Adherence
from assistant.admission import Admission
from assistant.checking.meaning import Meaning
from assistant.cite import Checked, Citer
from assistant.condense import condense
from assistant.conversation import Conversation
from assistant.events import (
    Change,
    Citation,
    Event,
    EvidenceFound,
    Failed,
    Finished,
    Nearest,
    Searched,
    TextDelta,
    Usage,
)
from assistant.gather import Asked, Gate, Gathered, Gatherer
from assistant.introduction import HasHoldings, introduction
from assistant.models import ChatModel, Described
from assistant.models.extractive import MODEL as EXTRACTIVE
from assistant.nearest import nearest
from assistant.prompts.answer_language import answer_locale
from assistant.prompts.refusals import REFUSALS
from assistant.refuse import is_refusal
from assistant.request import AnswerLanguage, Locale, language_of
from assistant.retrieve import Retrieved
from assistant.second_search import SecondSearch
from assistant.settings import AssistantSettings
from assistant.small_talk import Kind, small_talk
from assistant.usage import Stopwatch, ToldByModel
from ingest.access import Reader
from ingest.errors import RequestError, YoujuError
from ingest.language import detect

T = TypeVar("T")

logger = logging.getLogger(__name__)

_READERS = 1
"""So many threads read chunks. More would do no more work at once, because Python runs one thread at a time, and each
that runs makes the searches wait for its turn."""
_CROSSING = 2
"""So many threads check citations across languages. They mostly wait for the embedder."""
_CUT = (
    "prompt_cut",
    "The model server cut the prompt without a word, rules and best evidence first. Its answer is not to be used.",
    "Give it a larger context window (Ollama: let YOUJU_MODEL_URL end in /api, or set OLLAMA_CONTEXT_LENGTH), or lower "
    "YOUJU_MODEL_CONTEXT_TOKENS to the one that it has.",
)
_NO_WORDS = (
    "model_empty",
    "The chat model named passages, and said nothing.",
    "Ask again, or in other words. Very small models do this; a larger one answers.",
)
_DESCRIBING_SECONDS = 1.0
_FITTINGS = 2
"""So many times a prompt is made again if the model's own tokenizer counts more than the estimate."""


class Retrieves(Protocol):
    """Finds the passages that a reader may read. It blocks, so it is called from threads that do nothing else."""

    def retrieve(self, query: str, *, reader: Reader, limit: int) -> Retrieved:
        """Returns the best `limit` hits, the best one first."""
        ...


class Assistant:
    """Answers questions from the documents. One assistant serves many askers at the same time."""

    def __init__(
        self,
        retriever: Retrieves,
        gate: Gate,
        model: ChatModel,
        settings: AssistantSettings,
        holdings: HasHoldings | None = None,
        meaning: Meaning | None = None,
        good: Gate | None = None,
    ) -> None:
        """Without `holdings`, replies to small talk do not say what there is to search. Without `meaning`, citations
        across languages are checked by their figures alone. `good` is a gate with a higher line: for hits below it the
        question is searched for again in the model's words. Without it, that is done only for what `gate` refuses.
        """
        self._retriever = retriever
        self._gatherer = Gatherer(gate, settings, good)
        self._holdings = holdings
        self._meaning = meaning
        # A search that is asked for alone does not wait behind the searches of answers.
        self._searching = ThreadPoolExecutor(_searches(), thread_name_prefix="search")
        self._retrieving = ThreadPoolExecutor(_retrievals(model), thread_name_prefix="retrieval")
        self._reading = ThreadPoolExecutor(_READERS, thread_name_prefix="reading")
        # Checks that wait for the embedder, so that those of other answers do not wait for them.
        self._crossing = ThreadPoolExecutor(_CROSSING, thread_name_prefix="crossing")
        self._model = model
        self._settings = settings
        self._admission = Admission(settings.answers_at_once, settings.answers_waiting)
        self._second = SecondSearch(model, self._admission, settings.second_search_seconds)

    async def answer(
        self, question: str, conversation: Conversation, reader: Reader, page: Locale | None = None
    ) -> AsyncGenerator[Event, None]:
        """Yields the events of one answer, in the order that `assistant.events` draws. Closing the iterator stops the
        model. `page` is the language of the page that was asked on, for a question that has none.

        Raises RequestError (`question_empty`, `question_too_long`), UnavailableError (`too_many_questions`) and the
        errors of retrieval. All of them are raised before the first event. If the model fails, the stream ends with
        `Failed`, after the evidence.
        """
        question = self._checked(question)
        said = small_talk(question, first=not conversation)
        with self._admission.place():
            answered = (
                self._introduced(said, question, conversation, reader)
                if said
                else self._answered(question, conversation, reader, page)
            )
            async with aclosing(answered) as events:
                async for event in events:
                    yield event

    async def _answered(
        self, question: str, conversation: Conversation, reader: Reader, page: Locale | None
    ) -> AsyncGenerator[Event, None]:
        answer_id = uuid.uuid4().hex
        watch = Stopwatch()
        query = await self._condensed(question, conversation)
        watch.lap("condense")
        found = await self._retrieve(self._retrieving, query, 2 * self._settings.evidence_limit, reader=reader)
        watch.lap("retrieve")
        query = found.query
        question = _mended(question, found.changed)
        locale = answer_locale(question, conversation, page)
        language = language_of(locale)
        found, gathered = await self._answerable(Asked(question, query, locale, conversation), found, reader, watch)
        yield Searched(answer_id, query, found.language, len(found.hits), found.changed)
        if gathered is None:
            near = await self._read(partial(nearest, query, found.hits))
            for event in self._fixed(answer_id, REFUSALS[locale], language, watch, near=near):
                yield event
            return
        yield EvidenceFound(gathered.request.evidence)
        citer = Citer(gathered.request.evidence, f"{question}\n{query}", self._meaning)
        told, adherence = ToldByModel(gathered.tokens, may_be_cut=gathered.may_be_cut), Adherence(self._model, locale)
        try:
            async with self._admission.model(), aclosing(adherence.stream(gathered.request)) as pieces:
                async for piece in pieces:
                    told.take(piece)
                    for event in await self._passed(citer, partial(citer.feed, piece.text), piece.text):
                        watch.first("first_token")
                        yield event
        except YoujuError as error:
            for event in await self._passed(citer, citer.finish):
                yield event
            logger.warning("The answer %s ends early (%s): %s", answer_id, error.code, error.message)
            yield Failed(error.code, error.message, error.hint, getattr(error, "retry_seconds", None))
            return
        for event in await self._passed(citer, citer.finish):
            watch.first("first_token")
            yield event
        if told.was_cut or not citer.text.strip():
            yield Failed(*(_CUT if told.was_cut else _NO_WORDS))
            return
        refused = not citer.citations and is_refusal(citer.text)
        near = await self._read(partial(nearest, query, found.hits)) if refused else ()
        yield replace(
            self._finished(answer_id, citer.text, language, watch, tuple(citer.citations), told, near, refused=refused),
            strayed=adherence.strayed,
            unsupported=() if refused else tuple(citer.unsupported),
        )

    async def _gathered(self, asked: Asked, found: Retrieved) -> Gathered | None:
        """Returns the request to the model, or None if the hits do not answer.

        It fits into the model's context window. If the estimate of its tokens is near to the limit, the model's own
        tokenizer counts them, where it is at hand.
        """
        try:
            described = await asyncio.wait_for(self._model.described(), _DESCRIBING_SECONDS)
        except TimeoutError:  # a server that is down must not hold up the evidence
            described = Described()
        gather = partial(self._gatherer.gather, asked, found, described)
        gathered, shrunk = await self._read(gather), 1.0
        for _ in range(_FITTINGS):
            if gathered is None or not gathered.is_near:
                return gathered
            counted = await self._model.count_tokens(gathered.request.messages)
            if counted is None or counted <= gathered.room:
                return replace(gathered, tokens=counted or gathered.tokens)
            shrunk *= gathered.room / counted
            gathered = await self._read(partial(gather, shrunk=shrunk))
        return gathered

    async def _answerable(
        self, asked: Asked, found: Retrieved, reader: Reader, watch: Stopwatch
    ) -> tuple[Retrieved, Gathered | None]:
        """Returns what was found and the request to the model, or None if it does not answer.

        If the first search answers poorly, the question is searched for in a model's words, too. If that is no better,
        what the question itself found stays, and it is only said what was searched for.
        """
        first = await self._gathered(asked, found)
        if (first is not None and not first.is_poor) or not self._second.is_on:
            return found, first
        search = partial(self._retrieve, self._retrieving, reader=reader)
        again = await self._second.after(found, search, 2 * self._settings.evidence_limit)
        second = await self._gathered(asked, again) if again is not found else None
        watch.lap("second_search")
        if second is None or (second.is_poor and first is not None):
            return replace(found, changed=again.changed), first
        return again, second

    async def _introduced(
        self, said: Kind, question: str, conversation: Conversation, reader: Reader
    ) -> AsyncGenerator[Event, None]:
        """Yields the reply to small talk. It needs no search and no model."""
        answer_id, watch = uuid.uuid4().hex, Stopwatch()
        is_chinese = detect(question) in ("zh", "mixed")
        language = "zh" if is_chinese else language_of(answer_locale(question, conversation))
        # It is short SQL, as other routes do it, and needs no thread of its own.
        held = await asyncio.to_thread(self._holdings.of, reader) if self._holdings is not None else None
        yield Searched(answer_id, question, language, 0)
        text = introduction(said, question, language, held, self._settings.company)
        for event in self._fixed(answer_id, text, language, watch, small_talk=True):
            yield event

    async def search(self, query: str, *, reader: Reader, limit: int) -> Retrieved:
        """Returns the hits alone, the best one first. Raises RequestError like `answer`."""
        return await self._retrieve(self._searching, self._checked(query), limit, reader=reader)

    async def aclose(self) -> None:
        """Close the model and the threads. Whoever opened the retriever closes it."""
        for executor in (self._searching, self._retrieving, self._reading, self._crossing):
            executor.shutdown(wait=False, cancel_futures=True)
        if self._meaning is not None:
            self._meaning.close()
        await self._model.aclose()

    @property
    def model_name(self) -> str:
        """The model's name, as answers state it."""
        return self._model.model

    @property
    def is_model_away(self) -> bool:
        """True while the model server is away. Questions get their evidence all the same."""
        return self._model.is_away

    def _checked(self, question: str) -> str:
        question = question.strip()
        longest = self._settings.question_chars
        if not question:
            raise RequestError("question_empty", "The question is empty.", "Send the question as text.")
        if len(question) > longest:
            raise RequestError(
                "question_too_long",
                f"The question has {len(question)} characters; at most {longest} are allowed.",
                "Shorten it, or upload the text as a document and ask about that.",
            )
        return question

    async def _condensed(self, question: str, conversation: Conversation) -> str:
        if not conversation:
            return question
        async with self._admission.model():
            return await condense(self._model, question, conversation)

    async def _retrieve(self, threads: ThreadPoolExecutor, query: str, limit: int, *, reader: Reader) -> Retrieved:
        work = partial(self._retriever.retrieve, query, reader=reader, limit=limit)
        return await asyncio.get_running_loop().run_in_executor(threads, work)

    async def _read(self, work: Callable[[], T]) -> T:
        """Returns the result of work that reads chunks. It takes milliseconds of Python, so the streams of other askers
        go on beside it.
        """
        return await asyncio.get_running_loop().run_in_executor(self._reading, work)

    async def _passed(self, citer: Citer, work: Callable[[], Iterable[Checked]], delta: str = "") -> list[Checked]:
        """Returns the events of one piece of the model's text, or of what was held back at its end. Only markers need a
        comparison with chunks.
        """
        if citer.is_plain(delta):
            return list(work())
        threads = self._crossing if self._meaning is not None and citer.crosses else self._reading
        return await asyncio.get_running_loop().run_in_executor(threads, lambda: list(work()))

    def _fixed(
        self,
        answer_id: str,
        text: str,
        language: AnswerLanguage,
        watch: Stopwatch,
        *,
        near: tuple[Nearest, ...] = (),
        small_talk: bool = False,
    ) -> Iterator[Event]:
        """Yields the rest of an answer in our own words: a refusal, or a reply to small talk."""
        yield EvidenceFound(())
        yield TextDelta(text)
        finished = self._finished(answer_id, text, language, watch, near=near, refused=not small_talk)
        yield replace(finished, small_talk=small_talk)

    def _finished(
        self,
        answer_id: str,
        text: str,
        language: AnswerLanguage,
        watch: Stopwatch,
        citations: tuple[Citation, ...] = (),
        told: ToldByModel | None = None,
        near: tuple[Nearest, ...] = (),
        *,
        refused: bool,
    ) -> Finished:
        watch.first("first_token")
        return Finished(
            answer_id=answer_id,
            answer=text,
            citations=citations,
            language=language,
            grounded=any(citation.support == "checked" for citation in citations),
            refused=refused,
            model=(told and told.model) or self._model.model,
            usage=told.counted(text) if told else Usage(),
            timings_ms=watch.total(),
            cut=told is not None and told.cut,
            nearest=near,
        )


def _mended(question: str, changed: Sequence[Change]) -> str:
    """Returns the question with the changes of its spelling. What was only searched for stays as the asker wrote it."""
    for change in changed:
        if change.kind in ("spelling", "pinyin"):
            question = question.replace(change.written, change.searched)
    return question


def _searches() -> int:
    """Returns how many searches run at the same time: two for each core, at least 4 and at most 32.

    There are more searches than cores, because some of them wait for servers.
    """
    return min(32, max(4, 2 * (os.cpu_count() or 1)))


def _retrievals(model: ChatModel) -> int:
    """Returns how many answers search at the same time.

    Without a chat model each answer keeps a core busy until its end. One core is left to everything else: more answers
    at once would be no faster, and whoever searches would wait behind them for the interpreter's lock.
    """
    return max(1, (os.cpu_count() or 1) - 1) if model.model == EXTRACTIVE else _searches()
