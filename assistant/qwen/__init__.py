"""What is known of the Qwen chat models: a room of its own beside `models`, because settings, the command line and
exports read it where no model is opened.

    registry.py  the models, their series and their licences, read once from `assistant/qwen/models.toml`
    names.py     the words of a model's name, as hubs, servers and folders write it
    find.py      which row a name, a folder or an adapter stands for
    sizing.py    how much memory a model takes, and which fit
    memory.py    how much memory this machine has
    defaults.py  what the registry decides where a setting does not
"""
