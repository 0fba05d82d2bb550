"""Conversations that the server keeps, by id, each with one owner. `conversation.py` beside this room is what the chain
is given of them.

    records.py    what is kept: conversations, their exchanges, and how each answer ended
    owner.py      whose conversations a reader may keep and see
    register.py   the tables, their bounds, and how long they are kept
    recording.py  an answer that is written down as it streams, also if its reader leaves
"""
