"""Threads as one HTML file: readable on a phone, with a switch at each fork, and with nothing that is fetched from anywhere.

Answers are rendered from their Markdown, with HTML in them shown as it was written; everything else is text. The one script is
named by its hash in the page's policy, so nothing that a message says can run or load, even if it got past the escaping.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from html import escape
from itertools import chain
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec
from langchain_core.messages import AIMessage

from chatui.text import clean, clean_line
from chatui.transfer.export import Entry, Exported

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

#: Links of other kinds stay text.
_LINKS = {"http", "https", "mailto"}
#: Markdown in Markdown is rendered up to here.
_DEEPEST = 24

_STYLE = """:root{color-scheme:light dark;--line:#8886;--tint:#8881}*{box-sizing:border-box}
body{font:16px/1.55 system-ui,sans-serif;max-width:48rem;margin:0 auto;padding:1rem;overflow-wrap:anywhere}
h1{font-size:1.4rem;line-height:1.25;margin:1rem 0 .2rem}.about{margin:0 0 1rem;opacity:.75;font-size:.85rem}
article{padding:.6rem 0;border-top:1px solid var(--line)}[hidden]{display:none}
article.user{background:var(--tint);border-left:4px solid #48c;padding:.6rem .8rem}
header{font-size:.85rem;display:flex;flex-wrap:wrap;gap:.1rem .6rem;align-items:center}header b{text-transform:capitalize}
header span,time{opacity:.75}.text,pre{white-space:pre-wrap}.text,.md{margin:.3rem 0}summary{cursor:pointer;padding:.3rem 0}
nav{margin-left:auto;display:flex;align-items:center;gap:.4rem;font-variant-numeric:tabular-nums}
button{font:inherit;min-width:2.75rem;min-height:2.75rem;border:1px solid var(--line);border-radius:.4rem;background:none}
button:disabled{opacity:.35}.md>:first-child{margin-top:.2rem}.md>:last-child{margin-bottom:.2rem}
.md h1,.md h2,.md h3,.md h4,.md h5,.md h6{font-size:1.1rem;margin:1rem 0 .4rem}.md h1{font-size:1.25rem}
.md :is(p,li,h1,h2,h3,h4,h5,h6,td,th){unicode-bidi:plaintext}.md :is(ul,ol){padding-left:1.5rem}
.md pre{white-space:pre;overflow-x:auto;background:var(--tint);padding:.6rem;border-radius:.4rem;font-size:.85rem}
code{font-family:ui-monospace,monospace;font-size:.92em}pre code{font-size:1em}
.md table{display:block;overflow-x:auto;border-collapse:collapse}
.md :is(td,th){padding:.2rem .6rem;border:1px solid var(--line);overflow-wrap:break-word}
blockquote{margin:.5rem 0;padding-left:.8rem;border-left:3px solid var(--line)}details.thread>summary{font-weight:600}"""

# Shows the path through a message: those above it, and below it what was seen last at each fork, else the newest.
_SCRIPT = """for(const s of document.querySelectorAll('section')){const all=[...s.querySelectorAll('article')];
const by=new Map(all.map(a=>[a.dataset.id,a])),seen=new Map();const kids=p=>all.filter(a=>a.dataset.parent===p);
const see=a=>seen.set(a.dataset.parent,a);all.filter(a=>!a.hidden).forEach(see);
s.addEventListener('click',e=>{const b=e.target.closest('button');if(!b)return;const a=b.closest('article');
const k=kids(a.dataset.parent);const t=k[k.indexOf(a)+Number(b.value)];if(!t)return;const on=new Set();
for(let x=t;x;x=by.get(x.dataset.parent)){on.add(x);see(x)}
for(let c=kids(t.dataset.id);c.length;){const x=seen.get(c[0].dataset.parent)||c[c.length-1];on.add(x);c=kids(x.dataset.id)}
for(const x of all)x.hidden=!on.has(x);t.scrollIntoView({block:'nearest'});
(t.querySelector(`button[value="${b.value}"]:enabled`)||t.querySelector('button:enabled')).focus({preventScroll:true})})}"""


def pieces(threads: Iterable[Exported], all_branches: bool) -> Iterator[str]:
    """Yield the page, a message a piece. Every branch is in it. Of several threads each is folded but the first."""
    digest = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    rest = iter(threads)
    first, second = next(rest, None), next(rest, None)
    title = _line(first.thread.title) if first is not None and second is None else ""
    yield f"""<!doctype html>
<html><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title or "chatui"}</title><style>{_STYLE}</style>
<noscript><style>[hidden]{{display:block}}nav button{{display:none}}</style></noscript></head><body>
"""
    several = second is not None
    for number, thread in enumerate(chain(*([one] for one in (first, second) if one is not None), rest)):
        name = _line(thread.thread.title or "(no title)")
        fold = (
            f'<details class="thread"{"" if number else " open"}><summary dir="auto">{name}</summary>'
            if several
            else ""
        )
        yield f"<section>{fold}\n"
        yield from _section(thread, name)
        yield f"{'</details>' if several else ''}</section>\n"
    yield f"<script>{_SCRIPT}</script></body></html>\n"


def _section(thread: Exported, name: str) -> Iterator[str]:
    row = thread.thread
    yield f'<h1 dir="auto">{name}</h1><p class="about">{_line(row.user)} · {_time(row.created_at)}</p>\n'
    if thread.system_prompt:
        prompt = _text(thread.system_prompt)
        yield f'<details><summary>System prompt</summary><div class="text" dir="auto">{prompt}</div></details>\n'
    shown = [entry for entry in thread.entries if not entry.hidden]
    siblings: dict[str | None, list[str]] = {}
    for entry in shown:
        siblings.setdefault(entry.message.parent_id, []).append(entry.message.node_id)
    active = {entry.message.node_id for branch in thread.branches()[:1] for entry in branch}
    for entry in shown:
        yield _article(entry, siblings[entry.message.parent_id], entry.message.node_id in active)


def _article(entry: Entry, siblings: list[str], active: bool) -> str:
    message = entry.message
    facts = [message.name and f"“{message.name}”", "★" if message.starred else "", message.model]
    facts.append(f"not whole: {message.interrupted}" if message.interrupted else "")
    head = [
        f"<b>{message.role}</b>",
        *(f"<span>{_line(fact)}</span>" for fact in facts if fact),
        _time(message.created_at),
    ]
    if siblings[1:]:
        head.append(_switch(siblings.index(message.node_id) + 1, len(siblings)))
    thought = (
        f'<details><summary>Thought</summary><div class="text" dir="auto">{_text(message.reasoning)}</div></details>'
    )
    # A prompt is shown as it was typed, as on the screen.
    written = message.role == "assistant"
    body = f'<div class="md" dir="auto">{rendered(message.text)}</div>' if written else ""
    body = body or f'<div class="text" dir="auto">{_text(message.text)}</div>'
    calls = ""
    if isinstance(entry.original, AIMessage):
        for call in entry.original.tool_calls:
            arguments = msgspec.json.encode(call["args"], enc_hook=str).decode()
            calls += f"<pre>{_line(call['name'])} {_text(arguments)}</pre>"
    ids = f'data-id="{_line(message.node_id)}" data-parent="{_line(message.parent_id or "")}"'
    return (
        f'<article class="{message.role}" {ids}{"" if active else " hidden"}><header>{" ".join(head)}</header>'
        f"{thought if message.reasoning else ''}{body}{calls}</article>\n"
    )


def _switch(place: int, count: int) -> str:
    """The switch of a message with alternatives."""
    before, behind = " disabled" if place == 1 else "", " disabled" if place == count else ""
    return (
        f'<nav aria-label="Alternatives"><button value="-1" aria-label="Previous alternative"{before}>‹</button>{place}/{count}'
        f'<button value="1" aria-label="Next alternative"{behind}>›</button></nav>'
    )


def rendered(text: str) -> str:
    """Return Markdown as HTML in which nothing runs and nothing is loaded: HTML is text, images are links to them."""
    parser, env = _parser(), dict[str, Any]()
    tokens = parser.parse(clean(text), env)
    if any(token.level >= _DEEPEST - 1 for token in tokens):
        # What lies deeper is left out by the parser.
        return f'<div class="text">{_text(text)}</div>'
    html: str = parser.renderer.render(tokens, parser.options, env)
    return html


@cache
def _parser() -> MarkdownIt:
    # Imported here: it takes a while, and the other formats do without.
    from markdown_it import MarkdownIt

    def link(self: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
        tokens[index].attrSet("rel", "noopener noreferrer nofollow")
        return str(self.renderToken(tokens, index, options, env))

    def image(self: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
        token = tokens[index]
        address = escape(str(token.attrGet("src") or ""))
        name = escape(self.renderInlineAsText(token.children or [], options, env)) or address
        return f'<a href="{address}" rel="noopener noreferrer nofollow">[image: {name}]</a>'

    parser = MarkdownIt("gfm-like", {"html": False, "maxNesting": _DEEPEST})
    # Of a link that is not allowed the source is shown.
    parser.validateLink = _allowed  # type: ignore[method-assign,assignment]
    parser.add_render_rule("link_open", link)
    parser.add_render_rule("image", image)
    return parser


def _allowed(address: str) -> bool:
    try:
        return urlsplit(address).scheme.lower() in _LINKS
    except ValueError:
        return False


def _time(moment: str) -> str:
    return f'<time datetime="{_line(moment)}">{_line(moment)[:16].replace("T", " ")} UTC</time>' if moment else ""


def _line(text: str) -> str:
    return escape(clean_line(text, 200))


def _text(text: str) -> str:
    return escape(clean(text))
