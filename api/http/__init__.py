"""What all HTTP routes have in common: what comes in, what goes out, and the headers and errors of both.

What comes in:

    body_limit.py    a body that is too large is refused
    known_fields.py  fields that nobody knows are refused
    plain_text.py    text that no part behind could take is refused
    multipart.py     an uploaded form, read as it comes in
    excerpts.py      what callers sent, safe to repeat

What goes out:

    envelope.py      the outermost layer: request id and headers of every response
    headers.py       which headers these are
    schemas.py       the bodies of `/v1`, and of the command line's `--json`
    document_bodies.py  those of `/v1/documents`
    conversation_bodies.py  those of `/v1/conversations`
    run_progress.py  runs as JSON, and the events of one that is followed
    streaming.py     events on their way to a client that may go away
    download.py      an original as a download
    page_files.py    which files of `api/web/` are served
    errors.py        which status an error of ours has, and its two shapes
    description.py   what `/openapi.json` says
"""
