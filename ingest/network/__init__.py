"""What every call to another server keeps to: when it is tried again, how much is read, what is never shown.

Its files:

    retrying.py       trying again: one policy for every server
    bodies.py         what a server answers, up to a size
    secrecy.py        secrets out of addresses, logs and errors
"""
