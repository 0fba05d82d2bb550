"""Many who ask at once: errors, our processor time for a stream, the time to its first words, and what others feel.

    python -m benchmarks.many_askers examples

Ingests the folder into a new home, serves it with a scripted model in a process of its own, and lets `--streams` ask
at the same moment, in Chinese and in English, over `/v1/ask` and over `/v1/chat/completions`; then `--askers` ask one
question after the other for ten seconds while `/healthz` and `/v1/search` are asked all the while and a run over a slow
web site is followed by `--followers`. Prints one JSON object. The askers share the machine with what they measure, so
of the times only those of the processor, which are the server's alone, can be compared between machines.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmarks.server_process import ServerProcess, served, summary

_QUESTIONS = {
    "zh": "司龄满三年不满五年有多少天年休假？",
    "en": "Within how many days do I have to submit an expense claim?",
}
_BESIDE_SECONDS = 10.0
_SITE = """
[[sources]]
name = "site"
type = "web"
start = ["{url}/"]
delay_seconds = 1
allow_private = true
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--askers", type=int, default=10)
    parser.add_argument("--followers", type=int, default=6)
    parser.add_argument("--pieces", type=int, default=150, help="pieces of the model's answer")
    parser.add_argument("--pause-ms", type=float, default=20, help="between two pieces")
    parser.add_argument("--no-model", action="store_true", help="let the askers get extractive answers")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, scripted_model(given.pieces, given.pause_ms) as url:
        os.environ["YOUJU_LOG_LEVEL"] = "warning"
        config = Path(home, "youju.toml")
        config.write_text(_SITE.format(url=url.removesuffix("/v1")), encoding="utf-8")
        os.environ["YOUJU_CONFIG"] = str(config)
        if not given.no_model:
            os.environ |= {"YOUJU_MODEL_URL": url, "YOUJU_MODEL": "scripted", "YOUJU_MODEL_SERVER": "vllm"}
        with served(Path(home), "--ingest", given.folder) as server:
            server.wait_until_said("Youju is ready")
            asyncio.run(_ask_once(server, 5))
            server.wait_until_idle()
            result = {name: asyncio.run(_at_once(server, name, given.streams)) for name in ("zh", "en", "openai")}
            result["beside"] = asyncio.run(_beside(server, given.askers, given.followers))
            result["server_memory_mb"] = server.memory_mb()
    print(json.dumps(result, indent=2, ensure_ascii=False))


@contextmanager
def scripted_model(pieces: int, pause_ms: float) -> Iterator[str]:
    """The address of a scripted chat server in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.scripted_model", str(pieces), "--pause-ms", str(pause_ms)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
        finally:
            process.terminate()


async def _ask_once(server: ServerProcess, times: int) -> None:
    for _ in range(times):
        for language in _QUESTIONS:
            await asked(server.port, language)


async def _at_once(server: ServerProcess, name: str, streams: int) -> dict[str, Any]:
    before, began = server.cpu_seconds(), time.monotonic()
    answers = await asyncio.gather(*(asked(server.port, name) for _ in range(streams)))
    seconds = time.monotonic() - began
    processor = server.cpu_seconds() - before
    failures = [answer for answer in answers if isinstance(answer, str)]
    first = [1000 * answer for answer in answers if isinstance(answer, float)]
    return {
        "streams": streams,
        "failed": len(failures),
        "failures": sorted(set(failures))[:5],
        "processor_ms_per_stream": round(1000 * processor / streams, 1),
        "first_words": summary(first) if first else None,
        "seconds": round(seconds, 2),
    }


async def asked(port: int, name: str, question: str = "", seen: list[bytes] | None = None) -> float | str:
    """Seconds until the first words of an answer; what went wrong if it did. `name` is `openai` for a chat server, ours
    or another, or else the language of the question to `/v1/ask`. The lines of the answer are added to `seen`.
    """
    began = time.monotonic()
    if name == "openai":
        messages = [{"role": "user", "content": question or _QUESTIONS["zh"]}]
        path, body = "/v1/chat/completions", {"model": "youju", "messages": messages, "stream": True}
        word, end = b'"content": "', b"data: [DONE]"
    else:
        path, body = "/v1/ask", {"question": question or _QUESTIONS[name], "stream": True}
        word, end = b"event: text_delta", b"event: finished"
    first: float | None = None
    ended = False
    lines = b""
    try:
        async for line in _lines(port, path, body):
            lines = (lines + line)[-600:]
            if first is None and word in line and b'"content": ""' not in line:
                first = time.monotonic() - began
            ended = ended or end in line
            if seen is not None:
                seen.append(line)
    except (OSError, asyncio.IncompleteReadError) as error:
        return repr(error)
    return first if first is not None and ended else lines.decode("utf-8", "replace")


async def _lines(port: int, path: str, body: dict[str, Any] | None) -> AsyncIterator[bytes]:
    """The lines of an answer over a connection of its own, as they come; of a POST where there is a body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**24)
    data = b"" if body is None else json.dumps(body).encode()
    head = f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n"
    writer.write(f"{head}content-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n".encode() + data)
    try:
        while line := await reader.readline():
            yield line
    finally:
        writer.close()


async def _beside(server: ServerProcess, askers: int, followers: int) -> dict[str, Any]:
    """What those who look and search feel while others ask and follow runs."""
    until = time.monotonic() + _BESIDE_SECONDS
    answered: list[float | str] = []

    async def ask(language: str) -> None:
        while time.monotonic() < until:
            answered.append(await asked(server.port, language))

    def timed(method: str, path: str, body: dict[str, Any] | None) -> list[float]:
        figures = []
        with server.client() as client:
            while time.monotonic() < until:
                began = time.monotonic()
                client.request(method, path, json=body).raise_for_status()
                figures.append(1000 * (time.monotonic() - began))
                time.sleep(0.02)
        return figures

    before = server.cpu_seconds()
    running = asyncio.create_task(_events(server.port, "/v1/runs", {"source": "site"}, until))
    await asyncio.sleep(1)
    with server.client() as client:
        run_id = client.get("/v1/runs").json()["runs"][0]["run_id"]
    path = f"/v1/runs/{run_id}/events"
    followed = [asyncio.create_task(_events(server.port, path, None, until)) for _ in range(followers)]
    asking = [asyncio.create_task(ask(("zh", "en")[i % 2])) for i in range(askers)]
    healthz, search = await asyncio.gather(
        asyncio.to_thread(timed, "GET", "/healthz", None),
        asyncio.to_thread(timed, "POST", "/v1/search", {"query": "annual leave 年假", "limit": 5}),
    )
    await asyncio.gather(*asking)
    events = await asyncio.gather(running, *followed)
    first = [1000 * each for each in answered if isinstance(each, float)]
    return {
        "askers": askers,
        "events_of_runs": events,
        "answers": len(answered),
        "failed": len(answered) - len(first),
        "first_words_p50_ms": round(statistics.median(first), 1) if first else None,
        "processor_ms_per_answer": round(1000 * (server.cpu_seconds() - before) / max(1, len(answered)), 1),
        "healthz": summary(healthz),
        "search": summary(search),
    }


async def _events(port: int, path: str, body: dict[str, Any] | None, until: float) -> int:
    """Follow a run, or start one, which ends when its follower goes away; how many events of progress came."""
    events = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(until - time.monotonic()):
            async for line in _lines(port, path, body):
                events += line.startswith(b"event: progress")
    return events


if __name__ == "__main__":
    main()
