"""What waits for the next start, and a new start with one click."""

import json

from nicegui import ui

from daemon.client import calls
from daemon.client.transport import AsyncClient
from daemon.web.components import dom


def waits(backend: AsyncClient, words: str) -> None:
    """Say what counts from the next start on, with a button that starts again."""

    async def restart() -> None:
        expect_end("Starting again …", "One moment: this page comes back by itself.")
        await backend.ask(calls.restart())
        dom.notify("Starting again …")

    with dom.box("trouble waits").props("role=status"), dom.box("stack"):
        dom.text(words, "what")
        dom.text("Answers under way end with it; what was said is kept.")
        with dom.box("row"):
            dom.button("Start again now", restart, picture="retry")


def expect_end(title: str, words: str) -> None:
    """What the page says when the daemon is gone next, for it was asked to."""
    ui.run_javascript(f"tsubasa.expectEnd({json.dumps(title)}, {json.dumps(words)})")
