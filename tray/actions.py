"""What each entry of the menu does: one request each; starting the daemon; opening the browser."""

import subprocess
import sys
import tempfile
import time
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import IO

from daemon.client.client import Client
from daemon.errors import DaemonError
from tray.state import Action

Browse = Callable[[str], None]
LONGEST_S = 120.0  # a start that takes longer is no longer watched
LONGEST_LINE = 300  # characters


def act(action: Action, client: Client, *, browse: Browse) -> str | None:
    """Do it; what to tell the user, None when the icon shows it. Raises `DaemonError`."""
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
            return f"From now on {f'generation {live}' if live else 'the base model'} answers."
        case "allow":
            state = client.confirm(action.to, allow=True)["confirmation"]["state"]
            return "Done." if state == "done" else f"It was not done: the request is {state}."
        case "refuse":
            client.confirm(action.to, allow=False)
            return "Refused; nothing was changed."
    return None


def browse(link: str) -> None:
    """Open a link in the user's browser; raises `DaemonError` when there is none."""
    try:
        if webbrowser.open(link):
            return
    except webbrowser.Error:
        pass
    raise DaemonError("No browser could be started. In a terminal, try: tsubasa open --print")


class DaemonStart:
    """Starts the daemon, once at a time, and notices when it does not come up. The daemon outlives the icon."""

    def __init__(self, home: Path, command: tuple[str, ...] = (sys.executable, "-m", "daemon", "up")) -> None:
        self._command = (*command, "--home", str(home))
        self._process: subprocess.Popen[bytes] | None = None
        self._stderr: IO[bytes] | None = None
        self._began = 0.0

    def begin(self) -> None:
        """Start the daemon, unless a start is under way."""
        if self._process is not None and self._process.poll() is None:
            return
        self._stderr = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._stderr,
            start_new_session=True,
        )
        self._began = time.monotonic()

    def is_under_way(self) -> bool:
        """Whether it may still come up; raises `DaemonError`, once, when it has ended with an error."""
        if self._process is None:
            return False
        code = self._process.poll()
        if code is None:
            return time.monotonic() - self._began < LONGEST_S
        last_line = self._last_line()
        self._process = None
        if code != 0:
            raise DaemonError(f"Tsubasa did not start (exit code {code}): {last_line or 'it said nothing'}")
        return False

    def _last_line(self) -> str:
        if self._stderr is None:
            return ""
        with self._stderr as file:
            file.seek(0)
            lines = file.read().decode(errors="replace").strip().splitlines()
        self._stderr = None
        return lines[-1].strip()[:LONGEST_LINE] if lines else ""
