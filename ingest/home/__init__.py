"""The home is the folder with all state: its identity, its lock, its SQL database, and the store that opens them.

Its files:

    store.py          opens everything together: lock, database, catalog, index, embedder
    lock.py           one process at a time owns the home; who it is, and where it can be reached
    database.py       the SQL database and its one `metadata`; runs the migrations at every start
    migrations/       the migrations, one file each, numbered
    identity.py       which home and which database belong together
    disk.py           flushing and copying files and folders
    processes.py      which process this is, and whether another one is still alive
"""
