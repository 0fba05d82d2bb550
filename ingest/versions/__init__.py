"""Several indexes side by side: one answers questions, and another may be built meanwhile.

Its files:

    register.py       which versions of the index there are, and the switch from one to another, in SQL
    open_versions.py  the versions that are open in this process, each with its own index and embedder
    fingerprint.py    what decides the content of an index, as one text
"""
