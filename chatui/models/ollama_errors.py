"""What Ollama, its client and the network raise, as sentences.

Each line here was seen: with a real server (0.32), or with one that was made to fail.
"""

from __future__ import annotations

import json
import os
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
    OutOfMemory,
    PullFailed,
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


def explain(error: BaseException, *, url: str, model: str, began: bool) -> ModelError:
    """Turn an error into a sentence.

    Args:
        error: What was raised.
        url: The server as it may be shown, without credentials.
        model: The reference of the model that was asked.
        began: Whether some of the reply had come.
    """
    import httpx

    if isinstance(error, ModelError):
        return error
    if type(error).__name__ == "ResponseError":
        status = int(getattr(error, "status_code", -1))
        return from_status(status, str(getattr(error, "error", error)), url=url, model=model, began=began)
    if isinstance(error, httpx.ReadTimeout | httpx.WriteTimeout | httpx.PoolTimeout) or type(error) is TimeoutError:
        return Stalled(
            f"Nothing came from Ollama at {url} for too long.", _TRY_AGAIN if began else "Wait, or try again."
        )
    if (
        isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | ConnectionRefusedError)
        or type(error) is ConnectionError
    ):
        if TLS.search(str(error)):
            return Unreachable(
                f"No secure connection to Ollama at {url}: {clean_line(str(error), 120)}.",
                "Check the certificate, and whether it is http or https.",
            )
        # The client's own ConnectionError hides what TLS said.
        check = (
            "the address and its certificate"
            if url.startswith("https:")
            else "the address in OLLAMA_HOST or the config"
        )
        return Unreachable(f"Cannot reach Ollama at {url}.", f"Start it with `ollama serve`, or check {check}.")
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError | ConnectionError):
        if began:
            return ConnectionLost(f"The connection to Ollama at {url} was lost in the middle of the reply.", _TRY_AGAIN)
        return Unreachable(
            f"Ollama at {url} closed the connection.", "Check whether it is http or https, and try again."
        )
    if isinstance(error, httpx.ProxyError):
        return Unreachable(
            f"The proxy before {url} refused: {clean_line(str(error), 120)}.", "Check HTTP_PROXY and NO_PROXY."
        )
    if isinstance(error, JSONDecodeError | httpx.DecodingError):
        return BadReply(
            f"What came from {url} is not an Ollama reply.", "Is a proxy or another server at that address?"
        )
    if isinstance(error, ValueError) and ("No generation chunks" in str(error) or "No data received" in str(error)):
        return EmptyReply(f"{model} sent an empty reply.", "Try again, or ask another model.")
    if isinstance(error, httpx.HTTPError | OSError):
        return Unreachable(
            f"The connection to Ollama at {url} failed: {clean_line(str(error), 120) or type(error).__name__}.",
            _TRY_AGAIN if began else "Try again.",
        )
    text = clean_line(str(error), 200) or type(error).__name__
    return ServerFault(f"Asking {model} failed: {text}.", _TRY_AGAIN if began else "Try again.")


def from_status(status: int, body: str, *, url: str, model: str, began: bool = False) -> ModelError:
    """Turn an HTTP status and the server's words into a sentence.

    Args:
        status: The status; -1 for an error that came inside of a stream.
        body: The server's error, as text or as JSON in any nesting.
        url: The server as it may be shown.
        model: The reference of the model that was asked.
        began: Whether some of the reply had come.
    """
    if is_page(body):
        return ServerBusy(
            f"{url} answered with a web page (status {status}) and not as Ollama does.",
            "Is a proxy between? Check the address, or try again later.",
        )
    details = _details(body)
    said = clean_line(str(details.get("message") or details.get("error") or body), 300)
    lowered = said.lower()
    if status == -1:
        said = said.rstrip(".") or "it gave no reason"
        return ServerFault(f"Ollama stopped in the middle of the reply: {said}.", _TRY_AGAIN)
    if status == 404:
        return _missing(said, url, model)
    if "more system memory" in lowered or "out of memory" in lowered:
        return OutOfMemory(
            f"{model} does not fit into the server's memory: {said.rstrip('.')}.",
            "Choose a smaller model, or set a smaller num_ctx in the thread's settings (F4).",
        )
    if "does not support embed" in lowered:
        return Unsupported(f"{model} makes no embeddings.", "Choose an embedding model.")
    if status == 400:
        return _refused(details, said, url, model)
    if status in (401, 403):
        return Unauthorized(
            f"Ollama at {url} wants an API key or a password.",
            "Set OLLAMA_API_KEY, or for a named host the variable of its api_key_env.",
        )
    if status in (429, 502, 503, 504):
        return ServerBusy(f"Ollama at {url} is busy (status {status}).", "Wait a moment and try again.")
    return ServerFault(
        f"Ollama at {url} failed (status {status}): {said or 'it gave no reason'}.",
        "Its log says more (`journalctl -u ollama`, or ~/.ollama/logs/server.log).",
    )


