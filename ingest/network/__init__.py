"""Rules for every call to another server: when to try again, how much to read, and what to keep secret."""
