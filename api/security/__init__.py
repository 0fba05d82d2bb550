"""Who is let in, and what each one may do and see.

guard.py       the layer that lets a request in as a reader, or refuses it
grants.py      which routes are for whom; what is not listed is for the operator alone
keys.py        the keys and whose they are
wrong_keys.py  wrong keys: counted by address, slowed down
audit.py       one line in the log for each request that changes something
scope.py       which sources a question is kept to
uris.py        how much of a document's address is shown to whom
"""
