"""Documents of office programs: Word, PowerPoint, spreadsheets, RTF, OpenDocument, and e-books beside them.

Its files:

    word.py               DOCX, made ready for `html_word_markdown`, which reads it: changes, boxes, notes, comments
    word_headings.py      headings that are stated by outline levels or were typed by hand
    word_links.py         where links and fields lead
    word_nodes.py         making and removing the elements of a Word document
    word_styles.py        how its letters look, by their own marks and by styles
    alt_chunks.py         web pages and other documents that a Word document takes in whole
    typed_headings.py     judges which lines were made headings by hand, for every format
    word_layout.py        tables of a Word document: those that only lay out a page, marked header rows
    merged_cells.py       cells of a Word table that are merged over many rows
    xpaths.py             makes python-docx look into large documents in linear time
    slides.py             PPTX
    charts.py             the charts on its slides, as tables
    sheets.py             XLSX, XLS, CSV and TSV: their cells
    sparse_sheets.py      a sheet as the few cells that have content
    cells.py              what a cell shows: its value in its format, where its link leads
    number_formats.py     numbers as spreadsheets show them
    date_formats.py       dates, times and durations as spreadsheets show them
    formulas.py           computes simple formulas that have no stored value
    functions.py          the functions that it knows
    old_formulas.py       finds the formulas of XLS that have no stored value
    sheet_tables.py       the tables among them: each region of a sheet is one
    workbooks.py          opening a workbook without writing out areas that no sheet needs
    drawing_text.py       the text of shapes and diagrams, without what is struck through, with targets of links
    rtf.py                RTF
    opendocument_sheets.py  ODS
    opendocument_epub.py  ODT, ODS, ODP and EPUB
    opendocument_text.py  their texts: looks, struck-through text, links, headings typed by hand
    xml_sheets.py         workbooks that Excel 2003 saved as XML
    conversion.py         old formats, turned into newer ones by LibreOffice
    passwords.py          protected Office files
    document_properties.py  author, dates and number of pages of Office files
    ooxml.py              what DOCX, PPTX and XLSX have in common
    numerals.py           Chinese numerals, as Word and Excel count with them
"""
