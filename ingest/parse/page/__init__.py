"""What PDF pages and scans share: from runs of text with their boxes to paragraphs and tables in reading order.

In the order in which they are used:

    segments.py              runs of text on a page, with their boxes
    tables_with_lines.py     the text inside a grid of lines becomes a table
    reading_order.py         columns and other regions, one after the other
    tables_without_lines.py  rows of cells that leave the same strips of the page free
    paragraphs.py            the lines of a region become paragraphs and tables
    layout.py                all of that for one page
    hyphens.py               words broken at the end of a line, mended
    headings.py              which paragraphs are headings
    headers_footers.py       headers, footers, page numbers and watermarks, left out
"""
