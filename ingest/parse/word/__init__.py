"""Word documents: DOCX made ready for `html_word_markdown`, which reads it as unstructured would, and better.

Its files:

    reader.py        the whole document: changes, boxes, notes, comments
    headings.py      headings that are stated by outline levels or were typed by hand
    contents.py      lists of contents that are fields or have styles of their own
    controls.py      what controls and symbols show: boxes to tick, choices, signs of Symbol and Wingdings
    links.py         where links and fields lead
    drawings.py      pictures, letters that are shapes, and where a click on them leads
    nodes.py         making and removing the elements of a Word document
    styles.py        how its letters look, by their own marks and by styles
    alt_chunks.py    web pages and other documents that a Word document takes in whole
    layout.py        tables that only lay out a page, marked header rows
    merged_cells.py  cells of a table that are merged over many rows
    xpaths.py        makes python-docx look into large documents in linear time
"""
