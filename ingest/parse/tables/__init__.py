"""Tables of every format: rows of cells become elements of text.

Its files:

    below.py     lines that stand below a table, in its rows
    beside.py    tables that stand beside each other
    units.py     rows that only say units
    headers.py   which rows are headers, and which tables have none
    labels.py    by its words, what a cell may be: a label, a value, the name of a column
    layout.py    tables that only lay out a page, and boxes of one cell
    elements.py  a table as elements, long ones part by part with their header
    markdown.py  rows as a Markdown table, and back
"""
