"""Documents in, searchable chunks out. Owns the vocabulary: document, chunk, embedding, index, access.

The life of a document, room by room:

    sources/         finds it: in a folder, on a file server, on a web site
    archives/        opens the zip or tar file that it lies in; neutral: sources and readers both stand on it
    parse/           reads it: elements in reading order, whatever the format
    split.py         cuts the elements into passages
    embedding/       makes the vectors of each passage: first one by words, later one by meaning
    index/           keeps passages as chunks with their vectors; a new revision is written beside the old one
    catalog/         publishes the revision by one row in SQL; after that the old revision is retired

What moves it from room to room:

    runs/            one run over one source, from its beginning to its end; `ingest/runs/pipeline.py` is the chain
    engines/         where reading and embedding run: child processes of this machine, or a Ray cluster
    schedule/        when a source is due, and which folders are watched
    uploads/         what was uploaded: its register, its source, and the thread that brings it in
    versions/        several indexes side by side: one answers questions, another may be built meanwhile
    store.py         opens a home: lock, database, catalog, index and embedder; runs and searches work on it
    verify/          whether every document can be found, proved by reading it back; and repair

What all of it stands on:

    home/            the folder with all state: its lock, its SQL database, the bytes of the uploads
    network/         what every call to another server keeps to: trying again, limits, secrets
    page_images.py   a page of a document as a picture, for citations
    document.py      the words: reference, element, passage, chunk, embedding, hit
    access.py        the words: who may read what
    errors.py        the words: what can go wrong, by who can put it right
    language.py      the words: the language of a text, its folded form, its sentences
    replacements.py  characters replaced by a table, which language and tokenizer do
    settings.py      the settings of all of this
    shaping.py       what shapes an index: the versions of the stages, and the settings that decide its chunks

docs/architecture.md tells the same at length, and has a table of what is changed where.
"""
