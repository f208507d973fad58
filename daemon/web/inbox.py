"""
The room of the inbox.
"""

from daemon.web import parts
from daemon.web.shell import Visit


def build(visit: Visit) -> None:
    """Furnish the room."""
    parts.heading("Inbox", "Bring your chats from elsewhere.")
