"""The home is the folder with all state: its identity, its lock, its SQL database, and the store that opens them."""
