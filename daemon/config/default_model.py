"""
Which model answers where the settings name none: `little` of the home, else the bundled nano.

`little` is a small language model that `tsubasa pull little` makes of a package's file and of the skills that come with
Tsubasa (`daemon/downloads/little.py`).
"""

from importlib.resources import files
from pathlib import Path

from daemon.home import Home

NANO, LITTLE = "nano", "little"  # these names stand for the files in the setting `model`, too
LITTLE_FILE = f"{LITTLE}.gguf"
MAKES_LITTLE = (
    False  # a first start makes `little` unasked where its package is installed (models/skills/card.md)
)


def default_model(home: Home) -> Path:
    """`little` where the home has it, else nano."""
    return found if (found := little(home)).is_file() else nano()


def nano_stands_in(home: Home, chosen: str) -> bool:
    """Whether nano answers although nobody chose it: by the setting `model`, or by pulling `little`."""
    return not chosen and default_model(home) == nano()


def model_file(home: Home, chosen: str) -> Path:
    """
    The file that the setting `model` means: a path, "nano", "little", or "" for the default.

    Raises:
        RuntimeError: it is below ~ of a user who does not exist.
    """
    named = {"": default_model, NANO: lambda home: nano(), LITTLE: little}
    return named[chosen](home) if chosen in named else Path(chosen).expanduser().absolute()


def little(home: Home) -> Path:
    """Where `little` lies, if it was pulled."""
    return home.models / LITTLE_FILE


def nano() -> Path:
    """Where the bundled model lies."""
    return Path(str(files("models"))) / NANO / "nano.gguf"


def shipped_skills() -> Path:
    """Where the skills of `little` lie, in a version that ships any."""
    return Path(str(files("models"))) / "skills" / "skills.gguf"
