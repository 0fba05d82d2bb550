"""Chooses what is quoted from the evidence if there is no chat model: the sentence or the table row that answers.

Its files:

    parts.py      what of a passage can be quoted: sentences, table rows, lists, the answers of questions
    asked.py      what a question asks for, and its words in both languages
    kinds.py      the kinds of an answer: a person, a place, a time, a price; which texts give one
    forms.py      the form that an answer must have: a sum of money, a duration, a phone number
    intervals.py  the ranges that a text states, and whether a number of the question is in one
    fitting_rows.py  the rows whose range holds a number of the question
    times.py      whether a part is about the day, time or quarter of the question
    windows.py    the parts that are read together, so short that reading is cheap
    reading.py    reads the windows whose words fit best, for the gate and for the choice
    choose.py     gives each part a score and takes the best one, or two
    shown.py      a chosen part as Markdown, and our own words around it
"""
