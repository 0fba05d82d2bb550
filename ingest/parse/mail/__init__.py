"""Mail, what has the form of one, and the documents inside a document.

Its files:

    message.py          EML and MSG: who and when, the body, what is attached
    web_archive.py      web pages that are saved like a mail: MHT, exports of Confluence
    attachments.py      each attachment read by the reader of its kind, within an allowance
    zip_attachments.py  the files of an attached zip, 7z or RAR archive
    tar_attachments.py  the files of an attached tar archive, and a file packed by gzip, bzip2 or xz
"""
