"""The home is the folder with all state: its lock, its SQL database, its identity, and the bytes of what was uploaded.

Its files:

    lock.py           one process at a time owns the home; who it is, and where it can be reached
    database.py       the SQL database and its one `metadata`; runs the migrations at every start
    migrations/       the migrations, one file each, numbered
    identity.py       which home and which database belong together
    originals.py      the bytes of the uploads, each content once
    disk.py           flushing and copying files and folders
    processes.py      which process this is, and whether another one is still alive
"""
