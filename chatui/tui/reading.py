"""Reading messages: copy, carry over, details, thinking, two branches side by side, the raw checkpoints."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from chatui.conversation.compare import compare
from chatui.conversation.tree import Message, Recalled, Sent
from chatui.errors import ChatuiError
from chatui.text import clean, clean_line
from chatui.tui import figures, labels
from chatui.tui.markdown import Leaf, blocks
from chatui.tui.message import INTERRUPTIONS, alternatives_sign

if TYPE_CHECKING:
    from chatui.conversation.engine import Conversation
    from chatui.tui.chat import ChatScreen
    from chatui.tui.turns import Handler


class Reading:
    """What is read and not changed in the open thread, on behalf of the main screen."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen
        self._first: Message | None = None  # the end of the first of two branches to compare

    def handlers(self) -> dict[str, Handler]:
        """Return what carries out which action."""
        return {
            "message.copy": lambda _: self._copy(),
            "message.copy_code": lambda _: self._copy_code(),
            "message.carry": lambda _: self._carry(),
            "message.details": lambda _: self._details(),
            "message.reasoning": lambda _: self._reasoning(),
            "message.compare": lambda _: self._compare(),
            "message.timeline": lambda _: self._timeline(),
        }

    # Taking text elsewhere

    def _copy(self) -> None:
        message = self._screen.transcript.selected
        if message is not None:
            self._hand_over(message.text)

    def _hand_over(self, text: str) -> None:
        self._screen.app.copy_to_clipboard(text)
        count = labels.plural(len(text), "character")
        self._screen.say(f"{count} handed to the terminal's clipboard.", severity="information")

    def _copy_code(self) -> None:
        from chatui.tui.codeblocks import CodeBlocks

        screen, message = self._screen, self._screen.transcript.selected
        if message is None:
            return
        found = [leaf for block in blocks(clean(message.text)) for leaf in block.leaves if leaf.kind == "code"]
        if not found:
            screen.say("This message has no block of code.", severity="information")
        elif len(found) == 1:
            self._hand_over(found[0].content.plain)
        else:

            def chosen(leaf: Leaf | None) -> None:
                if leaf is not None:
                    self._hand_over(leaf.content.plain)

            screen.app.push_screen(CodeBlocks(found), chosen)

    def _carry(self) -> None:
        screen, message = self._screen, self._screen.transcript.selected
        thread = screen.conversation.thread()
        if message is None or thread is None:
            return
        who = "me" if message.role == "user" else clean_line(labels.short_model(message.model)) or message.role
        place = f"#{message.depth} {alternatives_sign(message)}".strip()
        note = f"From “{thread.title or labels.UNTITLED}”, {place}, {who}:"
        quoted = "\n".join(f"> {line}".rstrip() for line in clean(message.text).strip().split("\n"))
        before = f"{screen.prompt.text.rstrip()}\n\n" if screen.prompt.text.strip() else ""
        screen.prompt.hold(f"{before}{note}\n{quoted}\n\n")
        screen.prompt_focus()

    # One message

    def _reasoning(self) -> None:
        if not self._screen.transcript.toggle():
            self._screen.say("This message has no thinking and no file to open.", severity="information")

    def _details(self) -> None:
        from chatui.tui.dialogs import Facts

        message = self._screen.transcript.selected
        if message is None:
            return
        below = self._screen.conversation.upkeep.count_below(message.node_id) - 1
        origin = self._screen.conversation.upkeep.origin()
        facts = [
            ("Message", f"#{message.depth} {alternatives_sign(message)}"),
            ("Role", message.role),
            ("Name", message.name or ""),
            ("Star", "yes" if message.starred else ""),
            ("Time", labels.exact_time(message.created_at)),
            ("Model", message.model or ""),
            ("Tokens", figures.tokens(message)),
            ("Sent", _sent(message) if message.role == "assistant" else ""),
            *_besides(message, self._screen.conversation),
            ("Seconds", _seconds(message)),
            ("Thought", labels.seconds(message.reasoning_seconds) if message.reasoning_seconds is not None else ""),
            ("Length", labels.plural(len(message.text), "character")),
            ("Below", labels.plural(below, "message") if below else ""),
            ("Interrupted", INTERRUPTIONS[message.interrupted] if message.interrupted else ""),
            ("Thread", origin.sentence("“”") if origin else ""),
            ("Checkpoint", message.checkpoint_id or "made when it is needed"),
            ("Message id", message.message_id),
            ("Node", message.node_id),
        ]
        self._screen.app.push_screen(Facts("Details", facts))

    # Branches and checkpoints

    async def _compare(self) -> None:
        screen = self._screen
        head = screen.conversation.head()
        if head is None:
            screen.say("There is nothing to compare yet.", severity="information")
            return
        first = self._first
        if first is None or not screen.travel.comparing:
            # The line goes when the thread is left, and the choice with it.
            self._first = head
            where = f"the branch that ends with #{head.depth}"
            how = "Go to the other one (t, or [ and then → or ←), then = again. Esc here ends it."
            screen.travel.comparing = f"Comparing {where}. {how}"
            screen.show_state()
            return
        self._first, screen.travel.comparing = None, ""
        screen.show_state()
        await self._show_comparison(first, head)

    async def _show_comparison(self, first: Message, second: Message) -> None:
        from chatui.tui.compare import CompareScreen, reason_not_to

        screen = self._screen
        conversation = screen.conversation
        a, b = conversation.path(first.node_id), conversation.path(second.node_id)
        # Off the screen's loop: the words of two long answers take a while.
        comparison = await asyncio.to_thread(compare, a, b)
        if reason := reason_not_to(comparison):
            screen.say(reason, severity="information")
            return

        async def chosen(side: int | None) -> None:
            if side is None or not screen.travel.idle():
                return
            try:
                message = await conversation.go_to((first, second)[side].node_id)
            except ChatuiError as error:
                screen.say(error)
                return
            await screen.travel.arrive(message)
            screen.prompt_focus()

        thread = conversation.thread()
        title = thread.title if thread else ""
        screen.app.push_screen(CompareScreen(comparison, title, plain=screen.plain), chosen)

    async def _timeline(self) -> None:
        from chatui.tui.timeline import Choice, TimelineScreen

        screen = self._screen
        conversation = screen.conversation
        steps = await conversation.upkeep.timeline()
        if not steps:
            screen.say("There is no checkpoint yet: this thread has no message.", severity="information")
            return

        async def chosen(choice: Choice | None) -> None:
            if choice is None or not screen.travel.idle():
                return
            step = choice.step
            try:
                if choice.regenerate and step.node_id:
                    await screen.turns.regenerate(step.node_id)
                    return
                message = await conversation.fork(step.checkpoint_id)
            except ChatuiError as error:
                screen.say(error)
                return
            await screen.travel.arrive(message)
            screen.prompt_focus()

        thread = conversation.thread()
        head = thread.active_checkpoint_id if thread else None
        messages = {message.node_id: message for message in conversation.tree()}
        dialog = TimelineScreen(steps, messages, head, conversation.upkeep.state, plain=screen.plain)
        screen.app.push_screen(dialog, chosen)


