"""Reads passages with a question in mind: how likely each sentence or row of them answers it.

It is the shipped embedding model once more, with small additions to its weights that were trained on questions whose
answers are known (docs/decisions/0020). Nothing is downloaded, and nothing leaves this machine.

    model.py      a question and windows of passages in, log odds for each of their units out
    additions.py  the additions to the weights of the layers, `additions.npz`
"""
