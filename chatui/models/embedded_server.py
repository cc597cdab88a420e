"""llama.cpp in our own process: loads a file of weights, runs generations, and ends cleanly.

`xllamacpp` is an extra. What is set below was found by running it; the comments say what went wrong without.
"""

from __future__ import annotations

import atexit
import os
import secrets
import threading
import time
from collections.abc import Callable
from typing import ClassVar

#: Tokens of prompt and reply together.
CONTEXT_LENGTH = 4096
#: Tokens of a text of which a vector is made.
EMBEDDING_LENGTH = 512

_SLOTS = 2
_BATCH = 128
_STOP_SECONDS = 10.0


class Server:
    """One loaded model a file and process."""

    _loaded: ClassVar[dict[tuple[str, bool], Server]] = {}
    _loading = threading.Lock()
    _running: ClassVar[dict[threading.Thread, threading.Event]] = {}

    def __init__(self, path: str, *, embedding: bool = False, mean: bool = False) -> None:
        import xllamacpp

        params = xllamacpp.CommonParams()
        params.model.path = path
        params.n_ctx = CONTEXT_LENGTH
        params.n_parallel = _SLOTS
        # A cancel is noticed between two batches: with llama.cpp's own 2048 a long prompt ran on for 40 s. 128 costs no speed,
        # less does.
        params.n_batch = params.n_ubatch = _BATCH
        if embedding:
            params.embedding = True
            # One text at a time, and the whole of it in one batch, or it is refused.
            params.n_ctx = params.n_batch = params.n_ubatch = EMBEDDING_LENGTH
            params.n_parallel = 1
        if mean:
            # A model that was made to chat says nothing of how its tokens' vectors become a text's.
            params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
        # Else the context is split between the slots.
        params.kv_unified = True
        # Else it writes over the screen.
        params.verbosity = -1
        params.warmup = params.fit_params = params.ui = params.endpoint_slots = False
        params.cache_ram_mib = 0
        # A loopback port always opens: nothing else on the machine may use it.
        params.api_keys = [secrets.token_hex(16)]
        for cpu in (params.cpuparams, params.cpuparams_batch):
            cpu.n_threads = max(1, (os.cpu_count() or 2) // 2)
            cpu.poll = 0
        self.server = xllamacpp.Server(params)

    @classmethod
    def get(cls, path: str, *, embedding: bool = False, mean: bool = False) -> Server:
        """Return the loaded model of a file; loads it at the first call, for about a second.

        Args:
            path: The file of weights.
            embedding: Whether it makes vectors, and no replies: llama.cpp takes a context for either.
            mean: Whether a text's vector is the mean of its tokens', whatever the file says.
        """
        with cls._loading:
            if (path, embedding) not in cls._loaded:
                cls._loaded[path, embedding] = cls(path, embedding=embedding, mean=mean)
            return cls._loaded[path, embedding]

    @classmethod
    def is_loaded(cls, path: str) -> bool:
        """Say whether a file is loaded now."""
        return (path, False) in cls._loaded

    @classmethod
    def running(cls) -> list[threading.Thread]:
        """The threads that generate now."""
        return list(cls._running)

    @classmethod
    def run(cls, work: Callable[[], None], cancel: threading.Event) -> None:
        """Generate in a thread of its own, which the end of the program can stop."""

        def generate() -> None:
            try:
                work()
            finally:
                cls._running.pop(threading.current_thread(), None)

        thread = threading.Thread(target=generate, daemon=True, name="chatui-embedded")
        cls._running[thread] = cancel
        thread.start()

    @classmethod
    def shut_down(cls) -> None:
        """Stop every generation and free the models. Leaving Python while one runs aborts the process (exit code 134)."""
        end = time.monotonic() + _STOP_SECONDS
        for cancel in list(cls._running.values()):
            cancel.set()
        for thread in list(cls._running):
            thread.join(max(0.0, end - time.monotonic()))
        if not cls._running:
            cls._loaded.clear()


atexit.register(Server.shut_down)
