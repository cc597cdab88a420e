"""What the clients of the big APIs raise, as sentences.

Their classes differ, and importing them costs a second; what they carry does not: a status, words, and what caused them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from json import JSONDecodeError
from typing import Any

from chatui.errors import (
    BadReply,
    ChatuiError,
    ConfigError,
    ConnectionLost,
    ContextTooLong,
    EmptyReply,
    MissingExtra,
    ModelError,
    ServerBusy,
    ServerFault,
    Stalled,
    Unauthorized,
    UnknownModel,
    Unreachable,
    Unsupported,
)
from chatui.models.faults import TLS, is_page
from chatui.text import clean_line

_TRY_AGAIN = "What came is kept; try again."
_CONTEXT = re.compile(
    r"context[ _]?(length|size|window)|maximum context|prompt is too long|too many tokens|number of tokens allowed"
    r"|token limit|request_too_large",
    re.IGNORECASE,
)
#: "request (931 tokens) exceeds the available context size (512 tokens)", "208310 tokens > 200000 maximum", "count (9) exceeds"
_SIZE = re.compile(r"(\d[\d,]*)(?=\)| (?:input )?tokens| maximum)")


def explain(
    error: BaseException, *, who: str, model: str, variable: str | None, table: str | None, began: bool
) -> ModelError:
    """Turn an error into a sentence.

    Args:
        error: What was raised.
        who: The server, as a sentence begins, without credentials.
        model: The reference of the model that was asked, "" where none was.
        variable: The environment variable that holds the key.
        table: The config table of a named host.
        began: Whether some of the reply had come.
    """
    if isinstance(error, ModelError):
        return error
    chain = list(_chain(error))
    names = {kind.__name__ for one in chain for kind in type(one).__mro__}
    said, kind = _words(chain)
    status = _status(chain)
    asked = model or "it"
    if status is not None and (status >= 300 or not began):
        return _from_status(status, said, kind, who, asked, variable, table, page=_page(chain))
    if _CONTEXT.search(f"{said} {kind}"):
        return _too_long(asked, said)
    if names & {"ConnectError", "ConnectTimeout"}:
        return _unreachable(who, chain, table)
    if "ProxyError" in names:
        return Unreachable(f"The proxy before {_within(who)} refused: {said}.", "Check HTTPS_PROXY and NO_PROXY.")
    if names & {"TimeoutException", "APITimeoutError", "TimeoutError"}:
        return Stalled(
            f"Nothing came from {_within(who)} for too long.", _TRY_AGAIN if began else "Wait, or try again."
        )
    if names & {"TransportError", "APIConnectionError", "ConnectionError"}:
        if began:
            return ConnectionLost(f"The connection to {_within(who)} was lost in the middle of the reply.", _TRY_AGAIN)
        return Unreachable(f"{who} closed the connection.", "Check whether it is http or https, and try again.")
    if isinstance(error, JSONDecodeError) or names & {"DecodingError", "APIResponseValidationError"}:
        return BadReply(f"What came from {_within(who)} is no reply of its kind.", _check_address(table))
    if isinstance(error, ValueError) and ("No generation" in str(error) or "No data received" in str(error)):
        return EmptyReply(f"{asked} sent an empty reply.", "Try again, or ask another model.")
    if "APIError" in names:  # inside of a stream
        return ConnectionLost(f"{who} stopped in the middle of the reply: {said}.", _TRY_AGAIN)
    return ServerFault(f"Asking {asked} failed: {said}.", _TRY_AGAIN if began else "Try again.")


def bad_settings(error: BaseException, who: str) -> ChatuiError:
    """Turn what kept a client from being made into a sentence: a package, or a variable of the environment."""
    said = clean_line(str(error), 200).rstrip(".")
    if isinstance(error, ModuleNotFoundError) or (isinstance(error, ImportError) and "socks" not in said.lower()):
        return MissingExtra(f"A part of chatui is missing: {said}.", "Install chatui again with its extra.")
    suspects = "SSL_CERT_FILE or SSL_CERT_DIR" if isinstance(error, OSError) else "HTTPS_PROXY, HTTP_PROXY or ALL_PROXY"
    return ConfigError(
        f"{who} cannot be asked because of the environment: {said.rpartition('@')[2]}.",
        f"Correct or unset {suspects}, and start chatui again.",
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _status(chain: list[BaseException]) -> int | None:
    for error in chain:
        response = getattr(error, "response", None)
        for value in (
            getattr(error, "status_code", None),
            getattr(response, "status_code", None),
            getattr(error, "code", None),
        ):
            if isinstance(value, str) and value.isdecimal():
                value = int(value)  # llama.cpp's code inside of a stream
            if isinstance(value, int) and 300 <= value < 600:
                return value
    return None


def _page(chain: list[BaseException]) -> bool:
    """Whether the answer was a web page. The clients' own words tell no more of it than the status."""
    for error in chain:
        response = getattr(error, "response", None)
        if response is None:
            continue
        if "text/html" in str(response.headers.get("content-type", "")).lower():
            return True
        with suppress(Exception):  # the body was not read
            return is_page(str(response.text))
    return False


