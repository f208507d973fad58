"""
Short notices of the desktop.

Promises: a notice that can't be shown is a line on stderr; nothing is lost. Knows nothing of the icon.
"""

import shutil
import subprocess
import sys

from tray import dbus

TITLE = "Tsubasa"


def show(text: str) -> bool:
    """Show a notice for some seconds; False when this desktop shows none."""
    return dbus.notify(TITLE, text) or _by_program(text)


def tell(text: str) -> None:
    """Show a notice, or say it on stderr."""
    if not show(text):
        sys.stderr.write(f"{TITLE}: {text}\n")
        sys.stderr.flush()


def _by_program(text: str) -> bool:
    """By a program of the desktop, where there is no bus; False when none could."""
    if sys.platform == "darwin":
        script = "on run argv\ndisplay notification (item 1 of argv) with title (item 2 of argv)\nend run"
        command = ["osascript", "-e", script, text, TITLE]
    else:
        command = ["notify-send", "--app-name", TITLE, "--", TITLE, text]
    if shutil.which(command[0]) is None:
        return False
    try:
        done = subprocess.run(command, capture_output=True, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
