"""
The room of the privacy.
"""

from daemon.web import parts
from daemon.web.shell import Visit


def build(visit: Visit) -> None:
    """Furnish the room."""
    parts.heading("Privacy", "What is kept, where, and how big.")
