"""What the faces show of an answer beside its text.

places.py       "page 3" and "第 3 页", and the link to a passage
nearest.py      the heading and the snippets of the passages nearest to a refused question
transcript.py   a conversation as Markdown, to take along
notices.py      the sentence that says an answer could not be checked
renumbering.py  sources numbered as they are cited, for clients that expect this order
"""
