"""Vectors by a model in our own process: the demo model's, or those of any embedding model's file.

The demo model was made to chat, and its vectors tell roughly what a text is about; a file of an embedding model does better.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

from chatui.errors import ContextTooLong, ServerFault, Unsupported
from chatui.models.embedded_server import Server
from chatui.models.refs import DEMO_MODEL, ModelRef
from chatui.text import clean_line

#: Characters of a text that are read: one processor takes 10 ms for a token, and few letters of some scripts are many of them.
MOST_CHARACTERS = 800


async def embed(ref: ModelRef, texts: Sequence[str]) -> list[list[float]]:
    """Return a vector for each text. Cancelling it ends the work behind the text that is being read.

    Args:
        ref: The model, whose weights are here.
        texts: None of them empty.

    Raises:
        MissingExtra: `xllamacpp` is not installed.
        UnknownModel: Its weights are not here.
        Unsupported: It is no model for vectors.
        ServerFault: It cannot be loaded, or failed.
    """
    loop, cancel = asyncio.get_running_loop(), threading.Event()
    done: asyncio.Future[list[list[float]]] = loop.create_future()

    def settle(made: list[list[float]], error: Exception | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(made)

    def work() -> None:
        made: list[list[float]] = []
        error: Exception | None = None
        try:
            server = _loaded(ref)
            for text in texts:
                if cancel.is_set():
                    break
                made.append(_one(server, ref, text[:MOST_CHARACTERS]))
        except Exception as caught:
            error = caught
        try:
            loop.call_soon_threadsafe(settle, made, error)
        except RuntimeError:  # the loop is closed: nobody waits any more
            return

    # In a thread that the end of the program waits for: leaving Python meanwhile aborts the process.
    Server.run(work, cancel)
    try:
        return await done
    finally:
        cancel.set()


def _loaded(ref: ModelRef) -> Server:
    from chatui.models.embedded import check_loadable

    path = check_loadable(ref)
    try:
        return Server.get(str(path), embedding=True, mean=ref == DEMO_MODEL)
    except RuntimeError as error:
        raise ServerFault(
            f"{clean_line(str(path))} cannot be loaded: {clean_line(str(error), 200)}.", "Is it a GGUF file?"
        ) from None


def _one(server: Server, ref: ModelRef, text: str) -> list[float]:
    while True:
        try:
            return _asked(server, ref, text)
        except ContextTooLong:
            # A text of rare signs has more tokens than letters.
            text = text[: len(text) // 2]
            if not text:
                raise


def _asked(server: Server, ref: ModelRef, text: str) -> list[float]:
    answer: dict[str, Any] = server.server.handle_embeddings({"input": [text]})
    try:
        vector = [float(number) for number in answer["data"][0]["embedding"]]
    except (KeyError, IndexError, TypeError, ValueError):
        vector = []
    if vector:
        return vector
    said = answer.get("error")
    words = clean_line(str(said.get("message", "") if isinstance(said, dict) else ""), 200)
    if "too large" in words or "context" in words:
        raise ContextTooLong("The text is too long for the embedding model.", "Shorten it.")
    if "pooling" in words.lower():
        raise Unsupported(f"{clean_line(str(ref))} is no embedding model.", "Choose one that is.")
    raise ServerFault(f"{clean_line(str(ref))} made no vector: {words or 'it gave no reason'}.", "Try again.")
