"""The main screen: threads, messages, prompt. It reads and writes through the library; the widgets do neither.

What its keys do stands in files beside it: turns.py (send, regenerate, edit, stop), offers.py (what can be done after a crash or
a failure), travel.py (move in the tree), shelf.py (threads and models), and, loaded when first asked for, marks.py (stars, names,
deleting, copying out), reading.py (copy, details, compare, timeline) and finding.py (search). What is shown around the messages is
around.py.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, cast

from textual._context import active_app
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import ScreenResume
from textual.message import Message as TextualMessage
from textual.screen import Screen
from textual.widgets import Static

from chatui.conversation.engine import Conversation
from chatui.conversation.events import Event
from chatui.conversation.tree import Message
from chatui.errors import ChatuiError, SchemaChange
from chatui.text import clean_line
from chatui.tui import labels
from chatui.tui.around import Around
from chatui.tui.commands import Slash, acts_on_a_message, parse_slash, similar_command
from chatui.tui.drafts import Drafts
from chatui.tui.keys import bindings
from chatui.tui.markdown import allowed
from chatui.tui.menus import Menus
from chatui.tui.offers import Offers
from chatui.tui.prompt import Prompt
from chatui.tui.replies import Refused, Reply
from chatui.tui.shelf import Shelf
from chatui.tui.status import KeyLine, StatusLine
from chatui.tui.threads import PAGE, ThreadsPane
from chatui.tui.transcript import Transcript
from chatui.tui.travel import Travel
from chatui.tui.turns import Turns

if TYPE_CHECKING:
    from chatui.tui.app import ChatApp
    from chatui.tui.find import FindBar
    from chatui.tui.finding import Finding
    from chatui.tui.notices import Offer
    from chatui.tui.tree_view import TreeView

#: Seconds between two paints of a reply, between two looks for other windows' changes, and before a draft is kept.
PAINT, LOOK, KEEP = 0.1, 0.5, 0.6

EMPTY = "Write a message, and Enter sends it.\n\nCtrl+O chooses a model · F2 lists threads · F1 helps"


class ChatScreen(Screen[None], inherit_css=False):
    """Threads, messages and prompt of one open thread."""

    BINDINGS = bindings("everywhere")
    COMPONENT_CLASSES = Screen.COMPONENT_CLASSES
    AUTO_FOCUS = ""
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-medium"), (120, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-short"), (24, "-tall")]  # noqa: RUF012

    class ReplyNews(TextualMessage):
        """A reply began, ended, or was refused; in whichever thread."""

        def __init__(self, reply: Reply, event: Event | Refused) -> None:
            super().__init__()
            self.reply = reply
            self.event = event

    def __init__(self, thread_id: str | None, *, plain: bool = False) -> None:
        # The classes that Textual would set at the first resize: setting them now spares every widget one more styling.
        wide, high = self._active_size()
        super().__init__(classes=" ".join([*(["-plain"] if plain else []), wide, high]))
        self.plain = plain
        self._first_thread = thread_id
        self.chat = cast("ChatApp", self.app)
        self.library = self.chat.library
        self.conversation = self.library.conversation()
        self.threads = ThreadsPane(plain=plain)
        self.transcript = Transcript(plain=plain)
        self.transcript.thoughts_open = self.library.config.display.thinking == "open"
        self.prompt = Prompt()
        self._offer: Offer | None = None
        self.turns = Turns(self)
        self.offers = Offers(self)
        self.travel = Travel(self)
        self.around = Around(self)
        self.shelf = Shelf(self)
        self._finding: Finding | None = None
        self.menus = Menus(self)
        self.drafts = Drafts(self)
        self._looks = 0
        self._handlers = {
            **self.turns.handlers(),
            **self.travel.handlers(),
            **self.shelf.handlers(),
            **self.chat.handlers(),
        }

    @classmethod
    def _active_size(cls) -> tuple[str, str]:
        size = active_app.get().size
        wide = [name for least, name in cls.HORIZONTAL_BREAKPOINTS or () if size.width >= least][-1]
        high = [name for least, name in cls.VERTICAL_BREAKPOINTS or () if size.height >= least][-1]
        return wide, high

    def compose(self) -> ComposeResult:
        with Horizontal(id="body"):
            yield self.threads
            with Vertical(id="main"):
                yield Static(EMPTY, id="empty", markup=False)
                yield self.transcript
                # The prompt is given the focus at once: its box need not be styled once without and once with it.
                with Vertical(id="prompt-box", classes="-focus"):
                    yield self.prompt
        yield StatusLine()
        yield KeyLine()

    def on_screen_resume(self, event: ScreenResume) -> None:
        if not self.stack_updates:
            # The first time all widgets have just been styled.
            event.refresh_styles = False

    async def on_mount(self) -> None:
        self.prompt.placeholder = "Write a message"
        # What is written from now on is seen: its first answer is always no.
        self.library.changed()
        self.refresh_threads()
        await self._open(self._first_thread)
        self.set_interval(PAINT, self._paint)
        self.set_interval(LOOK, self._look)
        self.set_interval(KEEP, self.drafts.keep)

    @property
    def offer(self) -> Offer:
        """What is offered above the prompt. Made when it is first asked for: the first paint has none."""
        if self._offer is None:
            from chatui.tui.notices import Offer

            self._offer = Offer()
        return self._offer

    # The open thread

    @property
    def thread_id(self) -> str:
        """The open thread; of a new one, the id that it will have."""
        return self.conversation.thread_id

    @property
    def reply(self) -> Reply | None:
        """The reply that streams in the open thread."""
        return self.chat.replies.of(self.thread_id)

    async def open(self, thread_id: str | None) -> None:
        """Open a thread at its head; None begins a new one, or goes on with what was written in one and not sent."""
        await self.drafts.keep()
        self.turns.leave()
        self.travel.leave()
        await self._open(thread_id)
        if thread_id is not None:
            await self.library.viewed(thread_id)

    async def _open(self, thread_id: str | None) -> None:
        """Show a thread. Reads only: writing loads modules that the first paint does without."""
        replies = self.chat.replies
        self.conversation = (
            self.library.conversation(thread_id) if thread_id else self.library.unmade(replies.threads())
        )
        self.travel.enter()
        self.drafts.arrive()
        self.transcript.show(self.conversation, self.reply)
        self.offers.arrive()
        self._mark_threads()
        self.show_state()
        self.prompt_focus()

    def untouched(self, shown: Conversation) -> bool:
        """Whether a new thread is still on the screen, and nobody has typed, sent or opened anything.

        Args:
            shown: The thread as it was put on the screen.
        """
        moved = self.conversation is not shown or shown.thread() is not None or self.threads.has_focus_within
        return not moved and not self.prompt.text and self.reply is None

    def refresh_branch(self, select: Message | None = None) -> None:
        """Show the branch as it is now, with a message selected."""
        self.transcript.sync(select)
        if select is not None:
            self.transcript.select(select)
        self.show_state()

    def refresh_threads(self, text: str | None = None, first: int | None = None) -> None:
        """Read a page of threads.

        Args:
            text: What their titles contain; None for what the filter says.
            first: The place of the first of them; None to read those that are shown anew.
        """
        pane = self.threads
        text = pane.text if text is None else text
        total = self.library.count(text=text)
        anew = first is None
        first = max(0, min(pane.rows.first if first is None else first, total - 1))
        page = self.library.threads(text=text, limit=pane.rows.span, offset=first)
        place = None
        here = pane.rows.current
        if anew and here is not None and all(thread.thread_id != here.thread_id for thread in page):
            place = self.library.place(here.thread_id, text=text)
        pane.show(page, first, total, place)
        self._mark_threads()

    def _mark_threads(self) -> None:
        place = None
        if self.thread_id != self.threads.rows.open_id and self.threads.rows.total > PAGE:
            place = self.library.place(self.thread_id, text=self.threads.text)
        self.threads.mark(self.thread_id, self.chat.replies.threads(), place)

    def show_state(self) -> None:
        """Bring everything around the messages up to date."""
        self.around.show()

    def prompt_focus(self) -> None:
        """Put the focus into the prompt."""
        self.threads.remove_class("-open")
        self.prompt.focus()

    def say(self, error: ChatuiError | str, *, severity: str = "error") -> None:
        """Tell something in a toast. Never as markup."""
        self.notify(
            clean_line(str(error), 600),
            severity="error" if severity == "error" else "information",
            markup=False,
            timeout=8,
        )

    # What changes by itself

    async def _paint(self) -> None:
        if self.reply is not None:
            self.transcript.paint()
            self.around.show_status()

    async def _look(self) -> None:
        """Show what another window, or this one, has written."""
        self._looks += 1
        if (self.around.progress and self._looks % 3) or not self.library.changed():
            # Indexing writes all the time; a list that grows every second and a half is enough.
            return
        self.refresh_threads()
        if self.reply is None and self.conversation.thread() is not None:
            self.transcript.sync()
            self.travel.note()
            self.show_state()

    # Actions

    async def action_do(self, action_id: str, text: str = "") -> None:
        """Carry out an action of the table; an error is told and nothing else happens."""
        if action_id not in self._handlers:
            # What reads, marks and finds messages is imported when it is first asked for: the first paint does without.
            from chatui.tui.exporting import Exporting
            from chatui.tui.finding import Finding
            from chatui.tui.importing import Importing
            from chatui.tui.marks import Marks
            from chatui.tui.memory import MemoryKeeper
            from chatui.tui.reading import Reading
            from chatui.tui.recalling import Recalling
            from chatui.tui.settings import Setting
            from chatui.tui.users import Users

            self._finding = Finding(self)
            later = (
                Marks(self),
                Reading(self),
                self._finding,
                Setting(self),
                Importing(self),
                Exporting(self),
                MemoryKeeper(self),
                Recalling(self),
                Users(self),
            )
            self._handlers |= {name: act for part in later for name, act in part.handlers().items()}
        if acts_on_a_message(action_id) and self.transcript.selected is None and self.reply is None:
            self.say(self.travel.no_message(), severity="information")
            return
        top = self.app.screen
        try:
            done = self._handlers[action_id](text)
            if inspect.isawaitable(done):
                await done
            if self.app.screen not in (top, self):
                # A toast would lie over the dialog that it opened.
                self.app.clear_notifications()
        except SchemaChange as error:
            from chatui.tui.attempts import ask_for_change

            ask_for_change(self, error, lambda: self.action_do(action_id, text))
        except ChatuiError as error:
            self.say(error)

    def action_open_link(self, href: str) -> None:
        """Open a link of an allowed kind in the browser."""
        if allowed(href):
            self.app.open_url(href)

    # What the widgets say

    async def on_prompt_submitted(self, event: Prompt.Submitted) -> None:
        written = parse_slash(event.text.rstrip())
        if isinstance(written, Slash) and written.text and not written.action.takes:
            # It may have been meant as a message, and some commands delete.
            self.say(f"/{written.action.slash} takes no text. A space before the slash sends all of it as a message.")
        elif isinstance(written, Slash):
            self.prompt.hold("")
            await self.action_do(written.action.id, written.text)
        elif isinstance(written, str):
            near = similar_command(written)
            meant = f", but there is /{near}" if near else ""
            said = f"There is no command /{labels.fit(written, 30)}{meant}. A space before the slash sends it as a message."
            self.say(said)
        else:
            await self.turns.submit(event.text)

    async def on_prompt_left(self, event: Prompt.Left) -> None:
        if self.prompt.menu_open:
            self.menus.close()
        elif not await self.turns.cancel():
            if self.transcript.records:
                self.transcript.focus()
            elif self.conversation.thread() is not None:
                self.say(self.travel.no_message(), severity="information")

    def on_prompt_typed(self, event: Prompt.Typed) -> None:
        self.menus.typed(event.text, by_hand=event.by_hand)

    async def on_prompt_history_wanted(self, event: Prompt.HistoryWanted) -> None:
        if not self.prompt.text and self.chat.replies.waiting.get(self.thread_id):
            await self.action_do("queue.edit")
            return
        if said := self.conversation.prompts():
            self.prompt.recall(said)

    async def on_prompt_menu_key(self, event: Prompt.MenuKey) -> None:
        if not await self.menus.key(event.key) and event.key == "complete":
            self.shelf.next_pane(1)

    async def on_offer_chosen(self, event: Offer.Chosen) -> None:
        await self.offers.answer(event.name)

    def on_offer_typed(self, event: Offer.Typed) -> None:
        self.prompt.focus()
        if event.text:
            self.prompt.insert_typed(event.text)

    async def on_threads_pane_opened(self, event: ThreadsPane.Opened) -> None:
        if event.thread.thread_id == self.thread_id:
            self.prompt_focus()
        else:
            await self.open(event.thread.thread_id)

    def on_threads_pane_page_wanted(self, event: ThreadsPane.PageWanted) -> None:
        self.refresh_threads(event.text, event.first)

    def on_threads_pane_closed(self, event: ThreadsPane.Closed) -> None:
        self.prompt_focus()

    async def on_tree_view_chosen(self, event: TreeView.Chosen) -> None:
        if self.travel.tree is not None:
            await self.travel.tree.go_to(event.node_id)

    async def on_tree_view_closed(self, event: TreeView.Closed) -> None:
        if event.stays or self.travel.tree is None:
            self.prompt_focus()
        else:
            await self.travel.tree.close()

    def on_resize(self) -> None:
        if self.travel.tree is not None:
            # The pane may have come on the screen, and has not followed what changed meanwhile.
            self.call_after_refresh(self.show_state)

    async def on_find_bar_typed(self, event: FindBar.Typed) -> None:
        if self._finding is not None:
            await self._finding.typed(event.text)

    async def on_find_bar_further(self, event: FindBar.Further) -> None:
        if self._finding is not None:
            await self._finding.further(event.step)

    def on_find_bar_closed(self, event: FindBar.Closed) -> None:
        if self._finding is not None:
            self._finding.close()

    def on_message_window_read_failed(self, event: Transcript.ReadFailed) -> None:
        self.say(event.error)

    def on_transcript_selected(self, event: Transcript.Selected) -> None:
        self.around.show_status()

    def on_transcript_pictures_wanted(self, event: Transcript.PicturesWanted) -> None:
        from chatui.tui.pictures import show

        self.run_worker(show(self, event.view), group="pictures")

    def on_message_window_news(self, event: Transcript.News) -> None:
        self.around.show_prompt_title()

    async def on_chat_screen_reply_news(self, event: ChatScreen.ReplyNews) -> None:
        await self.turns.take(event.reply, event.event)

    def on_descendant_focus(self) -> None:
        self.around.show_status()

    def on_descendant_blur(self) -> None:
        self.around.show_status()
