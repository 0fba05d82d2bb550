"""The home: the folder with all state, whose it is, its lock, its SQL database, and the store that opens it."""