def _words(chain: list[BaseException]) -> tuple[str, str]:
    """The server's own words, and the kind of error that it names."""
    for error in chain:
        body: Any = getattr(error, "body", None) or getattr(error, "details", None)
        while isinstance(body, dict) and isinstance(body.get("error"), dict):
            body = body["error"]
        if isinstance(body, dict):
            text = body.get("message") or body.get("error") or body.get("detail")
            kind = f"{body.get('type') or ''} {body.get('code') or ''} {body.get('status') or ''}"
            if text:
                return clean_line(str(text), 300).rstrip("."), kind
    first = chain[0]
    response = getattr(first, "response", None)
    text = str(first)
    try:
        # httpx's own words hold the address, and with it whatever is in it.
        if response is not None and type(first).__name__ == "HTTPStatusError":
            text = str(response.text)
    except Exception:  # the body was not read
        text = ""
    return clean_line(text, 300).rstrip(".") or type(first).__name__, ""


def _from_status(
    status: int, said: str, kind: str, who: str, model: str, variable: str | None, table: str | None, *, page: bool
) -> ModelError:
    lowered = said.lower()
    if status in (401, 403) or "api_key_invalid" in kind.lower() or "api key not valid" in lowered:
        what = f"Check {variable}." if variable else f"Name the variable of its key as api_key_env in {table}."
        return Unauthorized(f"{who} does not accept the API key (status {status}).", what)
    if page:
        return ServerBusy(
            f"{who} answered with a web page (status {status}).", "Is a proxy between? Check the address, or try again."
        )
    if status < 400:
        return BadReply(f"{who} answered with a redirect (status {status}).", _check_address(table))
    if status == 413 or _CONTEXT.search(f"{said} {kind}"):
        return _too_long(model, said)
    if status == 404:
        return UnknownModel(
            f"{who} has no {model}: {said}.", "Check its name; `chatui models` lists hosts'.", model=model
        )
    if status == 429 and ("quota" in lowered or "quota" in kind or "credit" in lowered):
        return ServerBusy(
            f"The quota at {_within(who)} is used up: {said}.", "Check the plan there, or choose another model."
        )
    if status in (429, 502, 503, 504, 529):
        return ServerBusy(f"{who} is busy (status {status}).", "Wait a moment and try again.")
    if status < 500:
        for word, capability in (("image", "see images"), ("tool", "use tools"), ("vision", "see images")):
            if word in lowered and "support" in lowered:
                return Unsupported(f"{model} cannot {capability}.", "Choose another model, or leave that out.")
        return ServerFault(f"{who} refused the request (status {status}): {said}.", "Choose another model.")
    return ServerFault(f"{who} failed (status {status}): {said}.", "Try again later.")


def _too_long(model: str, said: str) -> ContextTooLong:
    # Whichever comes first, what was sent is the larger of the two.
    sizes = sorted(int(size.replace(",", "")) for size in _SIZE.findall(said)[:2])
    room, need = sizes if len(sizes) == 2 else (None, None)
    return ContextTooLong(
        f"The messages do not fit into the context of {model}: {said}.",
        "Go on from an earlier message, or choose a model with a larger context.",
        need=need,
        room=room,
    )


def _unreachable(who: str, chain: list[BaseException], table: str | None) -> Unreachable:
    said = next((text for error in reversed(chain) if TLS.search(text := clean_line(str(error), 120))), None)
    if said is not None:
        return Unreachable(
            f"No secure connection to {_within(who)}: {said.rstrip('.')}.",
            f"Check the certificate, and whether it is http or https{f'; ca_file in {table} names others' if table else ''}.",
        )
    return Unreachable(
        f"Cannot reach {_within(who)}.", _check_address(table, "Start it, or check" if table else "Check")
    )


def _check_address(table: str | None, verb: str = "Check") -> str:
    return f"{verb} the address in {table}." if table else f"{verb} the network and the address."


def _within(who: str) -> str:
    return who[0].lower() + who[1:] if who.startswith("The ") else who
