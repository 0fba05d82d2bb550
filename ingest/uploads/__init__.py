"""Uploaded documents: the register of accepted uploads, their bytes, and the thread that ingests them.

Its files:

    register.py   which uploads there are, and what was sent twice
    originals.py  the bytes, each content once, and when they are removed
    intake.py     the thread that brings uploads in
"""
