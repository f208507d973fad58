"""The program at a pseudo-terminal: before a person, so to speak."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[3]
LONGEST_S = 300


def inherited(**more):
    """The environment for a process of the program: that of the tests without its settings, and `more`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TSUBASA_")}
    return {**kept, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", **more}


class Terminal:
    """`tsubasa` with these words, a process on a terminal of its own; as a context, it is gone afterwards."""

    def __init__(self, *words, **environment):
        self._ours, theirs = pty.openpty()
        self._unread = ""
        self.said = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "daemon", *words],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=inherited(**{"TERM": "dumb", **environment}),
            start_new_session=True,
        )
        os.close(theirs)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._ours)

    def type(self, text):
        os.write(self._ours, text.encode())
        return self

    def press_ctrl_c(self, wanted):
        """Until `wanted` comes: Python sees a signal between the prompt and the read only at the next key."""
        return self.until(wanted, press=lambda: os.killpg(self.process.pid, signal.SIGINT))

    def until(self, wanted, press=lambda: None):
        """What came up to `wanted` since the last time, pressing `press` every three seconds; fails without it."""
        pressed, end = 0.0, time.monotonic() + LONGEST_S
        while wanted not in self._unread:
            assert time.monotonic() < end, f"{wanted!r} did not come; this did: {self._unread!r}"
            if time.monotonic() > pressed + 3:
                press()
                pressed = time.monotonic()
            if select.select([self._ours], [], [], 0.1)[0]:
                self._read()
        before, _, self._unread = self._unread.partition(wanted)
        return before

    def _read(self):
        try:
            text = os.read(self._ours, 4096).decode(errors="replace")
        except OSError:  # the program has left
            text = ""
        self._unread += text
        self.said += text

    def code(self):
        """How it ended by itself."""
        return self.process.wait(LONGEST_S)

    def stop(self):
        """End it as a service manager would."""
        self.process.terminate()
        return self.code()
