"""Documents of office programs that have no room of their own, and what Word files, sheets and slides have in common.

Its files:

    slides.py               PPTX
    rtf.py                  RTF
    rtf_states.py           what its groups inherit: looks and encoding of letters
    rtf_story.py            one text of it (body, box, note, header), as it is collected
    rtf_blocks.py           what such a text is made of: paragraphs and tables
    rtf_tables.py           its tables: merged cells, by the places where cells end
    opendocument_epub.py    ODT, ODS, ODP and EPUB
    opendocument_flat.py    FODT, FODS and FODP, made into zip files
    opendocument_margins.py headers and footers of their texts
    opendocument_text.py    their texts: looks, hidden and struck-through text, links, headings typed by hand
    opendocument_tables.py  their tables: cells, header rows, tables that only lay out a page
    opendocument_styles.py  their styles, for texts and sheets
    opendocument_objects.py  charts, formulas and documents inside them
    opendocument_charts.py  their charts as tables
    charts.py               charts as tables
    embedded_objects.py     documents of other programs inside an Office file
    ole_storage.py          makes files of the storages in which old workbooks keep such documents
    drawing_text.py         the text of shapes and diagrams, without what is struck through, with targets of links
    typed_headings.py       judges which lines were made headings by hand, for every format
    ooxml.py                what DOCX, PPTX and XLSX have in common
    document_properties.py  author, dates and number of pages of Office files
    numerals.py             Chinese numerals, as Word and Excel count with them
    conversion.py           old formats, turned into newer ones by LibreOffice
    passwords.py            protected Office files
"""
