"""Runs of the ingestion: one source brought into one index, from the listing to what readers see.

Its files, in the order in which a run goes through them:

    records.py      the record of each run in SQL, which every process can read, and what a run reports
    exclusive.py    nobody else works on the source, and the run is recorded
    lease.py        who may work on a source, agreed upon in SQL
    pipeline.py     the chain: one source into one index, from top to bottom, with the thread of each step
    target.py       the index that a run writes into, and the steps that may be done in another way
    changes.py      what changed in the source since the last run
    reassigning.py  documents of which only the readers changed
    stages.py       what runs in workers: read and cut a document, make dense vectors of chunks
    preparing.py    reading and cutting one document and making its terms, in a worker
    grouping.py     documents in groups, on their way from thread to thread
    reuse.py        vectors of an earlier revision that need not be computed again
    writer.py       drafts: written by their words, flushed, published; what they replace: retired
    late_vectors.py the second pass: the dense vectors of what is published by its words
    report.py       the counts of a run, while it goes on
    rebuild.py      building another index beside the current one, by the same chain
"""
