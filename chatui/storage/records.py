"""What the file holds, as plain data: threads, messages, what a search finds, partial replies.

A thread is a tree. A `Message` is one node of it and knows its parent; siblings are alternatives; the path from the
root to a leaf is a branch; the head is the message that the next turn continues from. `conversation/tree.py` walks them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import msgspec

Role = Literal["user", "assistant", "system", "tool"]

#: Why a reply is not whole: the user stopped it, the limit of tokens cut it, the connection or the model failed, or the
#: process ended.
Interruption = Literal["stopped", "length", "lost", "failed", "crashed"]


def now() -> str:
    """The time as this file writes it: ISO 8601 in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Usage(msgspec.Struct, frozen=True):
    """Tokens of one model call, as the model's server counted them."""

    input_tokens: int
    output_tokens: int
    total_tokens: int


class Recalled(msgspec.Struct, frozen=True):
    """What another thread of the same user said, that fits a prompt.

    Attributes:
        thread_id: The thread.
        node_id: The message.
        role: Who said it.
        title: The thread's title; "" where it is not there any more, and in what is kept with a reply.
        text: What of it is sent; "" as the title is.
        likeness: The cosine between it and the prompt where embeddings found it, None where they did not.
        worded: Whether full text found it: of a long text the part with the prompt's words is sent then, else its beginning.
        tokens: As estimated, of what was sent; 0 where it was not counted.
    """

    thread_id: str
    node_id: str
    role: Role
    title: str = ""
    text: str = ""
    likeness: float | None = None
    tokens: int = 0
    worded: bool = False


class User(msgspec.Struct, frozen=True):
    """Somebody who has something in the file, with what there is that is not deleted."""

    user: str
    threads: int
    messages: int


class Memory(msgspec.Struct, frozen=True):
    """One thing that is remembered of a user. `source_thread_id` is the thread where it came from, None for none."""

    memory_id: str
    user: str
    text: str
    created_at: str
    source_thread_id: str | None = None


class Told(msgspec.Struct, frozen=True):
    """What a model was told of a memory: which one, and after how many changes of it. Its text is kept with the memory alone."""

    memory_id: str
    version: int = 0


class Fact(msgspec.Struct, frozen=True):
    """A memory as it is sent."""

    told: Told
    text: str


class Summary(msgspec.Struct, frozen=True):
    """A summary of a branch from its root to a message.

    Attributes:
        node_id: That message.
        depth: Its depth: how many messages are summarised.
        text: The summary.
        model: Who wrote it.
        edited: Whether a person changed it.
        created_at: When.
    """

    node_id: str
    depth: int
    text: str
    model: str
    edited: bool
    created_at: str


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What a model was sent for a reply, and what its server told of it.

    Attributes:
        messages: How many, the system prompt not counted.
        system_prompt: Whether one stood before them.
        left_out: How many messages of the branch, its oldest, the memory strategy left out.
        estimated_tokens: Of all that was sent, as estimated before the call; `Usage` has what the server counted.
        context_length: The tokens that the model took then, None where unknown.
        cut: How many of the messages that were sent, the oldest, the server itself dropped without saying so, as far as its count
            of tokens tells.
        strategy: The memory strategy; "" where it was not recorded.
        lead: Whether the first of the messages is the branch's first, a system message, and the others its end.
        summary: The summary of the first messages of the branch, as it was sent; "" for none.
        summarised: How many messages it covered.
        memories: What was sent of what is remembered of the user. Never its text: who forgets something wants it gone here too.
        recalled: What was sent of other threads. Never its text: who purges a thread wants it gone here too.
        recall: How they were searched: "by full text", "by embeddings of ollama:nomic-embed-text"; "" where they were not.
        tokens: The estimated tokens of each part: system, memories, summary, recalled, messages.
        load_seconds: How long its server loaded the model, None where it does not say.
        writing_seconds: How long it wrote the reply, None where it does not say.
        written_tokens: How many tokens it wrote in that time.
    """

    messages: int
    system_prompt: bool = False
    left_out: int = 0
    estimated_tokens: int = 0
    context_length: int | None = None
    cut: int = 0
    strategy: str = ""
    lead: bool = False
    summary: str = ""
    summarised: int = 0
    memories: list[Told] = []
    recalled: list[Recalled] = []
    recall: str = ""
    tokens: dict[str, int] = {}
    load_seconds: float | None = None
    writing_seconds: float | None = None
    written_tokens: int | None = None


class Thread(msgspec.Struct, frozen=True, kw_only=True):
    """One saved conversation, as a list shows it.

    Times are ISO 8601 in UTC. `message_count` counts all nodes of the tree that are not deleted, `branch_count` its leaves.
    `active_checkpoint_id` is the checkpoint of the head, None before the first message.
    """

    thread_id: str
    title: str
    user: str
    model: str | None
    memory: str | None
    created_at: str
    updated_at: str
    message_count: int
    branch_count: int
    active_checkpoint_id: str | None
    pinned: bool = False
    archived: bool = False
    deleted: bool = False
    #: A reply that a crash cut off waits here (not part of the JSON of the shell).
    interrupted: bool = False


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message: a node of the tree.

    `node_id` is made from the position and the content, so it is the same after the index is rebuilt. `checkpoint_id` is the
    checkpoint whose state ends with this message, None where several messages came in one step and this is not the last.
    `alternative` counts from 1 among the `alternatives` siblings that share a parent.
    """

    node_id: str
    parent_id: str | None
    checkpoint_id: str | None
    message_id: str
    role: Role
    text: str
    reasoning: str = ""
    model: str | None = None
    created_at: str = ""
    usage: Usage | None = None
    #: Seconds from the request to the end of the reply, and to its first token.
    seconds: float | None = None
    first_token_seconds: float | None = None
    #: Seconds from the first thought to the first word of the answer.
    reasoning_seconds: float | None = None
    #: None where it was not recorded: of prompts, of other programs' replies, and of those before chatui recorded it.
    sent: Sent | None = None
    interrupted: Interruption | None = None
    name: str | None = None
    starred: bool = False
    depth: int = 0
    alternative: int = 1
    alternatives: int = 1
    on_active_path: bool = False


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """A message that a search found.

    `snippet` is the part of its text that shows why, on one line and clean; `marks` are the (start, end) of the matches in it.
    """

    thread_id: str
    title: str
    user: str
    archived: bool
    checkpoint_id: str | None
    message_id: str
    node_id: str
    role: Role
    snippet: str
    marks: list[tuple[int, int]]
    created_at: str
    depth: int
    on_active_path: bool = False


class Partial(msgspec.Struct, frozen=True, kw_only=True):
    """A reply that was streaming when its process ended.

    `checkpoint_id` is the checkpoint that ends with the prompt it answers.
    """

    thread_id: str
    checkpoint_id: str
    message_id: str
    model: str
    text: str
    reasoning: str
    started_at: str
    updated_at: str
