"""A model server that is away is not waited for, and is found again when it is back."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Any

import pytest

from assistant.errors import ModelBusyError, ModelError, ModelRejectedError, ModelTimeoutError, ModelUnavailableError
from assistant.events import Event, EvidenceFound, Failed
from assistant.models import complete
from assistant.models.circuit import Circuit
from assistant.models.server import ServerChatModel
from assistant.request import Request
from ingest.access import OPERATOR
from tests.assistant.test_answer import assistant
from tests.assistant.test_server import MESSAGES, opened
from tests.chat_models import run
from tests.fake_openai_server import FakeOpenAIServer, Reply

AWAY = ModelUnavailableError("model_unreachable", "It cannot be reached.")
SILENT = ModelTimeoutError("model_silent", "It was silent.")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def circuit() -> tuple[Circuit, Clock]:
    clock = Clock()
    return Circuit(failures=3, first_seconds=5, longest_seconds=15, clock=clock), clock


def tried(circuit: Circuit, outcome: BaseException | None = None) -> str:
    """The code of the error that a try ends with, or nothing."""
    try:
        with circuit.attempt() as attempt:
            if outcome is not None:
                raise outcome
            attempt.heard()
    except ModelError as error:
        return error.code
    return ""


@pytest.mark.parametrize("failure", [AWAY, SILENT])
def test_failures_in_a_row_open_the_circuit_and_one_answer_closes_it(failure: ModelError) -> None:
    one, clock = circuit()
    assert [tried(one, failure) for _ in range(4)] == [failure.code] * 3 + ["model_down"]
    clock.now += 4.9
    assert tried(one) == "model_down"
    clock.now += 0.2
    assert [tried(one), tried(one, failure), tried(one)] == ["", failure.code, ""]


def test_failures_that_are_not_in_a_row_do_not_open_it() -> None:
    one, _ = circuit()
    outcomes = [AWAY, AWAY, None, AWAY, SILENT, None]
    assert [bool(tried(one, outcome)) for outcome in outcomes] == [outcome is not None for outcome in outcomes]
    assert not one.is_open


@pytest.mark.parametrize(
    "error",
    [
        ModelRejectedError("model_context_exceeded", "Too long."),
        ModelRejectedError("model_unauthorized", "No."),
        ModelBusyError("model_busy", "Later."),
        ModelTimeoutError("model_slow", "Too slow to the end."),
    ],
)
def test_an_error_of_a_single_request_shows_that_the_server_lives(error: ModelError) -> None:
    one, _ = circuit()
    assert {tried(one, error) for _ in range(9)} == {error.code}
    assert [tried(one, outcome) for outcome in (AWAY, AWAY, error, AWAY, AWAY)] == [
        "model_unreachable",
        "model_unreachable",
        error.code,
        "model_unreachable",
        "model_unreachable",
    ]
    assert not one.is_open


def test_it_opens_for_longer_each_time_up_to_a_limit_and_begins_anew_after_an_answer() -> None:
    one, clock = circuit()
    for _ in range(3):
        tried(one, AWAY)
    for seconds in (5, 10, 15, 15):
        with pytest.raises(ModelUnavailableError) as caught, one.attempt():
            pass
        assert caught.value.retry_seconds == seconds
        clock.now += seconds
        assert tried(one, AWAY) == "model_unreachable"
    clock.now += 15
    assert tried(one) == ""
    assert [tried(one, AWAY) for _ in range(4)][-1] == "model_down"
    clock.now += 5
    assert tried(one) == ""


def test_one_at_a_time_tries_whether_the_server_is_back() -> None:
    one, clock = circuit()
    for _ in range(3):
        tried(one, AWAY)
    clock.now += 5
    with one.attempt() as probe:
        assert tried(one) == "model_down"
        probe.heard()
        assert tried(one) == "", "it answers, so the others need not wait for the end of that answer"
    assert not one.is_open


@pytest.mark.parametrize("left", [GeneratorExit(), asyncio.CancelledError()])
def test_a_try_that_is_left_says_nothing_and_the_next_one_may_try(left: BaseException) -> None:
    one, clock = circuit()
    for _ in range(3):
        tried(one, AWAY)
    clock.now += 5
    with pytest.raises(type(left)), one.attempt():
        raise left
    assert tried(one, AWAY) == "model_unreachable"
    assert one.is_open


def test_an_answer_that_falls_silent_after_its_first_word_opens_it_again() -> None:
    one, clock = circuit()
    for _ in range(3):
        tried(one, AWAY)
    clock.now += 5
    attempt = one.attempt()
    attempt.__enter__().heard()
    assert not attempt.__exit__(ModelTimeoutError, SILENT, None)
    assert one.is_open


def test_many_failures_at_the_same_time_open_it_once() -> None:
    one, clock = circuit()
    together = [one.attempt() for _ in range(50)]
    for attempt in together:
        attempt.__enter__()
    for attempt in together:
        assert not attempt.__exit__(ModelUnavailableError, AWAY, None)
    clock.now += 5
    assert tried(one) == ""


async def outcome(model: ServerChatModel) -> tuple[str, float]:
    """The answer, or the code of the error, and the seconds that it took."""
    began = time.monotonic()
    try:
        said = await complete(model, Request(MESSAGES))
    except ModelError as error:
        said = error.code
    return said, time.monotonic() - began


def test_a_server_that_is_down_is_not_waited_for_and_is_found_again_when_it_is_back() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    async def work(model: ServerChatModel) -> None:
        model._circuit = Circuit(first_seconds=2.0)
        assert [(await outcome(model))[0] for _ in range(3)] == ["model_unreachable"] * 3
        refused = [await outcome(model) for _ in range(3)]
        assert [code for code, _ in refused] == ["model_down"] * 3
        assert min(seconds for _, seconds in refused) < 0.2  # a machine that is busy makes one wait, and not each
        assert (await model.described()).window_tokens is None
        with FakeOpenAIServer([Reply("back")], port=port) as server:
            await asyncio.sleep(2.0)
            assert model.is_away
            assert [(await outcome(model))[0] for _ in range(2)] == ["back", "back"]
            assert not model.is_away
            assert len(server.requests) == 2

    run(opened(f"http://127.0.0.1:{port}/v1"), work)


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(status=400, error={"message": "maximum context length is 4096 tokens"}), "model_context_exceeded"),
        (Reply(status=401), "model_unauthorized"),
        (Reply(status=500), "model_rejected"),
        (Reply("Ten days of", cut_after=2), "model_stream_cut"),
    ],
)
def test_requests_that_a_living_server_refuses_never_open_the_circuit(reply: Reply, code: str) -> None:
    async def work(model: ServerChatModel) -> list[Any]:
        return [(await outcome(model))[0] for _ in range(5)]

    with FakeOpenAIServer([reply] * 4 + [Reply("fine")]) as server:
        assert run(opened(server.url), work) == [code] * 4 + ["fine"]


@pytest.mark.parametrize("status", [502, 504])
def test_a_gateway_without_a_server_behind_it_opens_the_circuit(status: int) -> None:
    async def work(model: ServerChatModel) -> list[str]:
        return [(await outcome(model))[0] for _ in range(4)]

    with FakeOpenAIServer([Reply(status=status)]) as server:
        assert run(opened(server.url), work) == ["model_unreachable"] * 3 + ["model_down"]
        assert len(server.requests) == 9


def test_while_the_model_is_away_questions_get_their_evidence_at_once() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        house = assistant(model="qwen", model_url=f"http://127.0.0.1:{nobody.getsockname()[1]}/v1")

        async def answers() -> list[list[Event]]:
            try:
                told = [[event async for event in house.answer("年假有几天？", (), OPERATOR)] for _ in range(4)]
                assert house.is_model_away
                return told
            finally:
                await house.aclose()

        *_, last = asyncio.run(answers())
    assert isinstance(last[1], EvidenceFound)
    assert last[1].evidence
    assert isinstance(last[2], Failed)
    assert (last[2].code, last[2].retry_seconds) == ("model_down", 5)
