"""Statements with the passages that they cite, and what a check of citations should say of each.

    chinese.txt, english.txt, traditional.txt, fitting.txt, once_held_out.txt, second_held_out.txt
                    documents and statements about them, written by hand: what the check was fitted on. The last two
                    were held out until their figures had been reported. The last one is by another author than the rest
    held_out.txt    more of them, by a third author who had seen neither the check nor these. Nothing was chosen on them
    expand.py       makes the two files below from them
    passages.jsonl  the passages: `id`, `document`, `half`, `title`, `heading`, `language`, `text`
    pairs.jsonl     the pairs: `passage`, `statement`, `question`, `label`, `kind`, `holds`, `language`, `figures`

The form of the text files. The lines of the last three follow the statement that they change:

    === ID | TITLE | LANGUAGE       a document
    --- HEADING > HEADING           a passage, its text below
    S: / X:                         a statement that the passage supports, in its language / in another one
    f: OLD => NEW ; OLD => NEW      changes that make a figure wrong, each alone
    w: / n:                         the same for the subject, and for what is denied
    a: QUESTION => ANSWER           a question that names a wrong figure, and an answer that agrees
"""
