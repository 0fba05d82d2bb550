"""Parse: a reference becomes elements, for every document format. It begins in `parsed`.

Nothing is imported here. So code that needs one small part, such as a page's picture, does not load every reader.
"""
