"""The faces: command line, HTTP, DingTalk and the chat page.

They translate between users and the chains. They decide nothing.

Where each face lives:

    cli/             `youju COMMAND`: one file for each command
    routes/          HTTP: one file for each noun
    web/             the chat page: plain files, served as they are
    dingtalk/        the DingTalk bot, from message to answer

What stands behind all of them:

    http/            what all routes have in common: bodies, streams, errors, headers
    serving/         the process that serves: sockets, start and stop, connections, threads, schedule, log
    security/        who is let in, and what each one may do and see

The middle of it:

    app.py           the application: which layers and routes there are, and what runs beside them
    workspace.py     one open home with its ingestor and its assistant: what every face works with

What comes in and goes out:

    places.py        "page 3" and "第 3 页", and the link to a passage
    notices.py       the sentence that says an answer could not be checked
    renumbering.py   sources numbered as they are cited
    settings.py      the settings of the faces, and the one function that reads settings
"""
