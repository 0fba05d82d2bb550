"""Mail, and the documents inside a document.

Its files:

    message.py          EML and MSG: who and when, the body, what is attached
    attachments.py      each attachment read by the reader of its kind, within an allowance
    zip_attachments.py  the files of an attached zip archive
"""
