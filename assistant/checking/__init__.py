"""Whether a passage supports a statement that cites it: by figures, by words, and across languages by meaning.

judging.py     one statement against the passages that it cites
figures.py     whether the passages have the figures, each for what the statement says that it is of
derived.py     figures that the statement works out from others: a total, what is left, the price of three nights
steps.py       the steps by which figures are worked out, and the words that each needs
cases.py       cases that the statement puts, which lie in a range of the passage: a 120 kg shipment
placing.py     whether a figure stands where the statement's words are: row, column, clause, beginning or end
worded.py      figures that are often none: one year, half, twice, every month
polarity.py    whether the statement denies what the passage says
passage.py     a passage, read once for all statements that cite it
segments.py    the clauses of a sentence and the cells of a table, each with its words and figures
quantities.py  numbers with their units, dates, times of day, ordinals, codes
spoken.py      times, lengths and coins as people say them: 一个半小时, at seven in the evening, two dozen
quantity.py    one of them: what it agrees with, and what it may be confused with
neighbours.py  14 to 17 October, 1小时30分钟: quantities that stand side by side
units.py       the units, and how they are converted
ranges.py      满三年不满五年, at most 30 days: what a figure may lie in
bridge.py      English words for Chinese ones, to find the clause of a figure in the other language
meaning.py     what a statement and a passage mean, by the embedder
"""
