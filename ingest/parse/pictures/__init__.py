"""Pictures: by themselves and inside documents, read by OCR.

Its files:

    ocr.py          reading a picture: lines with their boxes, then as a page
    images.py       pictures made ready: upright, on white, not too large
    orientation.py  whether a page was scanned upside down or sideways
    embedded.py     pictures inside documents, within limits
    in_pages.py     pictures that a web page, a mail or a Markdown text names by addresses
    drawings.py     drawings whose letters are text: SVG, and the metafiles of Windows, packed ones too
    svg.py          SVG, in a file and in a web page
    office_art.py   the pictures in drawings of old Office files
    metafiles.py    what the metafiles of Windows (EMF, WMF) draw
"""
