"""What the first request to a server loads: importing this in a thread spares the loop that draws the screen some 50 ms."""

from contextlib import suppress
from importlib import import_module

for name in ("embedded_server", "ollama", "ollama_transport", "weights"):
    import_module(f"chatui.models.{name}")
# httpx loads its connections when one is made, and anyio its side of asyncio when something is first waited for.
for name in ("httpcore", "anyio._backends._asyncio"):
    with suppress(ImportError):
        import_module(name)
