"""
The room of the nights.
"""

from daemon.web import parts
from daemon.web.shell import Visit


def build(visit: Visit) -> None:
    """Furnish the room."""
    parts.heading("Nights", "What it learned while you slept.")
