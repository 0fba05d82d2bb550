"""Parse: a reference becomes elements, whatever the format of the document. `parsed` is where it begins.

Nothing is imported here: whoever needs one small part, such as a page's picture, does not load every reader.
"""
