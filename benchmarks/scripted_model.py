"""A chat server that streams one text to everybody, so that what is measured beside it is ours alone.

    python -m benchmarks.scripted_model 200

Prints its port. Every POST is answered by 200 pieces of an answer with citations, `--pause-ms` between them; a prompt
whose last paragraph is in Chinese gets a Chinese answer. Requests are not read beyond what is needed: it costs next to
nothing. A GET is answered after a second by a page that links to the next: a web site without an end.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re

_ANSWERS = {
    "zh": "根据公司的规定，司龄满三年不满五年的员工每年有十天年休假 [1]。申请年休假要先在系统里填写申请单，"
    "写明开始和结束的日期，由直接主管批准，再由人事部门备案；跨年度没有用完的部分按手册里的办法处理，"
    "离职的时候没有休完的按照规定折算。",
    "en": "An expense claim has to be submitted within thirty days of the end of the trip [1]. It goes to the line "
    "manager first, together with the receipts of the hotel, the train and the taxi, and finance pays it out with the "
    "salary of the month after it was approved; what comes in late is looked at by the head of the department alone. ",
}
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_CLOSING = re.compile(rb"connection: *close", re.IGNORECASE)
_HAN = re.compile(r"\\u[4-9][0-9a-f]{3}|[\u4e00-\u9fff]")
_PAGE_SECONDS = 1.0
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pieces", type=int)
    parser.add_argument("--pause-ms", type=float, default=0)
    given = parser.parse_args()
    asyncio.run(_serve(given.pieces, given.pause_ms / 1000))


async def _serve(pieces: int, pause_seconds: float) -> None:
    replies = {language: _pieces(text, pieces) for language, text in _ANSWERS.items()}

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                if head.startswith(b"GET "):
                    await asyncio.sleep(_PAGE_SECONDS)
                    writer.write(_page(head.split(b" ", 2)[1]))
                    continue
                length = _LENGTH.search(head)
                body = await reader.readexactly(int(length[1])) if length else b""
                asked = json.loads(body)["messages"][-1]["content"]
                writer.write(_HEAD)
                for piece in replies["zh" if _HAN.search(asked.rpartition("\n\n")[2]) else "en"]:
                    writer.write(piece)
                    if pause_seconds:
                        await writer.drain()
                        await asyncio.sleep(pause_seconds)
                await writer.drain()
                if _CLOSING.search(head):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def _pieces(text: str, count: int) -> list[bytes]:
    """The reply as chunks of HTTP, one event each: `count` pieces of a word or two characters."""
    words = re.findall(r"[\u4e00-\u9fff]{1,2}| ?[^\s\u4e00-\u9fff]+", text)
    said = [words[i % len(words)] for i in range(count)]
    events = [_event({"choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}]}) for word in said]
    events.append(_event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}))
    events.append(_event({"choices": [], "usage": {"prompt_tokens": 4000, "completion_tokens": count}}))
    return [*map(_chunked, events), _chunked(b"data: [DONE]\n\n"), b"0\r\n\r\n"]


def _page(path: bytes) -> bytes:
    if path == b"/robots.txt":
        return b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"
    body = b"<html><title>A page</title><p>Here is %s.</p><a href='%s-'>next</a></html>" % (path, path)
    return b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


def _event(fields: dict[str, object]) -> bytes:
    body = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "scripted", **fields}
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n".encode()


def _chunked(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


if __name__ == "__main__":
    main()
