"""
Starts the daemon from the menu, and hears when it does not come up.

Promises: the daemon outlives the icon; what it says last is told when it ends. Knows nothing of the icon.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

from tray.errors import StartFailed

LONGEST_S = 120.0  # a start that takes longer is no longer watched
MOST_SAID = 300  # characters


class Start:
    """At most one start that is under way."""

    def __init__(self, home: Path, command: tuple[str, ...] = (sys.executable, "-m", "daemon", "up")) -> None:
        self._command = (*command, "--home", str(home))
        self._process: subprocess.Popen[bytes] | None = None
        self._said: IO[bytes] | None = None
        self._began = 0.0

    def begin(self) -> None:
        """Start the daemon, unless a start is under way."""
        if self._process is not None and self._process.poll() is None:
            return
        self._said = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._said,
            start_new_session=True,
        )
        self._began = time.monotonic()

    def is_under_way(self) -> bool:
        """Whether it may still come up; raises `StartFailed`, once, when it has ended with an error."""
        if self._process is None:
            return False
        code = self._process.poll()
        if code is None:
            return time.monotonic() - self._began < LONGEST_S
        said = self._last_words()
        self._process = None
        if code != 0:
            raise StartFailed(code, said)
        return False

    def _last_words(self) -> str:
        if self._said is None:
            return ""
        with self._said as file:
            file.seek(0)
            lines = file.read().decode(errors="replace").strip().splitlines()
        self._said = None
        return lines[-1].strip()[:MOST_SAID] if lines else ""
