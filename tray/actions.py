"""
What each entry of the menu does.

Promises: one request each; what can't be seen on the icon is told in a sentence. Knows nothing of menus.
"""

import webbrowser
from collections.abc import Callable

from daemon.client.client import Client
from tray.errors import NoBrowser
from tray.state import Action

Browse = Callable[[str], None]


def act(action: Action, client: Client, *, browse: Browse) -> str | None:
    """
    Do it; what to tell the user, None when the icon shows it.

    Raises:
        DaemonError: the daemon refused, or is gone. NoBrowser: the page can't be opened.
    """
    match action.does:
        case "open":
            browse(client.open_link(action.to))
        case "pause":
            client.logging(on=False, for_minutes=int(action.to) or None)
        case "resume":
            client.logging(on=True)
        case "night":
            client.night()
            return "A night begins as soon as nothing else is under way. The icon shows how far it is."
        case "use":
            live = client.use(int(action.to))["live"]
            return (
                f"From now on generation {live} answers." if live else "From now on the base model answers."
            )
        case "allow":
            return _ended(client.confirm(action.to, allow=True)["confirmation"]["state"])
        case "refuse":
            client.confirm(action.to, allow=False)
            return "Refused; nothing was changed."
    return None


def _ended(state: str) -> str:
    return "Done." if state == "done" else f"It was not done: the request is {state}."


def browse(link: str) -> None:
    """Open a link in the user's browser; raises `NoBrowser`."""
    try:
        opened = webbrowser.open(link)
    except webbrowser.Error as error:
        raise NoBrowser() from error
    if not opened:
        raise NoBrowser()
