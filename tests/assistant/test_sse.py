"""Server-sent events, decoded from bytes that arrive in any pieces."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from assistant.sse import EndlessEventError, EventDecoder, ServerSentEvent

SEPARATORS = "a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg"


def decoded(*pieces: bytes) -> list[tuple[str, str]]:
    return decoded_by(EventDecoder(), pieces)


def decoded_by(decoder: EventDecoder, pieces: Sequence[bytes]) -> list[tuple[str, str]]:
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return [(event.name, event.data) for event in [*events, *decoder.finish()]]


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_a_stream_reads_the_same_with_every_line_end_and_in_pieces_of_any_size(end: str, size: int) -> None:
    lines = [": keepalive", "", "event: told", "data: 年假 one", "data:two", "data", "id: 7", "", "", "data: {}", ""]
    stream = end.join([*lines, ""]).encode()
    pieces = [stream[start : start + size] for start in range(0, len(stream), size)]
    assert decoded(*pieces) == [("told", "年假 one\ntwo\n"), ("message", "{}")]


def test_lines_end_at_cr_and_lf_only() -> None:
    assert decoded(f"data: {SEPARATORS}\n\n".encode()) == [("message", SEPARATORS)]


def test_the_last_event_needs_no_end_but_says_so() -> None:
    decoder = EventDecoder()
    assert decoder.feed(b"data: half") == []
    assert decoder.finish() == [ServerSentEvent("message", "half", whole=False)]


def test_the_data_that_ends_a_stream_is_given_at_the_end_of_its_line() -> None:
    assert EventDecoder(last="[DONE]").feed(b"data:[DONE]\n") == [ServerSentEvent("message", "[DONE]")]
    assert EventDecoder().feed(b"data:[DONE]\n") == []


def test_a_mark_of_the_byte_order_is_no_part_of_the_first_line() -> None:
    assert decoded(b"\xef\xbb\xbfdata: x\n\n") == [("message", "x")]


def test_a_line_that_is_an_error_of_llama_cpp_is_an_event_of_that_name() -> None:
    assert decoded(b'error: {"code":500}\n\n') == [("error", '{"code":500}')]


def test_what_is_no_field_is_kept_for_error_messages() -> None:
    decoder = EventDecoder()
    decoder.feed(b"<html>\nmore\n\n")
    assert decoder.stray == "<html>"


@pytest.mark.parametrize("endless", [b"data: " + b"x" * 100, b"data: " + b"x" * 40 + b"\n", b"x" * 100])
def test_a_line_or_an_event_without_end_is_given_up(endless: bytes) -> None:
    decoder = EventDecoder(longest_bytes=1000)
    with pytest.raises(EndlessEventError):
        decoded_by(decoder, [endless] * 40)


def test_bytes_that_are_no_text_become_replacement_characters() -> None:
    assert decoded(b"data: \xff\xed\xa0\xbd\n\n") == [("message", "\ufffd" * 4)]


STREAMS = {
    "events": b'data: {"a": 1}\n\ndata: \xe5\xb9\xb4\n\ndata: [DONE]\n\n',
    "the end in the middle, with blanks": b"data: a\n\ndata:  [DONE] \n\ndata: b\n\n",
    "empty data": b"data: a\n\ndata: \n\ndata: b\n\n",
    "several lines of data": b"data: a\n\ndata: b\ndata: c\n\ndata: d\n\n",
    "names, comments and blank lines": b": x\n\ndata: a\n\n\n\nevent: e\ndata: b\n\ndata: c\n\n",
    "CRLF, and CR inside": b"data: a\r\n\r\ndata: b\rdata: c\n\n",
    "bytes that are no character": b"data: a\xe5\xb9\n\ndata: \xffb\n\n",
    "no end": b"data: a\n\ndata: b\n",
}


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_events_that_come_together_are_those_that_come_byte_by_byte(stream: bytes) -> None:
    bytewise = decoded_by(EventDecoder(last="[DONE]"), [bytes([byte]) for byte in stream])
    assert decoded_by(EventDecoder(last="[DONE]"), [stream]) == bytewise
    for cut in range(len(stream)):
        assert decoded_by(EventDecoder(last="[DONE]"), [stream[:cut], stream[cut:]]) == bytewise


def test_whole_events_are_bounded_as_any_others_are() -> None:
    decoder = EventDecoder(longest_bytes=20)
    assert len(decoder.feed(b"data: abcdefgh\n\ndata: abcdefgh\n\n")) == 2
    with pytest.raises(EndlessEventError):
        decoder.feed(b"data: " + 20 * b"a" + b"\n\n")
