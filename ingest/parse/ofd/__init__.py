"""OFD: the Chinese standard for documents of fixed pages (GB/T 33190-2016), a zip file of XML.

Its files:

    package.py    the parts of the file, found by the paths that they name
    resources.py  fonts, pictures and drawings that pages refer to
    geometry.py   lengths, boxes and matrices as OFD writes them
    jbig2.py      pictures in JBIG2, as scanners write them
    links.py      where a click on an object leads
    content.py    what is drawn on a page: characters, lines and pictures with their places
    reader.py     the document: its pages as elements, its attachments, title and outline

The structure of a page (lines, paragraphs, tables) is found by `ingest.parse.page`, as in a PDF.
"""
