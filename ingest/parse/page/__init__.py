"""What PDF pages and scans share: from runs of text with their boxes to paragraphs and tables in reading order.

In the order in which they are used:

    segments.py              runs of text on a page, with their boxes
    headers_footers.py       headers, footers, page numbers and watermarks are left out
    contents.py              and so are tables of contents
    layout.py                one page from here to its paragraphs and tables
    tables_with_lines.py     the text inside a grid of lines becomes a table
    reading_order.py         columns and other regions, one after the other
    paragraphs.py            the lines of a region become paragraphs
    tables_without_lines.py  or a table: rows of cells that leave the same strips of the page free
    tables_side_by_side.py   or two tables beside each other
    tables_over_pages.py     a table that goes on over the page keeps its header
    headings.py              which paragraphs are headings
    visible_title.py         the largest letters at the top of the first page
    hyphens.py               words broken at the end of a line, mended
    addresses.py             and addresses and codes, joined
"""
