"""Archives: tells which files are archives, lists their members, and opens them without trusting what they say.

Two stages use this package. Sources list archives as folders, and readers find archives inside documents.

    names.py          which files are archives, and what their members are called
    files.py          what is in one zip or tar file, and the limits on what may come out
    zip_entries.py    opening a zip file whose list of entries may be a lie
    nested.py         archives in archives, opened as far as they are needed
    child_process.py  all of that in a child process
"""
