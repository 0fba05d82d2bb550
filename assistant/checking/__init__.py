"""Whether a passage supports a statement that cites it: by figures, by words, and across languages by meaning.

judging.py     one statement against the passages that it cites
figures.py     whether the passages have the figures, each for what the statement says that it is of
segments.py    the clauses of a sentence and the cells of a table, each with its words and figures
quantities.py  numbers with their units, dates, times of day, ordinals, codes
units.py       the units, and how they are converted
ranges.py      满三年不满五年, at most 30 days: what a figure may lie in
bridge.py      English words for Chinese ones, to find the clause of a figure in the other language
meaning.py     what a statement and a passage mean, by the embedder
"""
