"""How far the hits of a search stand out from what does not answer. The gate decides by these signals.

    standing_out.py  the signals of each hit
    background.py    how near a question is to any text at all, for a scale that fits every embedder

`background.zh.txt` and `background.en.txt` are short passages on everyday subjects. `background.npz` has the shipped
embedder's vectors of them.
"""