def _seconds(message: Message) -> str:
    if message.seconds is None:
        return ""
    first = message.first_token_seconds
    line = f"{message.seconds:.1f}" + (f", {first:.1f} to the first token" if first is not None else "")
    load = message.sent.load_seconds if message.sent else None
    return f"{line} ({load:.1f} to load the model)" if load is not None and load >= 0.05 else line


def _sent(message: Message) -> str:
    """What the model was sent for an answer, as a sentence."""
    sent = message.sent
    if sent is None:
        return "not recorded"
    tokens = f"about {sent.estimated_tokens:,}"
    tokens += f" of {sent.context_length:,} tokens" if sent.context_length else " tokens"
    count = labels.plural(sent.messages, "message")
    line = f"{count}{' and the system prompt' if sent.system_prompt else ''}, {tokens}"
    if sent.left_out:
        line += "; the oldest was left out" if sent.left_out == 1 else f"; the {sent.left_out:,} oldest were left out"
    return f"{line}; of these the server itself dropped about {sent.cut:,}" if sent.cut else line


def _recall(sent: Sent) -> str:
    """How other threads were searched, and how much of them the model was sent; "" where they were not."""
    if not sent.recall:
        return ""
    count = labels.plural(len(sent.recalled), "message")
    return (
        f"{sent.recall}: {count} (about {sent.tokens.get('recalled', 0):,} tokens)"
        if sent.recalled
        else f"{sent.recall}: nothing"
    )


def _recalled(item: Recalled) -> str:
    """What of another thread the model was sent, as a line."""
    alike = f", {item.likeness:.2f} alike" if item.likeness is not None else ""
    count = f" (about {item.tokens:,} tokens{alike})" if item.tokens else ""
    return f"“{labels.fit(item.title, 40)}”{count}: {item.text}" if item.text else f"(not there any more){count}"


def _besides(message: Message, conversation: Conversation) -> list[tuple[str, str]]:
    """What else the model was sent for an answer, and which messages, each with its estimated tokens."""
    sent = message.sent
    if sent is None or not sent.strategy:
        return []
    memory, prompt = conversation.memory.user, conversation.prompt_of(message)
    last = message.depth - 1
    first = sent.left_out + 1 + sent.lead
    which = f"#{first} to #{last}" if first < last else f"#{last}"
    which = f"#1 and {which}" if sent.lead else which

    def tokens(part: str) -> str:
        return f" (about {sent.tokens.get(part, 0):,} tokens)"

    return [
        ("Strategy", f"{sent.strategy}: {which}{tokens('messages')}"),
        ("Summary", f"of #1 to #{sent.summarised}{tokens('summary')}: {sent.summary}" if sent.summary else ""),
        ("Remembered", f"{labels.plural(len(sent.memories), 'thing')}{tokens('memories')}:" if sent.memories else ""),
        *(("", text if text is not None else "(forgotten)") for text in memory.told(sent)),
        ("Recall", _recall(sent)),
        *(("Recalled", _recalled(item)) for item in memory.recalled(sent, prompt)),
    ]
