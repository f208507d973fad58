"""
Left behind: the exports in inbox/done and among those dropped onto the page that tell what was forgotten in the store.

Promises: nothing is deleted, for the files are the user's own; a file that can't be read is passed over. Knows files by
the hash of their bytes, under which the store noted the import.
"""

import hashlib
from collections.abc import Collection
from pathlib import Path


def left_behind(inbox: Path, uploads: Path, digests: Collection[str]) -> list[Path]:
    """The files in the folder `done` of `inbox`, and in those of `uploads`, whose SHA-256 is among `digests`."""
    found = []
    for file in sorted([*(inbox / "done").glob("*"), *uploads.glob("*/*")]) if digests else []:
        try:
            with file.open("rb") as opened:
                if hashlib.file_digest(opened, "sha256").hexdigest() in digests:
                    found.append(file)
        except OSError:  # a folder, or no right to read it
            continue
    return found
