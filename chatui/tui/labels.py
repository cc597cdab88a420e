"""How numbers, times and names are written, on the screen and in the shell's tables. Needs no Textual."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.cells import cell_len, chop_cells, set_cell_size

#: Stands in a list for a thread that has no title yet.
UNTITLED = "New thread"


def parse_time(text: str) -> datetime | None:
    """Read a time as the database writes it, None where it is not one."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def current_time() -> datetime:
    """Return the time that ages are counted to."""
    return datetime.now(UTC)


def age(text: str, now: datetime | None = None) -> str:
    """Return how long ago a time is, in at most five letters or as a date: "now", "5m", "3h", "2d", "14 Mar"."""
    moment = parse_time(text)
    if moment is None:
        return ""
    now = now or current_time()
    seconds = (now - moment).total_seconds()
    if seconds < 60:
        return "now"
    for size, unit, limit in ((60, "m", 3600), (3600, "h", 86_400), (86_400, "d", 7 * 86_400)):
        if seconds < limit:
            return f"{int(seconds // size)}{unit}"
    local = moment.astimezone()
    return f"{local.day} {local:%b}" if local.year == now.astimezone().year else f"{local:%b %Y}"


def exact_time(text: str) -> str:
    """Return a time in the local zone, to the second."""
    moment = parse_time(text)
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S %Z}" if moment else "unknown"


def size(count: int | None) -> str:
    """Return bytes as people write them, "" for None: "840 B", "93.2 MB", "105 MB"."""
    if count is None:
        return ""
    value, units = float(count), ["TB", "GB", "MB", "kB", "B"]
    while value >= 1000 and len(units) > 1:
        value /= 1000
        units.pop()
    unit = units[-1]
    return f"{value:.0f} {unit}" if value >= 100 or unit == "B" else f"{value:.1f} {unit}"


def seconds(value: float) -> str:
    """Return a duration: "0.8 s", "12 s", "3 min 5 s"."""
    if value < 10:
        return f"{value:.1f} s"
    if value < 60:
        return f"{value:.0f} s"
    return f"{int(value // 60)} min {int(value % 60)} s"


def short_model(model: str | None) -> str:
    """Return a model's name without its provider: the provider is told by the picker and the details."""
    if not model:
        return ""
    provider, colon, name = model.partition(":")
    return name if colon and provider.partition("@")[0] in {"ollama", "embedded"} else model


def fit(text: str, width: int) -> str:
    """Return `text` in at most `width` cells, an ellipsis at the end where it was cut."""
    if cell_len(text) <= width:
        return text
    if width <= 1:
        return set_cell_size(text, max(width, 0))
    # Twice the width is always enough letters, and keeps a message of megabytes from being measured.
    return (chop_cells(text[: width * 2], width - 1) or [""])[0].rstrip() + "…"


def plural(count: int, one: str, many: str = "") -> str:
    """Return a count with its noun: "1 message", "3 messages"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
