"""What the chat model is told, in Chinese (simplified and traditional) and in English.

The texts are the `.txt` files in this folder.

Its files:

    messages.py         the messages of a request: rules, earlier turns, evidence, question
    answer_language.py  which language is answered in, and in which script
    refusals.py         the exact words of the answer if the evidence is missing
    fences.py           text from outside, made harmless for a prompt
"""
