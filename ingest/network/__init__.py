"""Rules for every call to another server: when to try again, how much to read, and what to keep secret.

Its files:

    retrying.py       trying again: one policy for every server
    bodies.py         what a server answers, up to a size
    secrecy.py        secrets out of addresses, logs and errors
"""
