"""The catalog: which documents there are, which revision of each is current, and who may read it. It decides.

Its files:

    catalog.py       the catalog of one version of the index: everything that is asked of it, and done to it
    transactions.py  the single steps of its transactions: revisions given out, published, deleted, retired
    waiting.py       published documents that still wait for their vectors
    listing.py       the query of every list of documents
    holdings.py      what a reader may search: sources, counts, a few titles
    records.py       what the catalog accepts and returns
    tables.py        its tables in SQL
"""
