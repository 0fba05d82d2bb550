"""PDF files: opening them, their text layer and drawn lines, their form, and their pages as pictures.

Its files:

    reader.py            the chain: open, read each page by its text or by OCR, headings, fields
    unlock.py            opening a file, with passwords
    streams.py           what a file unpacks to, counted before pdfium unpacks it
    page_text.py         one page by its text layer, or by OCR
    pictures_on_page.py  words in pictures beside text
    painted_areas.py     areas that a pattern or a mask paints, whose words are in no text layer
    text_layer.py        characters and boxes out of pdfium, as segments
    text_directions.py   which of them read upwards, downwards or at a slant
    direct_calls.py      calls of pdfium for every character, made fast
    garbled_text.py      whether a text layer says anything, or OCR must read the page
    garbled_runs.py      the few characters of a good page that their font does not tell, read by OCR
    silent_characters.py characters that are seen and have no code, so that they would vanish
    drawn_lines.py       straight lines on a page, and the grids that they make
    link_targets.py      where links lead, in their text
    attachments.py       the files attached to it
    outline.py           the bookmarks
    fields.py            filled-in fields, comments, title and author
    stamps.py            what stamps, text boxes and signatures show
    form_structure.py    whether a form can be opened without harm, and when it is
    page_picture.py      a page as a picture, for citations
"""
