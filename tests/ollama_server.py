"""An Ollama server that does what a test says, with the words of a real one.

    with OllamaServer() as server:
        server.chats.append(stream("Hel", gate, "lo"))      # the next /api/chat; gate is a threading.Event
        server.answers["GET", "/api/tags"] = recorded("tags")
        ... use server.url ...
        assert server.requests[-1].body["model"] == "smol"

A reply is a list of steps: bytes to send, an event to wait for, `DROP` to close the connection at once. What is not set is
answered as the real server's recording did. `server.hung_up` is set when a client goes away while a reply waits.

    server.answers["GET", "/api/tags"] = tags("smol:latest", "big:70b", capabilities=["completion", "thinking"])
    server.chats.append(stream("Hel", threading.Event()))     # stalls until the client goes away
    server.chats.append(dropped("Hel"))                       # the connection breaks in the middle
    server.chats.append(cut_off("Hel"))                       # the body ends well, but without `done`
    server.chats.append(stream("Hel", ending=done("length"))) # the limit of tokens
    server.chats.append(stream(ending=chunk({"error": "x"}))) # an error inside of the stream
    server.chats.append(answer(500, {"error": "x"}))          # or 404, 401, or a page of HTML, or what is no JSON
    server.chats += [answer(503, {"error": "x"})] * BUSY      # 502 and 503 are asked again: this often in all
    await asyncio.to_thread(server.wait_for, "/api/chat")     # until it was asked
    server.embeds = lambda text: [1.0, 0.0]                   # /api/embed answers with these vectors
"""

from __future__ import annotations

import json
import select
import socket
import sys
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

DATA = Path(__file__).parent / "data" / "ollama"

#: Closes the connection without a word.
DROP = object()

#: How often chatui asks a server that answers 502 or 503 before it says so.
BUSY = 3

#: Seconds within which a connection has to be closed once a person stops what it is for.
HANGS_UP_WITHIN = 0.1

Step = bytes | threading.Event | object
Reply = list[Step]

_STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
_END = b"0\r\n\r\n"


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    method: str
    path: str
    body: Any
    headers: dict[str, str]


def recorded(name: str) -> Reply:
    """The real server's answer of this name, with a length where it was chunked."""
    head, _, body = (DATA / f"{name}.http").read_bytes().replace(b"\r\n", b"\n").partition(b"\n\n")
    lines = [
        line for line in head.split(b"\n") if not line.lower().startswith((b"transfer-encoding", b"content-length"))
    ]
    return [b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"", body])]


def answer(status: int, body: str | dict[str, Any], kind: str = "application/json") -> Reply:
    """An answer of one piece."""
    data = (body if isinstance(body, str) else json.dumps(body)).encode()
    head = f"HTTP/1.1 {status} Said\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n\r\n"
    return [head.encode() + data]


def tags(*names: str, **fields: Any) -> Reply:
    """An answer of /api/tags: the recorded model under other names, with other fields where they are given."""
    model = json.loads((DATA / "tags.http").read_bytes().replace(b"\r\n", b"\n").partition(b"\n\n")[2])["models"][0]
    model.update(fields)
    shown = {key: value for key, value in model.items() if value is not None}
    return answer(200, {"models": [{**shown, "name": name, "model": name} for name in names]})


def chunk(line: str | dict[str, Any]) -> bytes:
    """One line of a stream, as HTTP sends it."""
    data = ((line if isinstance(line, str) else json.dumps(line)) + "\n").encode()
    return b"%x\r\n%s\r\n" % (len(data), data)


def piece(text: str, *, thinking: str | None = None) -> bytes:
    """A piece of a reply."""
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if thinking is not None:
        message["thinking"] = thinking
    return chunk({"model": "smol", "created_at": "2026-11-22T11:46:55.7Z", "message": message, "done": False})


def done(reason: str = "stop") -> bytes:
    """The last line of a reply, with the figures of the recording."""
    last = json.loads((DATA / "chat_stream.ndjson").read_text().splitlines()[-1])
    return chunk({**last, "done_reason": reason})


def stream(*steps: str | Step, ending: bytes | None = None) -> Reply:
    """A streaming reply: texts become pieces, everything else stays a step. Ends as a real one does."""
    made: Reply = [_STREAM_HEAD]
    made += [piece(step) if isinstance(step, str) else step for step in steps]
    return [*made, done() if ending is None else ending, _END]


def cut_off(*texts: str) -> Reply:
    """A streaming reply that the server ends without its last line."""
    return [_STREAM_HEAD, *(piece(text) for text in texts), _END]