def pull_failed(said: str, model: str) -> PullFailed:
    """Turn the error that comes inside of a pull's stream into a sentence.

    Args:
        said: The server's words.
        model: The reference of the model that was to be fetched.
    """
    said = clean_line(said, 300)
    lowered = said.lower()
    if "file does not exist" in lowered or "not found" in lowered:
        return PullFailed(f"Ollama's library has no model {model.removeprefix('ollama:')}.", "Check its name and tag.")
    advice = "Pull it again: what has come is kept on the server."
    if "no space left" in lowered:
        advice = "Make room on the server's disk and pull it again."
    elif "no such host" in lowered or "dial tcp" in lowered or "timeout" in lowered:
        advice = "Check the server's network and pull it again: what has come is kept."
    elif "newer version" in lowered or "requires a" in lowered:
        advice = "Update Ollama on the server and pull it again."
    return PullFailed(f"Ollama cannot fetch {model.removeprefix('ollama:')}: {said.rstrip('.')}.", advice)


def pull_broken(model: str) -> PullFailed:
    """Return the sentence for a pull whose connection ended before the model was there."""
    return PullFailed(
        f"The connection to Ollama was lost before {model.removeprefix('ollama:')} was fetched.",
        "Pull it again: it goes on where it was.",
    )


def bad_environment(error: BaseException) -> ChatuiError:
    """Name the variable that keeps Ollama's client from starting: it reads several at its very import, and raises.

    Args:
        error: What came: ImportError for a SOCKS proxy without its library, OSError for certificates, ValueError for addresses,
            httpx's InvalidURL for a proxy's, or for what is excepted from it.
    """
    if isinstance(error, ModuleNotFoundError):
        return MissingExtra(f"A part of chatui is missing: {clean_line(str(error))}.", "Install chatui again.")
    said = clean_line(str(error), 200).rstrip(".")
    if type(error).__name__ == "InvalidURL":
        # In its own words is a part of the address, which may be one of a password.
        said, suspects = "an address in it is none", [name for name in os.environ if name.lower().endswith("_proxy")]
    elif "proxy" in said.lower():
        suspects = [name for name in os.environ if name.lower().endswith("_proxy") and name.lower() != "no_proxy"]
    elif isinstance(error, OSError):
        # The second counts only without the first.
        suspects = ["SSL_CERT_FILE"] if os.environ.get("SSL_CERT_FILE") else ["SSL_CERT_DIR"]
    else:
        suspects = ["OLLAMA_HOST"]
    named = " or ".join(sorted(name for name in suspects if os.environ.get(name)))
    return ConfigError(
        f"Ollama's client cannot start because of {named or 'the environment'}: {said}.",
        f"Correct or unset {named or 'it'}, and start chatui again.",
    )


def _missing(said: str, url: str, model: str) -> ModelError:
    if "page not found" in said.lower():
        return BadReply(f"There is no Ollama at {url}: it has no such page.", "Check the address; it needs no path.")
    return UnknownModel(
        f"Ollama at {url} has no model {model.removeprefix('ollama:')}.",
        f"Fetch it with `chatui models pull {model}`, or choose another.",
        model=model,
    )


def _refused(details: dict[str, Any], said: str, url: str, model: str) -> ModelError:
    """A 400: mostly a capability that the model lacks."""
    lowered = said.lower()
    for word, capability in (
        ("does not support tools", "use tools"),
        ("does not support thinking", "think aloud"),
        ("does not support chat", "chat"),
        ("does not support generate", "chat"),
        ("multimodal", "see images"),
        ("image", "see images"),
    ):
        if word in lowered:
            return Unsupported(f"{model} cannot {capability}.", "Choose another model, or leave that out.")
    if details.get("type") == "exceed_context_size_error" or "context" in lowered:
        need, room = details.get("n_prompt_tokens"), details.get("n_ctx")
        known = isinstance(need, int) and isinstance(room, int)
        sizes = f" ({need} tokens, there is room for {room})" if known else ""
        more = f" of {_enough(need)} or more" if isinstance(need, int) else ""
        return ContextTooLong(
            f"The messages do not fit into the context of {model}{sizes}.",
            f"Send less, set a num_ctx{more} in the thread's settings (F4), or choose a model with a larger context.",
            need=need if known else None,
            room=room if known else None,
        )
    if "invalid model name" in lowered:
        # Without its reference: there is nothing to fetch.
        return UnknownModel(f"{model} is not a valid name of a model.", "`chatui models` lists them.")
    return ServerFault(f"Ollama at {url} refused the request: {said or 'it gave no reason'}.", "Choose another model.")


def _enough(need: int) -> int:
    """A context, as people choose them, that has room for a prompt and for a reply."""
    size = 1024
    while size < need * 5 // 4:
        size *= 2
    return size


def _details(body: str) -> dict[str, Any]:
    """Return the error in a body: some values are JSON strings themselves."""
    value: Any = body
    for _ in range(4):
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                return {"message": value}
        elif isinstance(value, dict) and isinstance(value.get("error"), dict | str):
            value = value["error"]
        else:
            break
    return value if isinstance(value, dict) else {"message": str(value)}
