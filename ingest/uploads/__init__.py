"""Uploaded documents: the register of accepted uploads, the source that lists them, and the thread that ingests them.

Their bytes are in the home: `ingest/home/originals.py`.

Its files:

    register.py  which uploads there are, and what was sent twice
    source.py    the uploads as a source, which a run takes its documents from
    intake.py    the thread that brings uploads in, and removes what was deleted long ago
"""
