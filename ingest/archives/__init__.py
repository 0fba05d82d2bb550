"""Archives: tells which files are archives, lists their members, and opens them without trusting what they say.

Two stages use this package. Sources list archives as folders, and readers find archives inside documents.

    names.py          which files are archives, and what their members are called
    files.py          opening one archive; what is in a zip or tar file
    limits.py         the limits on what may come out, and the errors
    zip_entries.py    opening a zip file whose list of entries may be a lie
    aes_zip.py        members of a zip file that are encrypted with AES
    seven_zip_rar.py  7z and RAR, by libarchive
    nested.py         archives in archives, opened as far as they are needed
    child_process.py  all of that in a child process
"""
