"""The in-process chat model, with a tiny random Qwen3: protocol, streaming, token counts and stopping are real."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from assistant.errors import ModelError
from assistant.models import stream
from assistant.models.from_settings import open_model
from assistant.models.local import LocalChatModel
from assistant.models.server import ServerChatModel
from assistant.request import Message, Request
from assistant.settings import AssistantSettings
from ingest.errors import ConfigurationError
from tests.tiny_qwen import build_tiny_qwen

MESSAGES = (Message("system", "只依据资料回答。"), Message("user", "年假有几天？"))
AS_TUPLES = [(message.role, message.text) for message in MESSAGES]
_TRIES = 5
"""A machine that is busy makes one try slow, and not each of them."""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_qwen(tmp_path_factory.mktemp("models") / "tiny-qwen3")


@pytest.fixture(scope="module")
def model(tiny: Path) -> LocalChatModel:
    opened = open_model(AssistantSettings(model=str(tiny)), hub=False)
    assert isinstance(opened, LocalChatModel)
    return opened


async def collect(model: Any, messages: tuple[Message, ...] = MESSAGES, **options: Any) -> tuple[list[str], Any]:
    pieces, usage = [], None
    try:
        async for piece in stream(model, Request(messages, **options)):
            pieces += [piece.text] if piece.text else []
            usage = piece.usage or usage
    finally:
        if isinstance(model, ServerChatModel):
            await model.aclose()
    return pieces, usage


def test_a_local_model_streams_and_counts_its_tokens(model: LocalChatModel, tiny: Path) -> None:
    from transformers import AutoTokenizer

    pieces, usage = asyncio.run(collect(model, max_tokens=24, temperature=0.0))
    prompt = AutoTokenizer.from_pretrained(tiny).apply_chat_template(
        [{"role": "system", "content": "只依据资料回答。"}, {"role": "user", "content": "年假有几天？"}],
        add_generation_prompt=True,
        enable_thinking=False,
        return_dict=False,
    )
    assert model.model == "tiny-qwen3"
    assert len(pieces) > 1
    assert usage.prompt_tokens == len(prompt)
    assert 0 < usage.completion_tokens <= 24


def test_greedy_answers_are_the_same_twice_also_without_streaming(model: LocalChatModel) -> None:
    pieces, _ = asyncio.run(collect(model, max_tokens=12, temperature=0.0))
    whole = model.invoke(AS_TUPLES, max_tokens=12, temperature=0.0)
    assert whole.content == "".join(pieces)


def test_an_answer_ends_as_cut_only_where_the_limit_of_tokens_ended_it(model: LocalChatModel) -> None:
    async def reason(model: LocalChatModel, limit: int) -> str:
        pieces = [piece async for piece in stream(model, Request(MESSAGES, max_tokens=limit, temperature=0.0))]
        return str(pieces[-1].finish)

    assert asyncio.run(reason(model, 12)) == "length"
    assert model.invoke(AS_TUPLES, max_tokens=12, temperature=0.0).response_metadata["finish_reason"] == "length"


def test_a_model_that_ends_its_answer_itself_does_not_cut_it(tiny: Path) -> None:
    model = LocalChatModel.open(str(tiny), hub=False)
    _, loaded, _ = model._load()
    first = loaded.generate(**_prompt(model), max_new_tokens=5, do_sample=False)[0, -1]
    loaded.generation_config.eos_token_id = [int(first)]
    whole = model.invoke(AS_TUPLES, max_tokens=5, temperature=0.0)
    assert whole.response_metadata["finish_reason"] == "stop"


def _prompt(model: LocalChatModel) -> Any:
    tokenizer, *_ = model._load()
    messages = [{"role": "system", "content": "只依据资料回答。"}, {"role": "user", "content": "年假有几天？"}]
    return tokenizer.apply_chat_template(
        messages, add_generation_prompt=True, enable_thinking=False, return_tensors="pt", return_dict=True
    )


@pytest.mark.parametrize("name", ["tiny-qwen3", "Tiny-Thinking"])
def test_the_template_and_not_the_name_says_whether_a_local_model_begins_with_thinking(tiny: Path, name: str) -> None:
    model = LocalChatModel(model=name, path=str(tiny))
    pieces, _ = asyncio.run(collect(model, max_tokens=12, temperature=0.0))
    assert pieces, "it does not think, whatever its name says"
    tokenizer, *_ = model._load()
    tokenizer.chat_template = tokenizer.chat_template.replace("<think>\\n\\n</think>\\n\\n", "<think>\\n")
    with pytest.raises(ModelError) as caught:
        asyncio.run(collect(model, max_tokens=12, temperature=0.0))
    assert caught.value.code == "model_empty", "what it says is thinking, which never closes"


def test_closing_the_stream_stops_the_generation(model: LocalChatModel) -> None:
    async def leave_early() -> float:
        async with aclosing(stream(model, Request(MESSAGES, max_tokens=4000, temperature=0.9))) as pieces:
            async for piece in pieces:
                if piece.text:
                    break
            started = time.perf_counter()
        return time.perf_counter() - started

    assert any(asyncio.run(leave_early()) < 2.0 for _ in range(_TRIES))
    # The lock is free again: the thread has ended.
    pieces, _ = asyncio.run(asyncio.wait_for(collect(model, max_tokens=4, temperature=0.0), 5))
    assert pieces


def test_a_cancelled_answer_stops_the_generation(model: LocalChatModel) -> None:
    async def cancel() -> float:
        task = asyncio.create_task(collect(model, max_tokens=4000, temperature=0.9))
        await asyncio.sleep(0.3)
        started = time.perf_counter()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.perf_counter() - started

    assert any(asyncio.run(cancel()) < 2.0 for _ in range(_TRIES))


def test_two_answers_at_a_time_take_turns_and_both_finish(model: LocalChatModel) -> None:
    async def both() -> list[tuple[list[str], Any]]:
        return await asyncio.gather(*(collect(model, max_tokens=8, temperature=0.0) for _ in range(2)))

    first, second = asyncio.run(both())
    assert first[0] == second[0]


def test_answers_that_wait_hold_no_thread_that_others_need(model: LocalChatModel) -> None:
    async def crowd() -> bool:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(2))
        asked = [asyncio.create_task(collect(model, max_tokens=4000, temperature=0.9)) for _ in range(4)]
        await asyncio.sleep(0.3)
        searched = await asyncio.wait_for(asyncio.to_thread(lambda: not asked[-1].done()), 5)
        asked[-1].cancel()  # it has not had its turn, and need not wait for it
        await asyncio.wait_for(asyncio.gather(asked[-1], return_exceptions=True), 5)
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        return searched

    assert asyncio.run(crowd())


def test_closing_the_model_ends_the_answers_that_wait(tiny: Path) -> None:
    async def close() -> list[Any]:
        model = LocalChatModel.open(str(tiny), hub=False)
        asked = [asyncio.create_task(collect(model, max_tokens=200, temperature=0.0)) for _ in range(2)]
        await asyncio.sleep(0.1)
        await model.aclose()
        return [*await asyncio.gather(*asked, collect(model), return_exceptions=True)]

    first, waiting, late = asyncio.run(close())
    assert first[0]
    assert isinstance(waiting, ModelError)
    assert isinstance(late, ModelError)
    assert waiting.code == late.code == "model_closed"


def test_a_name_that_is_no_folder_needs_the_hub() -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_model(AssistantSettings(model="Qwen/Qwen3-0.6B"), hub=False)
    assert caught.value.code == "model_not_found"
    assert "YOUJU_HUB" in caught.value.hint


def test_a_folder_without_a_model_is_a_clear_error(tmp_path: Path) -> None:
    broken = open_model(AssistantSettings(model=str(tmp_path)), hub=False)
    with pytest.raises(ModelError) as caught:
        asyncio.run(collect(broken))
    assert caught.value.code == "model_not_loaded"
