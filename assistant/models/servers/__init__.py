"""The kinds of chat servers: what each can do, and which one stands at an address.

Its files:

    servers.toml   what is known of each kind, as data, and how it is known
    kinds.py       reads that data
    identity.py    finds out what stands at an address: its kind, its models, their context windows
    counting.py    has the server count the tokens of a prompt
"""
