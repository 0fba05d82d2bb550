"""The adapter finds out which server stands at an address, its model and its context window."""

from __future__ import annotations

from typing import Any, TypeVar

import pytest

from assistant.errors import ModelError
from assistant.models import complete
from assistant.models.server import ServerChatModel
from assistant.models.servers.kinds import servers
from assistant.request import Message, Request
from tests import scripted_servers as said
from tests.chat_models import run
from tests.chat_models import server_model as opened
from tests.fake_openai_server import FakeOpenAIServer, Reply
from tests.scripted_servers import Pages, saying

T = TypeVar("T")
MESSAGES = (Message("system", "rules"), Message("user", "How many days?"))


@pytest.mark.parametrize(
    ("pages", "path", "kind", "model", "window"),
    [
        (said.VLLM, "/v1", "vllm", "Qwen/Qwen3-8B", 32768),
        (said.SGLANG, "/v1", "sglang", "Qwen/Qwen3-8B", 40960),
        (said.SGLANG_BEHIND_A_GATEWAY, "/v1", "sglang", "qwen", None),
        (said.OLLAMA_LOADED, "/v1", "ollama", "qwen3:8b", 16384),
        (said.OLLAMA_BY_DEFAULT, "/v1", "ollama", "qwen3:8b", 4096),
        (said.OLLAMA_NATIVE, "/api", "ollama_native", "qwen3:8b", 16384),
        (said.OLLAMA_NATIVE, "/api/", "ollama_native", "qwen3:8b", 16384),
        (said.OLLAMA_NATIVE_LOADED, "/api", "ollama_native", "qwen3:8b", 32768),
        (said.OLLAMA_NATIVE_WITH_A_MODELFILE, "/api", "ollama_native", "qwen3:8b", 6144),
        (said.OLLAMA_NATIVE_OF_A_SMALL_MODEL, "/api", "ollama_native", "qwen3:8b", 2048),
        (said.OPEN_WEBUI, "/api", "auto", "qwen", None),
        (said.LLAMACPP, "/v1", "llamacpp", "qwen2.5.gguf", 4096),
        (said.LMDEPLOY, "/v1", "lmdeploy", "Qwen/Qwen3-8B", None),
        (said.OPENVINO, "/v3", "openvino", "", None),
        (said.TENSORRT, "/v1", "tensorrt", "Qwen3-8B", None),
        (said.TRANSFORMERS, "/v1", "auto", "", None),
        (said.PLAIN, "/v1", "auto", "qwen", None),
    ],
)
def test_from_an_address_alone_the_server_its_only_model_and_its_window_are_known(
    pages: Pages, path: str, kind: str, model: str, window: int | None
) -> None:
    async def look(opened: ServerChatModel) -> tuple[str, str, int | None]:
        await opened.described()
        described = await opened.described()
        return opened.server.kind, opened.model, described.window_tokens

    with saying(pages) as (root, _):
        assert run(opened(root + path), look) == (kind, model, window)


def test_ollama_finds_a_name_without_its_tag_and_reads_the_window_of_its_modelfile() -> None:
    with saying(said.OLLAMA_WITH_A_MODELFILE) as (root, asked):
        window = run(opened(f"{root}/v1", model="qwen3"), lambda model: model.described()).window_tokens
    assert window == 12288
    assert asked[-1] == "POST /api/show"


def test_a_server_that_says_its_kind_is_asked_once_and_for_nothing_else() -> None:
    async def twice(model: ServerChatModel) -> None:
        await model.described()
        await model.described()

    with saying(said.VLLM) as (root, asked):
        run(opened(f"{root}/v1"), twice)
    assert asked == ["GET /v1/models"]


def test_a_hosted_service_is_not_asked_what_it_is() -> None:
    for url, kind in (
        ("https://dashscope.aliyuncs.com/compatible-mode/v1", "dashscope"),
        ("https://api-inference.modelscope.cn/v1", "modelscope"),
        ("https://api.openai.com/v1", "openai"),
    ):
        model = opened(url, model="qwen-plus")
        run(model, lambda model: model.described())  # any connection would be refused by the guard of the tests
        assert model.server.kind == kind


def test_of_several_models_one_must_be_named() -> None:
    with saying(said.OLLAMA_WITH_A_MODELFILE) as (root, _), pytest.raises(ModelError) as caught:
        run(opened(f"{root}/v1"), lambda model: complete(model, Request(MESSAGES)))
    assert caught.value.code == "model_missing"
    assert "qwen3:latest, llama3:latest" in caught.value.message
    assert "YOUJU_MODEL" in caught.value.hint


def test_the_only_model_of_a_server_answers_without_being_named() -> None:
    with FakeOpenAIServer([Reply("Ten days.")], model="qwen3-8b") as server:
        assert run(opened(server.url), lambda model: complete(model, Request(MESSAGES))) == "Ten days."
        assert server.requests[0]["model"] == "qwen3-8b"


def test_another_server_in_the_place_of_one_that_went_is_asked_anew() -> None:
    async def ask(model: ServerChatModel) -> str:
        return await complete(model, Request(MESSAGES))

    async def through(model: ServerChatModel) -> list[str]:
        said = []
        with FakeOpenAIServer([Reply("one", refuses=("top_p",))], model="first", port=free.port) as server:
            said.append(await ask(model))
            assert "top_p" not in server.requests[-1]
        await model.aclose()  # the script's thread would still serve the connection that is open
        with pytest.raises(ModelError):
            await ask(model)
        with FakeOpenAIServer([Reply("two")], model="first", port=free.port) as server:
            said.append(await ask(model))
            assert "top_p" in server.requests[-1]
        return said

    with FakeOpenAIServer([Reply("")]) as free:
        pass
    assert run(opened(free.url, model="first"), through) == ["one", "two"]


@pytest.mark.parametrize(("pages", "tokens"), [(said.VLLM, 14), (said.LLAMACPP, 49), (said.SGLANG, None)])
def test_a_server_that_can_counts_the_tokens_of_a_prompt(pages: Pages, tokens: int | None) -> None:
    async def count(model: ServerChatModel) -> int | None:
        await model.described()
        return await model.count_tokens(MESSAGES)

    with saying(pages) as (root, _):
        assert run(opened(f"{root}/v1"), count) == tokens


def test_what_is_known_of_each_kind_is_whole() -> None:
    for kind, server in servers().items():
        assert server.title
        assert (server.asked is None) == (server.answers is None), kind
        assert server.kind == kind
    owners = [owner for server in servers().values() for owner in server.owned_by]
    assert len(set(owners)) == len(owners)


@pytest.mark.parametrize("damage", [None, [], {"data": 3}, {"data": [{"id": 7}, "x", {"owned_by": "vllm"}]}, "text"])
def test_a_list_of_models_of_another_form_is_no_list(damage: Any) -> None:
    with saying({"/v1/models": damage}) as (root, _):
        model = opened(f"{root}/v1", model="qwen")
        assert run(model, lambda model: model.described()).window_tokens is None
        assert model.server.kind == "auto"


@pytest.mark.parametrize("stated", [0, -5, "many", True, 1 << 60, 3.5])
def test_a_window_that_cannot_be_is_not_believed(stated: Any) -> None:
    pages = {"/v1/models": {"data": [{"id": "qwen", "owned_by": "vllm", "max_model_len": stated}]}}
    with saying(pages) as (root, _):
        assert run(opened(f"{root}/v1"), lambda model: model.described()).window_tokens is None
