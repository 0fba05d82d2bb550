"""Decides before the model is asked whether the hits can answer the question at all.

    fitted.py   the decision: how likely it is that a hit answers, by weights that were fitted to data
    weights.py  the weights: the shipped ones, or those of a home for one embedder
    fitting.py  how weights are fitted to questions that were asked
    wording.py  how much of a question's wording a chunk has, also through the dictionary
    words.py    the decision where hits have no vectors: by words alone

`weights.json` has the weights, and how they did on sets that they were not fitted to (docs/decisions/0017).
"""
