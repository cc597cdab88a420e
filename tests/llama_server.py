"""llama.cpp's own HTTP server, with a real model: `llama_server.py WEIGHTS NAME CONTEXT [KEY]`.

Prints its address once it answers, and ends when its input does.
"""

from __future__ import annotations

import sys
import urllib.request

import xllamacpp


def main(weights: str, name: str, context: str, *keys: str) -> None:
    params = xllamacpp.CommonParams()
    params.model.path = weights
    params.model_alias = {name}
    params.n_ctx = int(context)
    params.n_batch = params.n_ubatch = 128
    # One at a time: a reply that went on after it was stopped would keep the next one waiting.
    params.n_parallel = 1
    params.verbosity = -1
    params.warmup = params.fit_params = params.ui = False
    params.port = 0
    params.api_keys = list(keys)
    # It is ready when this returns, on a free port of 127.0.0.1.
    server = xllamacpp.Server(params)
    with urllib.request.urlopen(f"{server.listening_address}/health") as answer:
        assert answer.status == 200
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
