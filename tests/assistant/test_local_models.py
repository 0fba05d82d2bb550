"""Every Qwen architecture in this process: its rules are computed once, its stop is heard, and its queue has an end."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from assistant.errors import ModelBusyError, ModelError
from assistant.models import complete, stream
from assistant.models.from_settings import open_model
from assistant.models.loading import qwen1_template
from assistant.models.local import LocalChatModel
from assistant.prompts.messages import answer_messages
from assistant.request import Message, Request
from assistant.settings import AssistantSettings
from tests.tiny_architectures import ARCHITECTURES, build_tiny, counted
from tests.tiny_qwen import build_tiny_qwen


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_qwen(tmp_path_factory.mktemp("models") / "tiny-qwen3")


def opened(folder: Path, **settings: Any) -> LocalChatModel:
    model = open_model(AssistantSettings(model=str(folder), **settings), hub=False)
    assert isinstance(model, LocalChatModel)
    return model


def asked(question: str, tokens: int = 6) -> Request:
    return Request(answer_messages(question, "zh"), temperature=0.0, max_tokens=tokens)


async def told(model: LocalChatModel, *questions: str, tokens: int = 6) -> list[str]:
    return [await complete(model, asked(question, tokens)) for question in questions]


def kept_by(model: LocalChatModel) -> int:
    prefixes = model._load()[2]
    return len(prefixes._kept) if prefixes is not None else 0


QUESTIONS = ("年假有几天？", "病假要什么证明？", "出差住宿每晚多少钱？")


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_answers_and_what_it_keeps_of_the_rules_changes_nothing(
    architecture: str, tmp_path: Path
) -> None:
    folder = build_tiny(tmp_path / architecture, architecture)
    keeping = opened(folder)
    in_a_row = asyncio.run(told(keeping, *QUESTIONS, tokens=12))
    alone = [asyncio.run(told(opened(folder), question, tokens=12))[0] for question in QUESTIONS]
    assert in_a_row == alone
    assert asyncio.run(told(keeping, QUESTIONS[0], tokens=12)) == alone[:1], "nothing of the others is left"
    assert all(alone)
    assert keeping._load()[1].config.model_type == architecture


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_to_every_architecture_a_prompt_is_the_same_whether_its_rules_were_kept_or_not(
    architecture: str, tmp_path: Path
) -> None:
    import torch  # seconds of every process that collects this file

    tokenizer, model, prefixes = opened(build_tiny(tmp_path / architecture, architecture))._load()
    assert prefixes is not None
    seen = []
    for question in QUESTIONS:
        said = [{"role": each.role, "content": each.text} for each in asked(question).messages]
        prompt = tokenizer.apply_chat_template(said, add_generation_prompt=True, return_tensors="pt", return_dict=True)
        with torch.inference_mode():
            whole = model(**prompt).logits[0, -1]
            kept = prefixes.read(prompt["input_ids"], said, threading.Event())
            after = model(input_ids=prompt["input_ids"][:, -1:], past_key_values=kept).logits[0, -1]
        assert torch.allclose(whole, after, rtol=1e-3, atol=1e-4)
        seen.append(after)
    assert len(prefixes._kept) == 1
    assert not torch.allclose(seen[0], seen[1], rtol=1e-3, atol=1e-4), "it depends on the question"


def test_the_rules_are_computed_once_and_not_for_every_question(tiny: Path) -> None:
    model = opened(tiny)
    tokenizer, network, _ = model._load()
    steps, read, lengths = counted(network), [], []
    for question in QUESTIONS:
        steps.clear()
        asyncio.run(told(model, question, tokens=1))
        read.append(sum(steps))
        said = [{"role": each.role, "content": each.text} for each in asked(question).messages]
        prompt = tokenizer.apply_chat_template(said, add_generation_prompt=True, enable_thinking=False)
        lengths.append(len(prompt["input_ids"]))
    rules = lengths[0] - read[1] - (lengths[0] - lengths[1])
    assert read[0] == lengths[0], "the first question reads all"
    assert rules > 200
    assert [length - rules for length in lengths[1:]] == read[1:], "the next ones only what is their own"


def test_a_prompt_that_does_not_begin_with_the_rules_is_read_whole(tiny: Path) -> None:
    model = opened(tiny)
    plain = Request((Message("user", "年假有几天？"),), temperature=0.0, max_tokens=6)
    first = asyncio.run(complete(model, plain))
    asyncio.run(told(model, QUESTIONS[1]))
    assert asyncio.run(complete(model, plain)) == first
    assert kept_by(model) == 1


def test_rules_of_other_requests_take_the_place_of_the_oldest(tiny: Path) -> None:
    model = opened(tiny)

    async def ask_all() -> None:
        for company in ("甲公司", "乙公司", "丙公司", "甲公司"):
            request = Request(answer_messages("年假？", "zh", company=company), temperature=0.0, max_tokens=2)
            await complete(model, request)

    asyncio.run(ask_all())
    assert kept_by(model) == 2


def test_a_stop_is_heard_within_one_token(tiny: Path) -> None:
    model = opened(tiny)
    steps = counted(model._load()[1], 0.05, time.sleep)

    async def leave() -> int:
        async with aclosing(stream(model, asked("年假？", 4000))) as pieces:
            async for piece in pieces:
                if piece.text:
                    break
            before = len(steps)
        return len(steps) - before

    assert asyncio.run(leave()) <= 1


def test_a_stop_is_heard_while_a_long_prompt_is_read(tiny: Path) -> None:
    model = opened(tiny)
    reading = threading.Event()

    def slowly(seconds: float) -> None:
        reading.set()
        time.sleep(seconds)

    steps = counted(model._load()[1], 0.3, slowly)
    long = Request((Message("user", "年假" * 3000),), temperature=0.0, max_tokens=4)

    async def leave() -> None:
        task = asyncio.create_task(complete(model, long))
        await asyncio.to_thread(reading.wait, 30)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(leave())
    assert len(steps) <= 2
    assert max(steps) <= 512


def test_the_queue_has_an_end_and_turns_are_taken_in_order(tiny: Path) -> None:
    model = opened(tiny, model_waiting=2)
    ended: list[int] = []

    async def ask(number: int) -> str:
        try:
            said = await complete(model, asked("年假？", 8))
        except ModelBusyError as error:
            return f"{error.code} {error.hint}"
        ended.append(number)
        return said

    async def crowd() -> list[str]:
        outcomes = await asyncio.gather(*(ask(number) for number in range(5)))
        return [*outcomes, await ask(5)]

    outcomes = asyncio.run(crowd())
    assert ended == [0, 1, 2, 5]
    assert all(each.startswith("model_busy") and "YOUJU_MODEL_WAITING" in each for each in outcomes[3:5])
    assert len({*outcomes[:3], outcomes[5]}) == 1


def test_answers_that_were_left_give_their_place_back(tiny: Path) -> None:
    model = opened(tiny, model_waiting=1)

    async def leave_all() -> str:
        for _ in range(3):
            tasks = [asyncio.create_task(complete(model, asked("年假？", 500))) for _ in range(2)]
            await asyncio.sleep(0.05)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return await complete(model, asked("年假？"))

    assert asyncio.run(leave_all())


def failure(folder: Path, **settings: Any) -> ModelError:
    with pytest.raises(ModelError) as caught:
        asyncio.run(told(opened(folder, **settings), "年假？"))
    return caught.value


def test_qwen_1_is_sent_to_a_server_with_its_chat_template(tmp_path: Path) -> None:
    config = {"architectures": ["QWenLMHeadModel"], "model_type": "qwen", "auto_map": {"AutoConfig": "x.QWenConfig"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    error = failure(tmp_path)
    assert error.code == "model_remote_code"
    assert all(word in error.hint for word in ("vLLM", "GGUF", "YOUJU_MODEL_URL", str(qwen1_template())))


def test_the_template_of_qwen_1_is_its_chat_format(tiny: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny)
    tokenizer.chat_template = qwen1_template().read_text(encoding="utf-8")
    said = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "yes"},
        {"role": "user", "content": "?"},
    ]
    text = tokenizer.apply_chat_template(said, add_generation_prompt=True, tokenize=False)
    assert text == (
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n"
        "<|im_start|>assistant\nyes<|im_end|>\n<|im_start|>user\n?<|im_end|>\n<|im_start|>assistant\n"
    )
    stated = tokenizer.apply_chat_template([{"role": "system", "content": "r"}, *said], tokenize=False)
    assert stated.startswith("<|im_start|>system\nr<|im_end|>\n<|im_start|>user\nhi")
    assert stated.count("system") == 1


def test_a_model_with_a_program_of_its_own_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "own", "auto_map": {"AutoConfig": "own.Own"}}))
    (tmp_path / "own.py").write_text("raise SystemExit('it was run')")
    assert failure(tmp_path).code == "model_remote_code"


@pytest.mark.parametrize("precision", ["bfloat16", "float16", "float32"])
def test_the_weights_take_the_form_that_is_asked_for(precision: str, tiny: Path) -> None:
    model = opened(tiny, model_precision=precision)
    assert asyncio.run(told(model, "年假？"))[0]
    assert str(model._load()[1].dtype) == f"torch.{precision}"


def test_four_bits_without_their_library_say_what_to_install(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.models.loading.find_spec", lambda name: None)
    error = failure(tiny, model_precision="4bit")
    assert error.code == "quantization_not_installed"
    assert "pip install 'youju[quantized]'" in error.hint


@pytest.mark.slow
def test_four_bits_answer_on_a_processor_where_their_library_is_installed(tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes", reason="the extra youju[quantized] is not installed")
    folder = build_tiny_qwen(tmp_path / "tiny", width=128)
    whole, quarter = opened(folder), opened(folder, model_precision="4bit")
    assert asyncio.run(told(quarter, "年假？"))[0]
    projections = [model._load()[1].model.layers[0].mlp.up_proj.weight.nbytes for model in (whole, quarter)]
    assert projections[0] >= 4 * projections[1]


def test_weights_that_are_quantized_already_are_not_quantized_again(tmp_path: Path) -> None:
    config = {"model_type": "qwen3", "quantization_config": {"quant_method": "awq", "bits": 4}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    error = failure(tmp_path, model_precision="4bit")
    assert (error.code, "YOUJU_MODEL_PRECISION=auto" in error.hint) == ("quantized_already", True)


def out_of_memory(said: str) -> Exception:
    import torch  # seconds of every process that collects this file

    return torch.OutOfMemoryError(said)


@pytest.mark.parametrize(
    ("make", "said", "precision", "code", "way_out"),
    [
        (out_of_memory, "CUDA out of memory. Tried to allocate 20 GiB", "auto", "model_too_large", "4bit"),
        (MemoryError, "", "float32", "model_too_large", "youju models fit"),
        (ImportError, "Loading an AWQ model requires gptqmodel", "auto", "model_not_loaded", "Install what it names"),
        (RuntimeError, "None of the available devices are supported", "4bit", "model_not_loaded", "=auto"),
        (RuntimeError, "unexpected EOF", "auto", "model_not_loaded", "config, weights and tokenizer"),
    ],
)
def test_what_transformers_raises_is_said_with_a_way_out(
    make: Callable[[str], Exception],
    said: str,
    precision: str,
    code: str,
    way_out: str,
    tiny: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def load_nothing(*_: Any, **__: Any) -> None:
        raise make(said)

    monkeypatch.setattr("transformers.AutoModelForCausalLM.from_pretrained", load_nothing)
    monkeypatch.setattr("assistant.models.loading.find_spec", lambda name: name)  # as if it were installed
    error = failure(tiny, model_precision=precision)
    assert (error.code, way_out in error.hint) == (code, True), error
    assert said[:20] in error.message
