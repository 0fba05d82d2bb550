"""The command line as its user meets it: results, JSON, exit codes and errors that say the way out."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import time
from pathlib import Path

import pytest

from ingest.home.lock import Ownership
from tests.api.command_line import children_of, json_here, run_here, run_youju, serving, started, youju_json
from tests.fake_openai_server import FakeOpenAIServer, Reply

REPORT_FIELDS = {
    "run_id", "found", "new", "changed", "unchanged", "moved", "deleted", "failed", "rebuilt", "chunks", "embedded",
    "waiting", "seconds", "failures",
}  # fmt: skip
HIT_FIELDS = {"number", "score", "text", "document_id", "chunk_id", "title", "uri", "page", "location"}
ASK_FIELDS = {
    "answer_id", "question", "changed", "language", "answer", "grounded", "refused", "cut", "citations", "evidence",
    "nearest", "small_talk", "unsupported", "strayed", "model", "usage", "timings_ms",
}  # fmt: skip
DOCUMENT_FIELDS = {
    "document_id", "source", "title", "uri", "kind", "language", "revision", "chunks", "waiting", "author", "created",
    "modified", "pages", "notes", "access", "state",
    "error", "updated_at",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    (folder / "年假.md").write_text("# 年假\n\n工作满十年的员工每年享有十天带薪年假。\n\n# 病假\n\n病假需要医院证明。")
    (folder / "访客.md").write_text("# 访客\n\n访客必须在前台登记并佩戴访客证。")
    (folder / "坏.pdf").write_bytes(b"")
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Path:
    home = tmp_path_factory.mktemp("home")
    done = run_youju(home, "ingest", str(folder), "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 1, "one document failed, so it is done in part"
    assert set(report) == REPORT_FIELDS
    assert (report["found"], report["new"], report["failed"]) == (3, 2, 1)
    assert [failure["code"] for failure in report["failures"]] == ["empty"]
    return home


def test_help_names_every_command_at_once() -> None:
    before = _seconds_of_children()
    done = run_youju(Path("unused"), "--help")
    # It takes 0.3 s; loading any of the commands takes seconds even on a fast machine. Its own, however busy that is.
    assert _seconds_of_children() - before < 4.0
    assert done.returncode == 0
    for command in ("ingest", "ask", "search", "serve", "eval", "documents", "doctor"):
        assert command in done.stdout


def _seconds_of_children() -> float:
    """The processor time that ended child processes have taken."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_ask_prints_every_character_of_an_answer_and_says_where_it_was_cut(home: Path) -> None:
    told = "年假为十天\u2028[1]。\u2029\u0085🎉"
    with FakeOpenAIServer([Reply(told, finish_reason="length")]) as model:
        done = run_youju(home, "ask", "工作满十年有几天年假？", model="qwen", model_url=model.url)
    assert done.returncode == 0, done.stderr
    assert told.replace(" ", "") in done.stdout.replace(" ", "")
    [line] = done.stderr.splitlines()  # and no warning of a connection that nobody has closed
    assert "YOUJU_MODEL_MAX_TOKENS" in line


def test_ask_answers_with_its_source(home: Path, folder: Path) -> None:
    answer = json_here(home, "ask", "工作满十年有几天年假？")
    assert set(answer) == ASK_FIELDS
    assert "十天" in answer["answer"]
    assert answer["grounded"]
    assert not answer["refused"]
    assert answer["citations"][0]["uri"] == str(folder / "年假.md")
    assert set(answer["evidence"][0]) == HIT_FIELDS
    printed = run_here(home, "ask", "工作满十年有几天年假？")
    assert printed.returncode == 0
    assert "十天" in printed.stdout
    assert "[1]" in printed.stdout
    assert "年假.md" in printed.stdout


def test_search_gives_the_best_passage_first(home: Path) -> None:
    found = json_here(home, "search", "访客登记", "--limit", "2")
    assert set(found) == {"query", "changed", "language", "hits", "timings_ms"}
    assert "前台登记" in found["hits"][0]["text"]
    assert found["hits"][0]["location"]["heading_path"] == ["访客"]


def test_documents_lists_failures_with_their_reason(home: Path, folder: Path) -> None:
    everything = json_here(home, "documents")["documents"]
    assert len(everything) == 3
    assert set(everything[0]) == DOCUMENT_FIELDS
    (failed,) = json_here(home, "documents", "--failed")["documents"]
    assert (failed["uri"], failed["state"], failed["error"]["code"]) == (str(folder / "坏.pdf"), "failed", "empty")


def test_documents_of_one_kind(home: Path) -> None:
    found = json_here(home, "documents", "--kind", "md")["documents"]
    assert {document["kind"] for document in found} == {"md"}
    wrong = run_here(home, "documents", "--kind", "markdown")
    assert wrong.returncode == 2
    assert "[unknown_kind]" in wrong.stderr
    assert "md" in wrong.stderr


