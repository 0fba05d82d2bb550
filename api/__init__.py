"""The faces: command line, HTTP, DingTalk and the chat page.

They translate between users and the chains. They decide nothing.

    app.py        the application: which layers and routes there are, and what runs beside them
    workspace.py  one open home with its ingestor and its assistant: what every face works with
    settings.py   the settings of the faces, and the one function that reads settings

Where each face lives:

    cli/          `youju COMMAND`: one file for each command
    routes/       HTTP: one file for each noun
    web/          the chat page: plain files, served as they are; a sub-folder is another page
    channels/     what the bots of all chat services share: each message answered once, in order
    dingtalk/     the DingTalk bot, from message to answer

What stands behind them:

    serving/      the process that serves: sockets, start and stop, connections, threads, schedule, log
    security/     who is let in, and what each one may do and see
    http/         what all routes have in common: bodies, streams, errors, headers
    answers/      what the faces show of an answer beside its text
"""
