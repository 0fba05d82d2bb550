"""The assistant in DingTalk: a robot that answers questions in chats and names its sources.

What every channel needs is in `api/channels/`. Here is what is DingTalk's own:

    bot.py       the robot, put together
    stream.py    messages over an outgoing connection
    callback.py  messages as HTTP callbacks
    message.py   what a message says
    markdown.py  Markdown as DingTalk shows it
    reply.py     sending an answer
    settings.py  what the robot needs of the settings
"""
