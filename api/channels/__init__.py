"""What every channel needs, and no channel's own: a message is answered once, in order, for those who may read.

A channel is a chat service in which a bot answers. It has a room of its own beside this one, which parses its messages
into a `Message`, says how its answers look (`Channel`), and sends them (`Replies`). Nothing here knows such a room.

Its files:

    message.py   what every channel's message says
    channel.py   what a channel brings along
    bot.py       the chain, from message to answer
    access.py    who reads what
    inbox.py     each message once
    lanes.py     one after the other within a conversation
    memory.py    single chats: the conversations that are kept, or the last turns in memory
    render.py    an answer as one Markdown message
    markdown.py  text of documents, made harmless, and cut into parts
    texts.py     what a bot itself says
    settings.py  the limits of a bot
"""
