"""What a terminal sends for a paste and for Alt+Enter, through the pty."""

from __future__ import annotations

from tests.e2e.conftest import chatui_json, leave
from tests.e2e.terminal import Terminal
from tests.ollama_server import OllamaServer, stream


def test_a_coloured_paste_and_alt_enter_send_nothing(server: OllamaServer) -> None:
    server.chats += [stream("Read.")]
    with Terminal(columns=120, rows=40) as terminal:
        terminal.wait_for("PROMPT")
        terminal.type("first")
        terminal.type("\x1b\r")
        terminal.type("\x1b[200~a\tb\rc\x1b[31md é\r\x1b[0m\x1b[201~")
        terminal.type("last")
        # With an Enter among it, there would be a message above the prompt by now.
        terminal.wait_for("last")
        assert chatui_json("threads") == []
        terminal.press("enter")
        terminal.wait_for("Read.")
        leave(terminal)
    (thread,) = chatui_json("threads")
    messages = chatui_json("show", thread["thread_id"])["messages"]
    assert [message["text"] for message in messages] == ["first\na\tb\ncd é\nlast", "Read."]
