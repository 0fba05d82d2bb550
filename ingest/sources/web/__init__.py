"""The source for web sites. A later visit costs one conditional request for each page.

Its files:

    source.py          the source
    crawl.py           one visit, breadth first
    client.py          requests: one at a time for each host, no faster than the site wants
    addresses.py       one form for each address, and which machines may be spoken to
    robots.py          robots.txt
    sitemaps.py        sitemaps
    links.py           the links of a page, and what it says of itself
    kinds.py           which files are read
    charsets.py        encodings that pages name
    content_coding.py  bodies that come packed
    memory.py          what the last visit found
"""
