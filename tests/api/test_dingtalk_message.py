from __future__ import annotations

import itertools
from typing import Any

import pytest

from api.channels.access import reader_of
from api.dingtalk.message import DingTalkMessage, parse_message
from ingest.errors import RequestError

GROUP = {
    "msgtype": "text",
    "msgId": "msg1==",
    "conversationType": "2",
    "conversationId": "cid1==",
    "senderCorpId": "dingcorp",
    "chatbotCorpId": "dingcorp",
    "senderId": "$:LWCP_v1:$user",
    "senderStaffId": "manager7",
    "sessionWebhook": "https://oapi.dingtalk.com/robot/sendBySession?session=abc",
    "sessionWebhookExpiredTime": 1613635652738,
    "text": {"content": " 年假有几天？"},
    "somethingNew": {"deep": []},
}
SINGLE = GROUP | {"conversationType": "1"}


def test_a_text_loses_the_space_that_the_mention_left() -> None:
    message = parse_message(GROUP)
    assert message.question == "年假有几天？"
    assert (message.id, message.conversation_id, message.group) == ("msg1==", "cid1==", True)
    assert (message.user_id, message.session_expires_ms) == ("manager7", 1613635652738)


@pytest.mark.parametrize(
    ("part", "question"),
    [
        ({"msgtype": "audio", "content": {"downloadCode": "d", "recognition": "怎么报销？"}}, "怎么报销？"),
        (
            {
                "msgtype": "richText",
                "content": {"richText": [{"type": "picture", "downloadCode": "d"}, {"text": "\n"}, {"text": "abc"}]},
            },
            "abc",
        ),
        ({"msgtype": "picture", "content": {"downloadCode": "d"}}, ""),
        ({"msgtype": "file", "content": {"fileName": "a.pdf"}}, ""),
        ({"msgtype": "unknownMsgType", "content": {"unknownMsgType": "x"}}, ""),
        ({"msgtype": "richText", "content": {"richText": "no list"}}, ""),
        ({"msgtype": "text", "text": None}, ""),
        ({"msgtype": "text", "text": {"content": 7}}, ""),
    ],
)
def test_each_kind_of_message_gives_the_words_it_has(part: dict[str, Any], question: str) -> None:
    assert parse_message(GROUP | {"text": None} | part).question == question


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "text",
        {},
        GROUP | {"msgId": ""},
        GROUP | {"msgId": 7},
        GROUP | {"msgId": "m" * 201},
        GROUP | {"msgId": "m\ud800"},
        GROUP | {"msgId": "m\0"},
        GROUP | {"conversationId": "cid\udc00"},
        {**GROUP, "conversationId": None},
    ],
)
def test_what_is_not_a_message_is_refused(body: object) -> None:
    with pytest.raises(RequestError) as refusal:
        parse_message(body)
    assert refusal.value.code == "dingtalk_message_invalid"


def test_a_message_comes_back_from_storage_as_it_was() -> None:
    message = parse_message(SINGLE)
    assert DingTalkMessage.from_json(message.to_json()) == message


def test_a_message_that_another_version_stored_is_read_as_far_as_it_goes() -> None:
    stored = parse_message(SINGLE).to_json() | {"of_a_later_version": 1}
    assert DingTalkMessage.from_json(stored) == parse_message(SINGLE)
    older = DingTalkMessage.from_json({"id": "msg1==", "question": "年假有几天？"})
    assert (older.id, older.question) == ("msg1==", "年假有几天？")
    assert older.group
    assert not older.insider


def test_a_sender_of_whom_an_older_version_stored_that_nothing_spoke_against_them_is_no_insider() -> None:
    stored = parse_message(SINGLE).to_json()
    del stored["insider"]
    older = DingTalkMessage.from_json(stored | {"outsider": False})
    assert reader_of(older).principals == frozenset()


def test_the_webhook_and_the_question_do_not_show_when_a_message_is_printed() -> None:
    assert "session=abc" not in repr(parse_message(GROUP))
    assert "年假" not in repr(parse_message(GROUP))


def test_a_group_reads_what_everyone_may_and_its_own() -> None:
    assert reader_of(parse_message(GROUP)).principals == {"everyone", "group:dingtalk:cid1=="}


def test_a_single_chat_reads_what_everyone_may_and_the_persons_own() -> None:
    assert reader_of(parse_message(SINGLE)).principals == {"everyone", "user:dingtalk:manager7"}


_MISSING: Any = object()
_ODD = (_MISSING, None, "", " ", 7, ["dingcorp"], "dingcorp\ud800", "DINGCORP", "dingother")


@pytest.mark.parametrize("kind", ["1", "2", "3"])
@pytest.mark.parametrize("configured", [None, "dingcorp", "dingother"])
@pytest.mark.parametrize("staff", ["manager7", _MISSING, None, "", " ", 7, "man\udc00ager"])
def test_only_who_has_our_organisation_and_a_staff_id_in_it_is_everyone(
    kind: str, configured: str | None, staff: Any
) -> None:
    for sender, robot in itertools.product(("dingcorp", *_ODD), repeat=2):
        fields = {"senderCorpId": sender, "chatbotCorpId": robot, "senderStaffId": staff}
        body: dict[str, Any] = GROUP | {"conversationType": kind} | fields
        message = parse_message({name: value for name, value in body.items() if value is not _MISSING}, configured)
        known = isinstance(sender, str) and sender.isprintable() and bool(sender.strip())
        ours = known and sender == robot and configured in (None, sender) and staff == "manager7"
        may_read = {"everyone"} if ours else set()
        if kind != "1":
            may_read.add("group:dingtalk:cid1==")
        elif ours:
            may_read.add("user:dingtalk:manager7")
        assert reader_of(message).principals == may_read, (sender, robot)


def test_someone_from_another_organisation_is_not_everyone() -> None:
    assert reader_of(parse_message(SINGLE | {"senderCorpId": "dingother"})).principals == frozenset()
    assert reader_of(parse_message(GROUP | {"senderCorpId": "dingother"})).principals == {"group:dingtalk:cid1=="}
    for missing in ("senderCorpId", "chatbotCorpId", "senderStaffId"):
        nobody_known = {name: value for name, value in SINGLE.items() if name != missing}
        assert reader_of(parse_message(nobody_known)).principals == frozenset()


def test_half_a_surrogate_pair_in_a_question_is_replaced_and_two_halves_are_joined() -> None:
    message = parse_message(GROUP | {"text": {"content": "年假\ud83d 几天\ud83d\ude00？\0"}})
    assert message.question == "年假\ufffd 几天\U0001f600？"


def test_a_conversation_that_is_not_plainly_single_is_a_group() -> None:
    message = parse_message(GROUP | {"conversationType": "3"})
    assert "user:dingtalk:manager7" not in (reader_of(message).principals or ())
