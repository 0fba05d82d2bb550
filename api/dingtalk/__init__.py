"""The assistant in DingTalk: a robot that answers questions in chats and names its sources.

Its files:

    bot.py       the chain, from message to answer; who reads what
    stream.py    messages over an outgoing connection
    callback.py  messages as HTTP callbacks
    message.py   what a message says
    inbox.py     each message once
    lanes.py     one after the other within a conversation
    memory.py    the last turns of a chat
    render.py    an answer as one Markdown message
    markdown.py  text of documents, made harmless for DingTalk
    reply.py     sending an answer
    texts.py     what the bot itself says
    settings.py  what the bot needs of the settings
"""
