"""The faces: command line, HTTP, DingTalk and the chat page.

They translate between users and the chains. They decide nothing.

Where each face lives:

    cli/             `youju COMMAND`: one file for each command
    routes/          HTTP: one file for each noun
    web/             the chat page: plain files, served as they are
    channels/        what the bots of all chat services share: each message answered once, in order
    dingtalk/        the DingTalk bot, from message to answer

The process that serves, from the outside to the inside:

    server.py        sockets, signals, one process or several
    worker.py        what each of several processes answers with
    starting.py      what is answered while the application is still being imported
    connections.py   how many connections there may be, and how long each may keep the server waiting
    app.py           the application: which layers and routes there are, and what runs beside them
    workspace.py     one open home with its ingestor and its assistant: what every face works with
    executors.py     which threads blocking work crosses to
    scheduling.py    the schedule of the sources, beside the server

Who is let in:

    security.py      the layers before every route: request id, key, size of the body
    grants.py        which routes are for whom; what is not listed is for the operator alone
    keys.py          the keys and whose they are
    wrong_keys.py    wrong keys: counted by address, slowed down
    audit.py         one line in the log for each request that changes something
    scope.py         which sources a question is kept to
    uris.py          how much of a document's address is shown to whom

What comes in and goes out:

    schemas.py       the bodies of `/v1`, and of the command line's `--json`
    known_fields.py  fields that nobody knows are refused
    plain_text.py    text that no part behind could take is refused
    multipart.py     an uploaded form, read as it comes in
    streaming.py     events on their way to a client that may go away
    runs.py          runs as JSON, and the events of one that is followed
    download.py      an original as a download
    drawing.py       the queue before the one renderer of page pictures
    errors.py        which status an error of ours has, and its two shapes
    headers.py       the headers of every response
    description.py   what `/openapi.json` says
    places.py        "page 3" and "第 3 页", and the link to a passage
    notices.py       the sentence that says an answer could not be checked
    renumbering.py   sources numbered as they are cited
    excerpts.py      what callers sent, safe to repeat
    logs.py          what is logged, and how many lines strangers can cause
    settings.py      the settings of the faces, and the one function that reads settings
"""
