"""The source for object stores and file servers, through fsspec.

Its files:

    source.py        the source: listing, comparing, fetching
    file_systems.py  connecting; the one place that knows the libraries behind fsspec
    file_states.py   size, time and version of a file, in the words of each file system
"""