def dropped(*texts: str) -> Reply:
    """A streaming reply whose connection breaks."""
    return [_STREAM_HEAD, *(piece(text) for text in texts), DROP]


def real_stream() -> Reply:
    """The real server's streaming reply: "The capital of France is Paris."."""
    lines = (DATA / "chat_stream.ndjson").read_text().splitlines()
    return [_STREAM_HEAD, *(chunk(line) for line in lines), _END]


async def quickest(attempt: Callable[[], Awaitable[float]], server: OllamaServer) -> float:
    """Return the least of a few times from stopping until the server saw the client go; none more is taken once one is in the goal.

    A busy machine makes one of them late, a fault all.
    """
    found: list[float] = []
    while len(found) < 8 and min(found, default=1.0) >= HANGS_UP_WITHIN:
        server.hung_up.clear()
        found.append(await attempt())
    return min(found)


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that go away; everything else is a fault of the test."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class OllamaServer:
    """A server on a free port of this machine, for as long as the `with` block runs.

    Attributes:
        answers: By method and path; a path that is not there is answered as recorded.
        embeds: Makes the vectors of /api/embed; None to answer as `answers` says.
        chats: The replies to the next requests of /api/chat, in turn; without one the recorded stream comes.
        requests: What was asked, in order.
        hung_up: Set when a client disconnects from a reply that waits.
    """

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], Reply] = {
            ("GET", "/"): recorded("root"),
            ("GET", "/api/version"): recorded("version"),
            ("GET", "/api/tags"): recorded("tags"),
            ("GET", "/api/ps"): recorded("ps"),
            ("POST", "/api/show"): recorded("show"),
            ("POST", "/api/pull"): recorded("pull_fail"),
        }
        self.chats: list[Reply] = []
        self.embeds: Callable[[str], list[float]] | None = None
        self.requests: list[Request] = []
        self.hung_up = threading.Event()
        self._closing = threading.Event()
        self._arrived = threading.Condition()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer._serve(self)

            do_POST = do_DELETE = do_GET

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self._server = _QuietServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def asked(self) -> list[Any]:
        """The bodies of the chat requests."""
        return [request.body for request in self.requests if request.path == "/api/chat"]

    def wait_for(self, path: str, count: int = 1, seconds: float = 10.0) -> None:
        """Block until a path was asked so often. In a coroutine: `await asyncio.to_thread(server.wait_for, path)`."""

        def enough() -> bool:
            return sum(request.path == path for request in self.requests) >= count

        with self._arrived:
            assert self._arrived.wait_for(enough, seconds), f"{path} was not asked {count} times: {self.requests}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End it: nothing listens at its address any more."""
        if not self._closing.is_set():
            self._closing.set()
            self._server.shutdown()
            self._server.server_close()

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("Content-Length") or 0)
        data = handler.rfile.read(length)
        body = json.loads(data) if data else None
        with self._arrived:
            self.requests.append(Request(handler.command, handler.path, body, dict(handler.headers)))
            self._arrived.notify_all()
        for step in self.reply(handler.command, handler.path):
            if isinstance(step, threading.Event):
                if not self._wait(step, handler.connection):
                    handler.close_connection = True
                    return
            elif step is DROP:
                handler.close_connection = True
                handler.connection.shutdown(socket.SHUT_RDWR)
                return
            elif isinstance(step, bytes):
                try:
                    handler.wfile.write(step)
                except OSError:
                    self.hung_up.set()
                    handler.close_connection = True
                    return

    def reply(self, method: str, path: str) -> Reply:
        """What the next request is answered."""
        if path == "/api/chat":
            return self.chats.pop(0) if self.chats else real_stream()
        if path == "/api/embed" and self.embeds is not None:
            # The request was noted just before; chatui makes one of these at a time.
            body = next(request.body for request in reversed(self.requests) if request.path == path)
            return answer(200, {"model": body["model"], "embeddings": [self.embeds(text) for text in body["input"]]})
        return self.answers.get((method, path)) or recorded("nopath")

    def _wait(self, gate: threading.Event, connection: socket.socket) -> bool:
        """Wait for a test to open a gate; False if the client goes away first."""
        while not gate.wait(0.005):
            if self._closing.is_set():
                return False
            readable, _, _ = select.select([connection], [], [], 0)
            if readable and not connection.recv(1, socket.MSG_PEEK):
                self.hung_up.set()
                return False
        return True
