"""`youju models` lists the Qwen chat models, shows one with its licence clause, and finds those that fit."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from assistant.qwen.registry import registry
from tests.api.command_line import json_here, run_here

MODEL_FIELDS = {
    "id", "name", "huggingface", "modelscope", "series", "released", "parameters", "active", "context", "extended",
    "extension", "architecture", "model_type", "shape", "cache_bytes_per_token", "state_bytes_per_sequence",
    "weight_bytes", "licence", "thinking", "switches", "grounded_sampling", "sampling", "thinking_sampling", "runs",
    "aliases", "notes", "confidence", "doubts",
}  # fmt: skip
FIT_FIELDS = {
    "id", "precision", "needed_bytes", "context", "askers_at_once", "longest_context", "extension", "licence",
    "thinking", "runs",
}  # fmt: skip


def test_all_models_are_listed(tmp_path: Path) -> None:
    done = run_here(tmp_path, "models")
    assert done.returncode == 0
    shown = [line.split()[0] for line in done.stdout.splitlines()]
    assert shown == ["model", *(model.name for model in registry().models)]
    row = next(line for line in done.stdout.splitlines() if line.startswith("Qwen3-30B-A3B "))
    assert re.split(r" {2,}", row.strip()) == [
        "Qwen3-30B-A3B", "30.5B, 3.35B active", "32k → 128k", "96 KiB", "apache-2.0", "on",
    ]  # fmt: skip
    unsure = next(line for line in done.stdout.splitlines() if line.startswith("Qwen1.5-0.5B-Chat "))
    assert "tongyi-qianwen-research ?" in unsure
    assert not (tmp_path / "catalog.sqlite3").exists(), "the list needs no home"


def test_the_json_has_every_field_of_every_row(tmp_path: Path) -> None:
    listed = json_here(tmp_path, "models")["models"]
    assert [model["id"] for model in listed] == [model.id for model in registry().models]
    assert {frozenset(model) for model in listed} == {frozenset(MODEL_FIELDS)}
    eight = next(model for model in listed if model["name"] == "Qwen3-8B")
    assert eight["huggingface"] == eight["modelscope"] == "Qwen/Qwen3-8B"
    assert eight["cache_bytes_per_token"] == 144 * 1024
    assert eight["grounded_sampling"] == {"temperature": 0.2, "top_p": 0.8, "top_k": 20}
    assert (eight["licence"]["id"], eight["licence"]["commercial"]) == ("apache-2.0", "yes")
    served = next(model for model in listed if model["name"] == "qwen-plus")
    assert (served["huggingface"], served["weight_bytes"], served["runs"]) == (None, None, ["api"])


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["qwen2.5", "72b"], ["Qwen2.5-72B-Instruct"]),
        (["QWEN3", "always"], [
            "Qwen3-4B-Thinking-2507", "Qwen3-30B-A3B-Thinking-2507", "Qwen3-235B-A22B-Thinking-2507",
            "Qwen3-Next-80B-A3B-Thinking", "Qwen3.8-2.4T-A95B",
        ]),
        (["non-commercial", "qwen2.5"], ["Qwen2.5-3B-Instruct"]),
        (["7b", "apache"], ["Qwen2-7B-Instruct", "Qwen2.5-7B-Instruct", "Qwen2.5-7B-Instruct-1M"]),
        (["2507", "30b", "instruct"], ["Qwen3-30B-A3B-Instruct-2507"]),
    ],
)  # fmt: skip
def test_words_narrow_the_list(tmp_path: Path, words: list[str], names: list[str]) -> None:
    assert [model["name"] for model in json_here(tmp_path, "models", *words)["models"]] == names


def test_one_word_that_is_no_whole_name_narrows_too(tmp_path: Path) -> None:
    listed = json_here(tmp_path, "models", "qwen1.5")["models"]
    assert {model["series"] for model in listed} == {"Qwen1.5"}
    assert json_here(tmp_path, "models", "list", "qwen1.5")["models"] == listed


@pytest.mark.parametrize(
    "name", ["qwen2.5:3b-instruct-q4_K_M", "Qwen/Qwen2.5-3B-Instruct-GGUF", "/m/Qwen2.5-3B-Instruct"]
)
def test_one_model_is_shown_with_its_clause_in_both_languages(tmp_path: Path, name: str) -> None:
    done = run_here(tmp_path, "models", name)
    assert done.returncode == 0
    assert done.stdout.startswith("Qwen2.5-3B-Instruct, Qwen2.5 of 2024-09")
    for said in ("Qwen Research License", "no commercial use", "不得商用", "36 KiB", "32,768 tokens", "never thinks"):
        assert said in done.stdout, said
    assert "The clause is from memory" in done.stdout


def test_the_base_of_an_adapter_is_shown_as_such(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "Qwen/Qwen2-72B-Instruct"}))
    done = run_here(tmp_path, "models", str(tmp_path))
    assert "as the base of an adapter" in done.stdout
    assert "5b" in done.stdout
    told = json_here(tmp_path, "models", str(tmp_path))
    assert (told["found"]["how"], told["model"]["name"]) == ("adapter", "Qwen2-72B-Instruct")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["llama3:8b"], "is no Qwen model"),
        (["Qwen3-Coder-30B-A3B-Instruct"], "another kind of model (coder)"),
        (["Qwen3-9B"], "Known: Qwen3-0.6B"),
        (["qwen3", "mit"], "No model has all of these words"),
        (["fit", "llama", "--memory", "24GB"], "No model has all of these words"),
    ],
)
def test_what_is_no_qwen_says_so_in_one_line(tmp_path: Path, words: list[str], said: str) -> None:
    done = run_here(tmp_path, "models", *words)
    assert done.returncode == 2
    assert "[model_unknown]" in done.stderr
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_what_fits_is_told_with_context_and_askers(tmp_path: Path) -> None:
    told = json_here(tmp_path, "models", "fit", "--memory", "24GB", "--context", "8192", "--askers", "4")
    assert (told["memory"]["bytes"], told["askers"]) == (24 * 2**30, 4)
    fitting = {each["id"]: each for each in told["fitting"]}
    assert {frozenset(each) for each in fitting.values()} == {frozenset(FIT_FIELDS)}
    assert "Qwen/Qwen3-32B" not in fitting
    eight = fitting["Qwen/Qwen3-8B"]
    # A tenth and the engine leave 20.2 GiB: 15.3 of weights and four caches of 1.1 go in.
    assert (eight["precision"], eight["context"], eight["runs"]) == ("bf16", 8192, ["vLLM", "GGUF"])
    assert eight["askers_at_once"] >= 4
    sizes = [each["needed_bytes"] for each in told["fitting"]]
    assert max(sizes) <= 0.9 * 24 * 2**30
    parameters = {model.id: model.parameters or 0 for model in registry().models}
    assert [parameters[name] for name in fitting] == sorted((parameters[name] for name in fitting), reverse=True)


@pytest.mark.parametrize("words", [[], ["fit", "--memory", "24GB"]])
def test_a_narrow_pipe_loses_nothing(words: list[str]) -> None:
    command = [sys.executable, "-c", "import sys; sys.argv[0] = 'youju'; from api.cli import main; main()"]
    environment = {**os.environ, "COLUMNS": "60"}
    done = subprocess.run([*command, "models", *words], capture_output=True, text=True, check=True, env=environment)
    assert "…" not in done.stdout
    assert "Qwen1.5-1.8B-Chat" in done.stdout
    assert "tongyi-qianwen-research" in done.stdout


def test_more_askers_leave_fewer_models(tmp_path: Path) -> None:
    counts = [
        len(json_here(tmp_path, "models", "fit", "--memory", "24GB", "--askers", str(askers))["fitting"])
        for askers in (1, 8, 64)
    ]
    assert counts[0] > counts[1] > counts[2] > 0


def test_a_context_that_only_some_models_have_leaves_those(tmp_path: Path) -> None:
    told = json_here(tmp_path, "models", "fit", "--memory", "8x80GB", "--context", "200000", "qwen3")
    names = {each["id"] for each in told["fitting"]}
    assert "Qwen/Qwen3-4B-Instruct-2507" in names
    assert "Qwen/Qwen3-4B" not in names


def test_the_table_names_the_memory_and_what_fits(tmp_path: Path) -> None:
    done = run_here(tmp_path, "models", "fit", "--memory", "16GB", "qwen3", "8b")
    assert done.stdout.startswith("16.0 GiB: 1 of 1 models fit.")
    assert re.search(r"Qwen3-8B +8\.19B +int8 .* at 16k", done.stdout)
    none = run_here(tmp_path, "models", "fit", "--memory", "1GB", "72b")
    assert (none.returncode, none.stdout.strip()) == (0, "1.0 GiB: 0 of 4 models fit.")


def test_without_a_memory_it_is_this_machine_s(tmp_path: Path) -> None:
    told = json_here(tmp_path, "models", "fit")
    assert told["memory"]["bytes"] > 2**28
    assert told["memory"]["name"]
    assert "GiB: " in run_here(tmp_path, "models", "fit").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--memory", "lots"], "24GB"), (["--memory", "24GB", "--context", "5"], "512"), (["--askers", "0"], "1")],
)
def test_a_wrong_demand_is_refused_with_the_way_out(tmp_path: Path, arguments: list[str], said: str) -> None:
    done = run_here(tmp_path, "models", "fit", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_command_loads_neither_torch_nor_transformers_nor_an_application() -> None:
    code = (
        "import sys; sys.argv = ['youju', 'models', 'fit', '--memory', '24GB', '--json']\n"
        "from api.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'transformers', 'fastapi', 'langchain_core', 'assistant.settings'} & set(sys.modules)\n"
        "sys.exit(str(sorted(heavy)) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
