"""Trains the additions with which the shipped model reads (`assistant/reading`).

office_facts.txt  statements of office life in both languages, each with questions in other words
office.py         questions made from them, and from tables with random cells
sets.py           questions of sets in the BEIR layout, with the sentences that answer
network.py        the layers in torch, with what is trained
train.py          the command
"""
