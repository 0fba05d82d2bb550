"""Trains the additions with which the shipped model reads (`assistant/reading`).

office_documents.jsonl  small invented documents with questions in other words, and near misses
look_alikes.jsonl       the same, where the lines of a document look alike
office_held_out.jsonl   the same by another author: the test
office_facts.txt        statements of office life in both languages, each with questions in other words
office.py               the documents, and questions made from the facts and from tables with random cells
sets.py                 questions of sets in the BEIR layout, with the sentences that answer
prepare.py              the first command: texts in pieces, and the shipped model's numbers, in one file
prepared.py             what is in that file
sampling.py             the examples of an epoch: what answers, and what only looks like it
network.py              the layers in torch, with what is trained
train.py                the second command
judging.py              how well office documents are read that were not seen
"""
