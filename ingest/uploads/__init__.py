"""Documents that were uploaded: what was accepted, its bytes, and how it is brought in.

Its files:

    register.py   which uploads there are, and what was sent twice
    originals.py  the bytes, each content once, and when they are removed
    intake.py     the thread that brings uploads in
"""
