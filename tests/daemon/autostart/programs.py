"""Stand-ins for `systemctl` and its like: real programs on the PATH that note how they were called."""

import json
import os
import sys
from contextlib import contextmanager

SCRIPT = """#!/bin/sh
"exec" "{python}" "$0" "$@"  # a path with a space can't stand in the line above
import json, pathlib, sys
folder = pathlib.Path(__file__).parent
with open(folder / "calls", "a") as calls:
    print(json.dumps([pathlib.Path(__file__).name, *sys.argv[1:]]), file=calls)
answers = json.loads((folder / "answers").read_text())
told = next((told for words, told in answers if set(words) <= set(sys.argv[1:])), [0, "", ""])
sys.stdout.write(told[1])
sys.stderr.write(told[2])
sys.exit(told[0])
"""


class Programs:
    """What was called, and what is answered."""

    def __init__(self, folder):
        self.folder = folder
        self.answers = []
        self._save()

    def answer(self, *words, code=0, out="", err=""):
        """Calls that have all of `words` get this answer; the first that fits counts."""
        self.answers.append((words, (code, out, err)))
        self._save()

    def called(self, name):
        """The arguments of each call of `name`."""
        calls = self.folder / "calls"
        lines = calls.read_text().splitlines() if calls.exists() else []
        return [call[1:] for call in map(json.loads, lines) if call[0] == name]

    def _save(self):
        (self.folder / "answers").write_text(json.dumps(self.answers))


@contextmanager
def on_the_path(folder, *names):
    """Have `names` found first on the PATH of this process."""
    folder.mkdir()
    for name in names:
        program = folder / name
        program.write_text(SCRIPT.format(python=sys.executable))
        program.chmod(0o755)
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{folder}{os.pathsep}{before}"
    try:
        yield Programs(folder)
    finally:
        os.environ["PATH"] = before
