"""
Models in several files, NAME-00001-of-0000N.gguf: engine, downloads and trainer tell them by name. Needs no library.
"""

import re
from pathlib import Path

_PART = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.gguf", re.IGNORECASE | re.DOTALL)


def parts(path: Path) -> list[Path]:
    """The files of the model that `path` belongs to, in their order: itself, or NAME-00001-of-0000N.gguf and so on."""
    found = _PART.fullmatch(path.name)
    if found is None or not 1 <= int(found[2]) <= int(found[3]):
        return [path]
    numbers = range(1, int(found[3]) + 1)
    return [path.with_name(f"{found[1]}-{number:05}-of-{found[3]}{path.name[-5:]}") for number in numbers]
