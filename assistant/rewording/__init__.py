"""A query that finds little is tried again in other words: with the spelling mended, pinyin or its initials read as
Chinese, or the words of regulations beside those of everyday life.

Nothing here knows the words of the collection. Candidates come from the hits that this reader got, and from the
dictionary. What is taken is decided by searching as this reader. So nobody learns a word of a document that they may
not read.

    retriever.py     the layer around the retriever: synonyms always, another try where words are missing
    synonyms.py      the company's synonyms, read from a file that people edit, and the shipped everyday.txt
    well_worded.py   queries for which other words were tried in vain, so that they are not tried again
    seen.py          what the hits say: which words of a query they have, and how much of it the best one covers
    chinese.py       Chinese words that sound like the ones that were typed
    english.py       English words that are spelled like the ones that were typed
    typed_pinyin.py  pinyin in a query, and the Chinese that it may stand for
    initials.py      initials of pinyin in a query, and the words of the hits that they may stand for
"""
