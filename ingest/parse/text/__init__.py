"""Formats that are text: which encoding they are in, and what their marks mean.

Its files:

    characters.py    the characters of a text that a person reads: none that nobody sees, and no radicals
    encoding.py      from bytes to text, whatever the encoding
    scripts.py       the guess: which encoding makes common characters of these bytes
    plain.py         plain text, JSON, notebooks, XML
    columns.py       tables without marks, by tabs or spaces between their columns, in Word and its like too
    html_headings.py headings of web pages that were typed by hand
    html_marks.py    what a person reads of a web page: not what is hidden or struck through
    html_styles.py   which parts those are, by tags, attributes and styles
    html_pictures.py the words in the pictures of a page, written into it
    html_drawings.py what a page draws: image maps, SVG, the shapes of Office
    html_contents.py lists of contents of web pages
    html_numbers.py  numbers in them as Excel shows them
    html_links.py    where the links of a page lead
    markdown.py      Markdown, as HTML
    confluence.py    pages of Confluence in its storage format, as HTML
    markup.py        reStructuredText and Org
    markup_inline.py the marks inside their lines: links, literals, struck-through text
    rst_tables.py    the tables of reStructuredText
    xml_entities.py  whether an XML file declares entities, found out without parsing it
"""