def test_a_second_ingest_does_nothing_again(home: Path, folder: Path, inline: None) -> None:
    report = json_here(home, "ingest", str(folder))
    assert (report["new"], report["changed"], report["unchanged"]) == (0, 0, 2)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("ingest", "/no/such/path"), "path_missing"),
        (("ask", "x" * 100_000), "question_too_long"),
        (("ask", " "), "question_empty"),
        (("eval", "/no/such/set"), "evaluation_set_unreadable"),
    ],
)
def test_bad_input_is_one_line_with_the_way_out(home: Path, arguments: tuple[str, ...], code: str) -> None:
    done = run_here(home, *arguments)
    assert done.returncode == 2
    assert f"[{code}]" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_name_that_is_not_text_can_be_given(home: Path, tmp_path: Path, inline: None) -> None:
    named = os.fsencode(tmp_path) + "/手册 #1%.txt".encode("gbk")
    Path(os.fsdecode(named)).write_text("员工食堂在三层。")
    assert json_here(home, "ingest", os.fsdecode(named))["new"] == 1
    assert "三层" in json_here(home, "search", "员工食堂")["hits"][0]["text"]


def test_a_question_that_is_not_text_is_a_clear_error(home: Path) -> None:
    done = run_youju(home, "ask", os.fsdecode("年假".encode("gbk")))
    assert done.returncode == 2
    assert "[invalid_request]" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_pipe_is_refused_without_waiting_for_a_writer(home: Path, tmp_path: Path, inline: None) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    report = json_here(home, "ingest", str(tmp_path / "pipe.txt"))
    assert [failure["code"] for failure in report["failures"]] == ["unsupported"]


def test_what_was_found_is_shown_where_the_model_fails(home: Path, folder: Path) -> None:
    done = run_here(home, "ask", "工作满十年有几天年假？", model_url="http://127.0.0.1:1/v1", model="none")
    assert done.returncode == 2
    assert "[model_unreachable]" in done.stderr
    assert str(folder / "年假.md") in done.stdout


@pytest.mark.parametrize(("sign", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_ingest_says_so_and_leaves_nothing_running(tmp_path: Path, sign: int, code: int) -> None:
    for number in range(60):
        (tmp_path / f"{number}.md").write_text("The gate opens at seven and closes at nine. " * 400)
    with started(tmp_path / "home", "ingest", str(tmp_path)) as process:
        while not (workers := children_of(process.pid)):
            time.sleep(0.05)
        process.send_signal(sign)
        _, said = process.communicate(timeout=60)
    assert process.returncode == code
    assert "run it again to go on" in said
    assert "Traceback" not in said
    deadline = time.monotonic() + 10
    while left := [worker for worker in workers if Path(f"/proc/{worker}").exists()]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def test_a_home_that_another_command_owns_is_named_with_the_way_out(home: Path) -> None:
    with Ownership.take(home, "ingest"):
        done = run_here(home, "search", "访客")
    assert done.returncode == 2
    assert "[home_in_use]" in done.stderr
    assert "youju ingest" in done.stderr
    assert "youju serve" in done.stderr


def test_commands_talk_to_the_server_that_owns_the_home(home: Path, folder: Path, tmp_path: Path) -> None:
    with serving(home) as (address, process):
        assert address.startswith("http://127.0.0.1:")
        assert youju_json(home, "search", "访客登记")["hits"]
        (tmp_path / "new.txt").write_text("新的停车场在地下二层。")
        report = json_here(home, "ingest", str(tmp_path))
        assert report["new"] == 1
        assert "地下二层" in json_here(home, "ask", "停车场在哪里？")["answer"]
        doctor = run_here(home, "doctor", "--json")
        assert json.loads(doctor.stdout)["healthy"]
        assert f"process {process.pid}" in doctor.stdout
    assert process.returncode == 0
    assert json_here(home, "search", "停车场")["hits"], "the home is free again, and nothing is lost"


def test_serve_refuses_what_does_not_go_together_whether_it_is_set_or_given(tmp_path: Path) -> None:
    """Each refusal has its test where settings are loaded: a process apiece took seconds, and showed no more."""
    for run, arguments, settings in ((run_youju, (), {"host": "0.0.0.0"}), (run_here, ("--host", "0.0.0.0"), {})):
        done = run(tmp_path, "serve", *arguments, **settings)
        assert (done.returncode, "[no_authentication]" in done.stderr) == (2, True), done.stderr


def test_a_port_that_is_taken_is_said(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run_youju(home.parent / "another", "serve", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 2
    assert "[address_unusable]" in done.stderr
