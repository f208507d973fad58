"""
The room of the memories.
"""

from daemon.web import parts
from daemon.web.shell import Visit


def build(visit: Visit) -> None:
    """Furnish the room."""
    parts.heading("Memories", "What Tsubasa holds about you.")
