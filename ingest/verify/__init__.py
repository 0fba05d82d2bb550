"""Proves by reading back that every document can be found, and mends what is not.

Its files:

    verifier.py  the chain: read back, look at the index, ask the sources, look again, repair
    readback.py  whether one document is found, with the text and the vectors that it should have
    orphans.py   chunks in the index that belong to no current revision
    listing.py   what the sources have and the catalog does not, and the other way round
    repair.py    mending what was found, by ordinary runs
    problems.py  what can be wrong, and the report
"""
