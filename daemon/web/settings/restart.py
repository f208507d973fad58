"""What waits for the next start, and how to start again."""

from daemon.web.components import dom


def waits(words: str) -> None:
    """Say what counts from the next start on, and how one starts again."""
    with dom.box("trouble waits").props("role=status"), dom.box("stack"):
        dom.text(words, "what")
        dom.text("Stop Tsubasa where it runs, and start it again:")
        dom.command("tsubasa up")
