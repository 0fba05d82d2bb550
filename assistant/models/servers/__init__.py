"""The kinds of chat servers: what each can do, and which one stands at an address.

Its files:

    servers.toml   what is known of each kind, as data, and how it is known
    kinds.py       reads that data
    asking.py      asks a server something about itself
    identity.py    finds out what stands at an address: its kind, its models, their context windows
    ollama.py      what Ollama says of its models, and the window that it is told to give one
    wires.py       the two forms of requests and answers: OpenAI's and Ollama's own
    streams.py     decodes the bytes of a stream in each of these forms
    counting.py    has the server count the tokens of a prompt
"""
