"""DingTalk's own SDK as a robot that prints, line by line, what it understood. Its gateway is in the environment."""

from __future__ import annotations

import json
import sys

import dingtalk_stream
from dingtalk_stream import AckMessage, CallbackMessage, ChatbotMessage


class Printing(dingtalk_stream.ChatbotHandler):
    async def process(self, callback: CallbackMessage) -> tuple[int, str]:
        message = ChatbotMessage.from_dict(callback.data)
        understood = {
            "id": message.message_id,
            "msgtype": message.message_type,
            "conversation_id": message.conversation_id,
            "group": message.conversation_type == "2",
            "question": "".join(message.get_text_list() or []).strip(),
            "session_webhook": message.session_webhook,
            "session_expires_ms": message.session_webhook_expired_time,
            "sender_id": message.sender_id,
            "sender_name": message.sender_nick,
            "user_id": message.sender_staff_id,
        }
        print(json.dumps(understood), flush=True)
        return AckMessage.STATUS_OK, "OK"


client = dingtalk_stream.DingTalkStreamClient(dingtalk_stream.Credential(*sys.argv[1:]))
client.register_callback_handler(ChatbotMessage.TOPIC, Printing())
client.start_forever()
