"""Threads as one HTML file: readable on a phone, with a switch at each fork, and with nothing that is fetched from anywhere.

All text is escaped and shown as it was written. The one script is named by its hash in the page's policy, so nothing that a
message says can run or load, even if it got past the escaping.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from html import escape

import msgspec
from langchain_core.messages import AIMessage

from chatui.text import clean, clean_line
from chatui.transfer.export import Entry, Exported

_STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:0 auto;padding:1rem;overflow-wrap:anywhere}
:root{color-scheme:light dark}article{border-top:1px solid #8886;padding:.5rem 0}[hidden]{display:none}
header{font-size:.85rem;opacity:.8}.text,pre{white-space:pre-wrap;margin:.3rem 0}.user{font-weight:600}
button{font:inherit;min-width:2.5rem;min-height:2.5rem}"""

# Shows the path through a message: those above it, and below it the newest of each fork.
_SCRIPT = """for(const s of document.querySelectorAll('section')){const all=[...s.querySelectorAll('article')];
const by=new Map(all.map(a=>[a.dataset.id,a]));const kids=p=>all.filter(a=>a.dataset.parent===p);
s.addEventListener('click',e=>{const b=e.target.closest('button');if(!b)return;const a=b.closest('article');
const k=kids(a.dataset.parent);const t=k[k.indexOf(a)+Number(b.value)];if(!t)return;const on=new Set();
for(let x=t;x;x=by.get(x.dataset.parent))on.add(x);
for(let c=kids(t.dataset.id);c.length;c=kids(c[c.length-1].dataset.id))on.add(c[c.length-1]);
for(const x of all)x.hidden=!on.has(x)})}"""


def pieces(threads: Iterable[Exported], all_branches: bool) -> Iterator[str]:
    """Yield the page, a message a piece. Every branch is in it."""
    digest = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    yield f"""<!doctype html>
<html><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>chatui</title><style>{_STYLE}</style></head><body>
"""
    for thread in threads:
        row = thread.thread
        yield f'<section><h1 dir="auto">{_line(row.title or "(no title)")}</h1>\n'
        yield f"<p>{_line(row.user)} · {_line(row.created_at)}</p>\n"
        if thread.system_prompt:
            yield f'<details><summary>System prompt</summary><div class="text">{_text(thread.system_prompt)}</div></details>\n'
        shown = [entry for entry in thread.entries if not entry.hidden]
        siblings: dict[str | None, list[str]] = {}
        for entry in shown:
            siblings.setdefault(entry.message.parent_id, []).append(entry.message.node_id)
        active = {entry.message.node_id for branch in thread.branches()[:1] for entry in branch}
        for entry in shown:
            yield _article(entry, siblings[entry.message.parent_id], entry.message.node_id in active)
        yield "</section>\n"
    yield f"<script>{_SCRIPT}</script></body></html>\n"


def _article(entry: Entry, siblings: list[str], active: bool) -> str:
    message = entry.message
    facts = [message.role, message.name, message.model, message.created_at, message.interrupted]
    place = siblings.index(message.node_id) + 1
    switch = (
        f"""<button value="-1">‹</button>{place}/{len(siblings)}<button value="1">›</button>""" if siblings[1:] else ""
    )
    thought = f'<details><summary>Thought</summary><div class="text">{_text(message.reasoning)}</div></details>'
    calls = ""
    if isinstance(entry.original, AIMessage):
        for call in entry.original.tool_calls:
            arguments = msgspec.json.encode(call["args"], enc_hook=str).decode()
            calls += f"<pre>{_line(call['name'])} {_text(arguments)}</pre>"
    return (
        f'<article data-id="{_line(message.node_id)}" data-parent="{_line(message.parent_id or "")}"{"" if active else " hidden"}>'
        f'<header class="{message.role}">{" · ".join(_line(fact) for fact in facts if fact)} {switch}</header>'
        f'{thought if message.reasoning else ""}<div class="text" dir="auto">{_text(message.text)}</div>{calls}</article>\n'
    )


def _line(text: str) -> str:
    return escape(clean_line(text, 200))


def _text(text: str) -> str:
    return escape(clean(text))
