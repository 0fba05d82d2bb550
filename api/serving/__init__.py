"""The process that serves: how it listens, starts and stops, and what it does beside answering.

From the outside to the inside:

    server.py       sockets, signals, one process or several
    worker.py       what each of several processes answers with
    starting.py     what is answered while the application is still being imported
    connections.py  how many connections there may be, and how long each may keep the server waiting
    executors.py    which threads blocking work crosses to
    drawing.py      the queue before the one renderer of page pictures
    scheduling.py   the schedule of the sources, beside the server
    logs.py         what is logged, and how many lines strangers can cause
"""
